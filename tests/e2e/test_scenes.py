"""A scene that is shown several times, and pages that leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.e2e.support import composition, frames, run

LIBRARY = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
#: A box that comes from x = 200 in a second, in the row and colour channel of its variables.
BOX = """<template><div data-composition-id="box" data-width="320" data-height="180"
 data-composition-variables='[{"id": "row", "type": "number", "default": 0}]'>
<div class="it" style="position:absolute;left:0;width:20px;height:20px"></div>
<script>
const { row } = __hyperframes.getVariables();
const it = document.querySelector(".it");
it.style.top = `${row}px`;
it.style.background = row ? "#0f0" : "#f00";
window.__timelines.box = gsap.timeline({ paused: true }).from(it, { left: 200, duration: 1, ease: "none" });
</script></div></template>"""


def shown_box(row: int) -> str:
    return (
        '<div data-composition-id="box" data-composition-src="box.html" data-start="0" data-duration="1" '
        f"data-variable-values='{{\"row\": {row}}}'></div>"
    )


def test_a_scene_shown_again_inside_another_moves_in_both_places(tmp_path: Path) -> None:
    (tmp_path / "box.html").write_text(BOX)
    (tmp_path / "outer.html").write_text(
        f'<template><div data-composition-id="outer" data-width="320" data-height="180">{shown_box(90)}'
        "<script>window.__timelines.outer = gsap.timeline({ paused: true });</script></div></template>"
    )
    outer = '<div data-composition-id="outer" data-composition-src="outer.html" data-start="0" data-duration="1"></div>'
    for hosts in (shown_box(0) + outer, outer + shown_box(0)):
        (tmp_path / "index.html").write_text(
            composition(LIBRARY + hosts, "window.__timelines = { m: gsap.timeline({ paused: true }) };")
        )
        assert run("render", tmp_path, "-o", tmp_path / "o.mp4", "--fps", 10).status == 0
        for number, picture in enumerate(frames(tmp_path / "o.mp4")):
            for row, channel in ((10, 0), (100, 1)):
                left = int(np.argmax(picture[row, :, channel] > 128))
                assert abs(left - 20 * (10 - number)) <= 2, (number, row, left)


def test_a_page_that_opens_another_one_is_an_error(tmp_path: Path) -> None:
    for script in ('location.href = "https://example.com/"', 'setTimeout(() => location.assign("other.html"), 500)'):
        (tmp_path / "page.html").write_text(composition("<p>a</p>", script))
        ended = run("render", tmp_path / "page.html", "-o", tmp_path / "o.mp4")
        assert ended.status == 1 and "tried to open" in ended.last_line, ended.last_line
