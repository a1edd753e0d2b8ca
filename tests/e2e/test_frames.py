"""Every frame shows what its number says, however the work is split and by whichever capture path."""

from __future__ import annotations

import shutil
import zipfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.boxes import BOXES, check_boxes
from tests.e2e.support import COMPOSITIONS, composition, few, frames, packet_times, render
from tests.parity.cases import COMPOSITIONS as PARITY_COMPOSITIONS

TRANSITIONS = PARITY_COMPOSITIONS / "transitions-called" / "index.html"
SCREENSHOT = {"HYPERFRAMES_RENDER_CAPTURE": "screenshot"}


@pytest.mark.parametrize(
    "split", [("--workers", 1), ("--workers", 3), ("--chunks", 4)], ids=["one pass", "three browsers", "four chunks"]
)
@pytest.mark.parametrize("env", [{}, pytest.param(SCREENSHOT, marks=pytest.mark.slow)], ids=["surface", "screenshot"])
def test_every_frame_shows_its_own_number(split: tuple[str, int], env: dict[str, str], tmp_path: Path) -> None:
    result = render(BOXES, tmp_path / "o.mp4", *split, env=env)
    assert result["frames"] == 60
    assert {report["path"] for report in result["capture"]} == {"screenshot" if env else "surface"}
    check_boxes(tmp_path / "o.mp4")


def test_joined_chunks_have_the_times_of_a_single_pass(tmp_path: Path) -> None:
    render(BOXES, tmp_path / "one.mp4", "--workers", 1)
    render(BOXES, tmp_path / "many.mp4", "--chunks", 4)
    one, many = packet_times(tmp_path / "one.mp4"), packet_times(tmp_path / "many.mp4")
    assert sorted(pts for pts, _, _ in many) == sorted(pts for pts, _, _ in one)
    assert [dts for _, dts, _ in many] == [dts for _, dts, _ in one]


@pytest.mark.parametrize("rate", few(["30000/1001", "24", "60", "12.5"], "30000/1001"))
def test_frame_rates_are_exact(rate: str, tmp_path: Path) -> None:
    result = render(COMPOSITIONS / "still.html", tmp_path / "o.mp4", "--fps", rate)
    exact = Fraction(rate)
    assert Fraction(result["video"]["fps"]) == exact
    times = sorted(pts for pts, _, _ in packet_times(tmp_path / "o.mp4"))
    assert len({later - sooner for sooner, later in pairwise(times)}) == 1
    assert result["frames"] == round(2 * exact)


def test_unchanged_frames_are_repeated_and_checked(tmp_path: Path) -> None:
    result = render(COMPOSITIONS / "still.html", tmp_path / "o.mp4", "--workers", 1)
    (report,) = result["capture"]
    assert report["captured"] + report["repeated"] == 60
    assert report["repeated"] > 50
    assert report["checks"] >= 3
    images = frames(tmp_path / "o.mp4")
    assert all(image[5, 5, 0] > 100 for image in images[:30])
    assert all(image[5, 5, 2] > 100 for image in images[30:])


def test_an_odd_size_grows_by_one_repeated_pixel(tmp_path: Path) -> None:
    (tmp_path / "odd.html").write_text(composition(root='data-duration="0.2" data-no-timeline'))
    result = render(tmp_path / "odd.html", tmp_path / "o.mp4", "--width", 321, "--height", 181)
    assert (result["width"], result["height"]) == (322, 182)
    image = frames(tmp_path / "o.mp4")[0].astype(int)
    assert np.abs(image[:, 321] - image[:, 320]).max() <= 3
    assert np.abs(image[181] - image[180]).max() <= 3


def test_the_callers_values_win_over_the_declared_ones(tmp_path: Path) -> None:
    result = render(BOXES, tmp_path / "o.mp4", "--fps", 10, "--duration", 3, "--width", 400)
    assert (result["frames"], result["width"], result["height"]) == (30, 400, 360)
    assert any("data-width=640" in warning for warning in result["warnings"])


def test_an_animation_frame_that_an_earlier_one_cancels_is_not_run(tmp_path: Path) -> None:
    script = """
      const stage = document.getElementById("stage");
      const colour = (value) => () => { stage.style.background = value; };
      stage.style.height = "180px";
      (function ask() {
        requestAnimationFrame(() => { cancelAnimationFrame(cancelled); ask(); colour("#00ff00")(); });
        const cancelled = requestAnimationFrame(colour("#ff0000"));
      })();
    """
    (tmp_path / "page.html").write_text(composition(script=script, root='data-duration="0.2" data-no-timeline'))
    render(tmp_path / "page.html", tmp_path / "o.mp4")
    red, green, _ = frames(tmp_path / "o.mp4")[3][90, 160].tolist()
    assert red < 40 and green > 200


