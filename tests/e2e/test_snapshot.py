"""Snapshots of one time or a sheet of several, posters, and warnings of black and frozen stretches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperframes_render.media.stills import make_poster
from tests.e2e.boxes import BOXES, shown_number
from tests.e2e.support import COMPOSITIONS, composition, render, run


def test_a_snapshot_equals_the_frame_of_a_render(tmp_path: Path) -> None:
    result = json.loads(
        run("snapshot", BOXES, "-o", tmp_path / "a.png", "--at", "0.7", "--network", "none", "--json").stdout
    )
    assert (result["width"], result["height"], result["times"]) == (640, 360, [0.7])
    assert shown_number(np.asarray(Image.open(tmp_path / "a.png"))) == 21
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_several_times_are_a_sheet_in_order(tmp_path: Path) -> None:
    ended = run("snapshot", BOXES, "-o", tmp_path / "a.png", "--at", "1.5,0.5", "--network", "none", "--json")
    assert ended.result["times"] == [0.5, 1.5]
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape[1] > 2 * 400


def test_a_sheet_of_clips_looks_at_each_just_after_its_start(tmp_path: Path) -> None:
    clips = "".join(
        f'<div class="clip" data-start="{start}" data-duration="0.5" style="position:absolute;inset:0">a</div>'
        for start in (0.2, 0.8)
    )
    (tmp_path / "index.html").write_text(composition(clips, root='data-duration="1.5" data-no-timeline'))
    ended = run("snapshot", tmp_path, "-o", tmp_path / "a.png", "--at", "clips", "--json")
    assert ended.result["times"] == [round(7 / 30, 3), round(25 / 30, 3)]


def test_a_sheet_of_tweens_looks_at_the_end_of_each(tmp_path: Path) -> None:
    script = """const tl = gsap.timeline({ paused: true });
    tl.to("#a", { x: 9, duration: 0.5 }, 0).to("#a", { x: 0, duration: 0.2 }, 1);
    window.__timelines = { m: tl };"""
    body = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script><p id="a">a</p>'
    (tmp_path / "index.html").write_text(composition(body, script, root='data-duration="1.5"'))
    ended = run("snapshot", tmp_path, "-o", tmp_path / "a.png", "--at", "tweens", "--json")
    assert ended.result["times"] == [0.5, 1.2]


def test_a_transparent_snapshot_has_alpha(tmp_path: Path) -> None:
    ended = run("snapshot", COMPOSITIONS / "alpha.html", "-o", tmp_path / "a.png", "--at", 0, "--transparent", "--json")
    assert ended.status == 0, ended.stderr
    alpha = np.asarray(Image.open(tmp_path / "a.png"))[..., 3]
    assert len(np.unique(alpha)) > 200


@pytest.mark.parametrize(
    ("options", "message"), [(["--at", "9"], "within"), (["--at", "x"], "seconds"), (["--at", ""], "seconds")]
)
def test_a_wrong_time_is_a_clear_error(options: list[str], message: str, tmp_path: Path) -> None:
    ended = run("snapshot", BOXES, "-o", tmp_path / "a.png", "--network", "none", *options)
    assert ended.status == 1
    assert message in ended.last_line
    assert list(tmp_path.iterdir()) == []


def test_a_poster_of_a_video_with_an_empty_beginning_shows_content(tmp_path: Path) -> None:
    body = (
        '<div class="clip" data-start="1" data-duration="1" style="position:absolute;inset:40px;background:#f80"></div>'
    )
    (tmp_path / "late.html").write_text(composition(body, root='data-duration="2" data-no-timeline'))
    render(tmp_path / "late.html", tmp_path / "o.mp4", "--network", "none")
    make_poster(tmp_path / "o.mp4", tmp_path / "poster.jpg")
    poster = np.asarray(Image.open(tmp_path / "poster.jpg"))
    assert poster.shape == (180, 320, 3)
    assert poster[90, 160, 0] > 200


def test_a_black_stretch_is_reported_with_its_times(tmp_path: Path) -> None:
    style = "position:absolute;inset:0;background:#f80"
    body = f'<div class="clip" data-start="1.5" data-duration="0.5" style="{style}"></div>'
    page = composition(body, root='data-duration="2" data-no-timeline').replace("#102030", "#000")
    (tmp_path / "black.html").write_text(page)
    result = render(tmp_path / "black.html", tmp_path / "o.mp4", "--network", "none")
    assert "The video is black from 0.00 s to 1.50 s." in result["warnings"]
    assert not [text for text in render(BOXES, tmp_path / "o.mp4", "--network", "none")["warnings"] if "black" in text]


@pytest.mark.slow
def test_a_stretch_without_changes_during_a_tween_is_reported(tmp_path: Path) -> None:
    # The box moves behind another element at 0.5 s and reappears at 2 s.
    page = BOXES.parent.joinpath("hidden.html").read_text()
    (tmp_path / "hidden.html").write_text(page)
    for options in ([], ["--codec", "prores"]):
        output = tmp_path / ("o.mov" if options else "o.mp4")
        warnings = render(tmp_path / "hidden.html", output, "--network", "none", *options)["warnings"]
        reported = [text for text in warnings if text.startswith("Nothing moves")]
        assert reported == ["Nothing moves from 0.53 s to 2.00 s, although a timeline has a tween then."]
