"""Animations in iframes and shadow trees follow the video's time, with and without chunks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.e2e.support import composition, few, frames, render

#: A box that moves from 0 to 160 pixels in a second.
BOX = """<style>i { position: absolute; left: 0; top: 20px; width: 40px; height: 40px; background: #ffd166;
  animation: go 1s linear both; } @keyframes go { to { left: 160px; } }</style><i></i>"""
SHADOW = f'<div id="host" style="position:absolute;inset:0"><template shadowrootmode="open">{BOX}</template></div>'
NESTED = (
    '<div style="position:absolute;inset:0"><template shadowrootmode="open"><div style="position:absolute;inset:0">'
    f'<template shadowrootmode="open">{BOX}</template></div></template></div>'
)
PARSED = """document.getElementById("host").setHTMLUnsafe(`<div style="position:absolute;inset:0">
<template shadowrootmode="open">BOX</template></div>`);""".replace("BOX", BOX)
SCRIPTED = f"""document.getElementById("host").attachShadow({{ mode: "closed" }}).innerHTML = `{BOX}`;"""
PLACE = "position:absolute;left:0;top:0;width:320px;height:180px;border:0"


def left_edges(video: Path) -> list[int]:
    """The left edge of the box in each frame, in pixels."""

    def edge(frame: NDArray[np.uint8]) -> int:
        return int((frame[30:50, :, 0].mean(axis=0) > 130).argmax())

    return [edge(frame) for frame in frames(video)]


@pytest.mark.parametrize("where", few(["frame", "shadow", "nested", "scripted", "parsed"], "shadow", "nested"))
def test_an_inner_animation_follows_the_videos_time(where: str, tmp_path: Path) -> None:
    (tmp_path / "inner.html").write_text(f"<!doctype html><body>{BOX}")
    body = {"frame": f'<iframe src="inner.html" style="{PLACE}"></iframe>', "shadow": SHADOW, "nested": NESTED}
    host = body.get(where, '<div id="host" style="position:absolute;inset:0"></div>')
    script = {"scripted": SCRIPTED, "parsed": PARSED}.get(where, "")
    # The clip begins at 0.2 s and is hidden before.
    clip = f'<div class="clip" data-start="0.2" data-duration="1" style="width:320px;height:180px">{host}</div>'
    (tmp_path / "index.html").write_text(composition(clip, script, 'data-duration="1" data-no-timeline'))
    for options in ([], ["--chunks", "3"]):
        render(tmp_path, tmp_path / "out.mp4", "--network", "none", *options)
        expected = [max(0, round((frame - 6) / 30 * 160)) for frame in range(30)]
        assert np.abs(np.array(left_edges(tmp_path / "out.mp4")) - expected).max() <= 1