@pytest.mark.slow
def test_a_folder_and_an_archive_give_the_same_pictures(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(BOXES, project / "index.html")
    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        archive.write(BOXES, "index.html")
    for source in (project, tmp_path / "project.zip"):
        render(source, tmp_path / "o.mp4")
        check_boxes(tmp_path / "o.mp4")


def test_two_renders_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        render(BOXES, tmp_path / f"{name}.mp4", "--workers", 1)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_colours_are_bt709_and_saturated_ones_survive(tmp_path: Path) -> None:
    colours = ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff"]
    body = "".join(
        f'<div style="position:absolute;left:{50 * i}px;top:0;width:50px;height:180px;background:{c}"></div>'
        for i, c in enumerate(colours)
    )
    (tmp_path / "c.html").write_text(composition(body, root='data-duration="0.1" data-no-timeline'))
    result = render(tmp_path / "c.html", tmp_path / "o.mp4")
    assert (result["video"]["color_space"], result["video"]["color_range"]) == ("bt709", "tv")
    image = frames(tmp_path / "o.mp4")[0]
    for index, colour in enumerate(colours):
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(image[90, 50 * index + 25].astype(int) - wanted).max() <= 6, colour


def pictures_in(archive: Path) -> list[bytes]:
    with zipfile.ZipFile(archive) as images:
        return [images.read(name) for name in sorted(images.namelist())]


def lossless(composition: Path, output: Path, *options: object) -> list[bytes]:
    render(composition, output, "--codec", "png", "--network", "none", *options)
    return pictures_in(output)


def check_shares(composition: Path, folder: Path, late: str) -> list[bytes]:
    """All images of a composition of 30 frames a second; those of three browsers, of four chunks and from `late`
    seconds on must be the same.
    """
    whole = lossless(composition, folder / "whole.zip", "--workers", 1)
    assert lossless(composition, folder / "three-browsers.zip", "--workers", 3) == whole
    assert lossless(composition, folder / "chunks.zip", "--chunks", 4, "--workers", 1) == whole
    end = lossless(composition, folder / "end.zip", "--from", late, "--workers", 1)
    assert end == whole[round(30 * float(late)) :]
    return whole


def test_tweens_begin_from_the_same_values_however_the_frames_are_shared_out(tmp_path: Path) -> None:
    """Where two tweens move one thing, the second begins from what it finds: it must find the same in every browser."""
    contested = COMPOSITIONS / "contested.html"
    whole = check_shares(contested, tmp_path, "1.5")
    assert len(set(whole)) > 50
    # Here both tweens of the inner mark are over: the one that ended last has the say.
    assert lossless(contested, tmp_path / "rest.zip", "--from", "1.7", "--workers", 1) == whole[51:]


def test_a_soft_edge_that_is_rounded_the_other_way_keeps_the_fast_path(tmp_path: Path) -> None:
    """Frame 4, which is looked at first here, has one; the frames of a browser that gave up would differ there."""
    result = render(COMPOSITIONS / "contested.html", tmp_path / "o.zip", "--codec", "png", "--from", 4 / 30)
    assert result["capture"][0]["path"] == "surface", result["capture"]


#: Two compositions whose timelines move a box each from 0 to 200 in a second.
TWO_TIMELINES = (
    '<div id="a" style="position:absolute;top:20px;left:0;width:40px;height:40px;background:#f80"></div>'
    '<div data-composition-id="s" data-start="0" data-duration="1">'
    '<div id="b" style="position:absolute;top:100px;left:0;width:40px;height:40px;background:#f80"></div></div>'
)
LIBRARY = '<script src="https://cdn.jsdelivr.net/npm/gsap@3.15.0/dist/gsap.min.js"></script>'
MOVES = 'gsap.timeline({ paused: true }).to(box, { x: 200, duration: 1, ease: "none" })'
LATER = f"""const move = (box) => {MOVES};
  const late = () => fetch("d.json").then((answer) => answer.json()).then(() => setTimeout(go, 1500));"""


@pytest.mark.slow
def test_transitions_of_callbacks_are_the_same_however_frames_are_split(tmp_path: Path) -> None:
    assert len(set(check_shares(TRANSITIONS, tmp_path, "0.5"))) > 60


RETARGETED = COMPOSITIONS / "retargeted.html"


def lefts(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[int]:
    """Where the two boxes of `retargeted.html` begin, in pixels."""
    return [int(np.argmax(image[row, :, 0] > 150)) for row in (35, 85)]


def test_a_transition_counts_from_the_frame_that_sets_it_off(tmp_path: Path) -> None:
    """As in a browser: that frame shows its beginning, and another one begins from where it is."""
    render(RETARGETED, tmp_path / "o.mp4")
    shown = np.array([lefts(image) for image in frames(tmp_path / "o.mp4")])
    tween, expected = 0.0, []
    for frame in range(45):
        expected.append((240 * min(1, max(0, frame - 6) / 18), tween))
        # A tenth of a second of delay, and each of these frames sets off another transition: none begins to move.
        tween = 240 * min(1, max(0, frame + 1 - 21 - 3) / 18)
    assert np.abs(shown - np.array(expected)).max() <= 2


@pytest.mark.slow
def test_transitions_are_as_far_however_the_frames_are_shared_out(tmp_path: Path) -> None:
    assert len(set(check_shares(RETARGETED, tmp_path, "0.9"))) > 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "different"),
    [("elements-on-canvas", 30), ("shader-transitions-alive", 48), ("studio-edits", 20), ("seek-waits", 30)],
)
def test_what_is_drawn_late_is_the_same_however_the_frames_are_shared_out(
    name: str, different: int, tmp_path: Path
) -> None:
    """What a callback draws of an element is the element as it was painted last: that of the frame before."""
    assert len(set(check_shares(PARITY_COMPOSITIONS / name, tmp_path, "0.5"))) >= different


REMEMBERING = COMPOSITIONS / "remembering.html"


def test_timers_go_by_the_time_of_the_video(tmp_path: Path) -> None:
    """They count from frame 0, whatever other timers there are."""
    render(REMEMBERING, tmp_path / "o.mp4", "--workers", 1)
    images = frames(tmp_path / "o.mp4")
    for number, image in enumerate(images):
        wide = {row: int((image[row, :270, 0] > 150).sum()) for row in (5, 17, 175)}
        assert abs(wide[5] - min(270, 10 * int(number / 3 + 1e-6))) <= 1, number
        assert wide[17] == (20 if number < 30 else 270), number
        assert wide[175] == (20 if number < 27 else 200), number


@pytest.mark.slow
def test_what_continues_over_frames_is_the_same_however_they_are_split(tmp_path: Path) -> None:
    assert len(set(check_shares(REMEMBERING, tmp_path, "1.1"))) == 60


@pytest.mark.slow
def test_what_listens_to_the_ticker_goes_on_however_the_frames_are_shared_out(tmp_path: Path) -> None:
    script = f"""const box = "#a"; window.__timelines = {{ m: {MOVES} }};
      let ticks = 0; gsap.ticker.add(() => {{ document.getElementById("b").style.left = 5 * ++ticks + "px"; }});"""
    body = TWO_TIMELINES.replace("data-composition-id", "id") + LIBRARY
    (tmp_path / "page.html").write_text(composition(body, script))
    assert len(set(check_shares(tmp_path / "page.html", tmp_path, "0.5"))) == 30


def test_a_timeline_made_in_an_animation_frame_is_there_from_frame_zero(tmp_path: Path) -> None:
    late = f"""setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => {{
      const box = "#a"; window.__timelines = {{ m: {MOVES} }}; }})), 50);"""
    (tmp_path / "page.html").write_text(composition(TWO_TIMELINES.replace("data-composition-id", "id") + LIBRARY, late))
    assert len(set(check_shares(tmp_path / "page.html", tmp_path, "0.5"))) == 30


@pytest.mark.parametrize("outside", [False, True], ids=["in the page", "in a file"])
def test_a_timeline_that_data_brings_late_is_waited_for(outside: bool, tmp_path: Path) -> None:
    some = 'window.__timelines = { s: move("#b") };'
    rest = 'window.__timelines["m"] = move("#a");'
    script = f"{LATER} function go() {{ {some} {rest} }} late();"
    if outside:
        (tmp_path / "main.js").write_text(script)
        body, script = TWO_TIMELINES + LIBRARY + '<script src="main.js"></script>', ""
    else:
        body, script = TWO_TIMELINES + LIBRARY, f"{LATER} {some} function go() {{ {rest} }} late();"
    (tmp_path / "d.json").write_text("{}")
    (tmp_path / "index.html").write_text(composition(body, script))
    result = render(tmp_path, tmp_path / "o.mp4", "--workers", 1)
    assert result["warnings"] == []
    images = frames(tmp_path / "o.mp4")
    for number in (0, 15, 29):
        for row in (40, 120):
            left = int(np.argmax(images[number][row, :, 0] > 128))
            assert abs(left - number * 200 / 30) < 2, (number, row)
