"""Everything that moves in a page is on the clock of the video, whoever starts it, and whenever."""

from __future__ import annotations

import io
import multiprocessing
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.e2e.clock_pages import CAUSES, FRAMES, MOTIONS, Box, page_of, random_boxes
from tests.e2e.support import composition, few, render

SHARES = (("--workers", 1), ("--workers", 3), ("--chunks", 4, "--workers", 1))


def lefts(archive: Path, rows: int) -> list[list[int]]:
    """The left edge of each box in each frame, in pixels; -1 where there is none."""
    found = []
    with zipfile.ZipFile(archive) as frames:
        for name in sorted(name for name in frames.namelist() if name.endswith(".png")):
            image = np.asarray(Image.open(io.BytesIO(frames.read(name))).convert("L"))
            lines = [image[20 * row + 10] > 128 for row in range(rows)]
            found.append([int(np.argmax(line)) if line.any() else -1 for line in lines])
    return found


def check(boxes: list[Box], folder: Path) -> None:
    (folder / "index.html").write_text(page_of(boxes))
    (folder / "data.json").write_text("{}")
    for share in SHARES:
        render(folder, folder / "frames.zip", "--codec", "png", "--fps", 10, *share)
        shown = lefts(folder / "frames.zip", len(boxes))
        assert len(shown) == FRAMES
        for row, box in enumerate(boxes):
            places = [frame[row] for frame in shown]
            expected = [box.place(frame) for frame in range(FRAMES)]
            assert np.abs(np.array(places) - np.array(expected)).max() <= 1.01, (share, box, places, expected)


@pytest.mark.parametrize("cause", few(list(CAUSES), *list(CAUSES)[::3]))
def test_a_motion_counts_from_the_frame_that_starts_it(cause: str, tmp_path: Path) -> None:
    at = 0.0 if cause == "load" else 0.6
    check([Box(cause, at, motion, 0.8, 0.3) for motion in ("class", "transition", "animate")], tmp_path)


@pytest.mark.parametrize("first", range(0, len(MOTIONS), 5))
def test_every_call_of_an_animation_keeps_to_the_clock(first: int, tmp_path: Path) -> None:
    check([Box("timer", 0.4, motion, 0.8, 0.3) for motion in MOTIONS[first : first + 5]], tmp_path)


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(n, marks=pytest.mark.slow) for n in range(8, 500))])
def test_random_pages_are_right_however_their_frames_are_shared_out(seed: int, tmp_path: Path) -> None:
    check(random_boxes(seed), tmp_path)


def test_a_page_that_two_browsers_draw_differently_is_reported(tmp_path: Path) -> None:
    """A worker has random numbers of its own: each browser has the box in another place."""
    script = """const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(Math.random())"])));
      worker.onmessage = (event) => { b.style.left = `${event.data * 240}px`; };"""
    box = '<div id="b" style="position:absolute;top:0;left:0;width:80px;height:180px;background:#fff"></div>'
    moving = "<style>@keyframes k { to { transform: rotate(360deg) } }</style>" + "".join(
        f'<div style="position:absolute;inset:{n}px;filter:blur(9px);border:9px dashed red;'
        'animation:k 3s infinite"></div>'
        for n in range(0, 60, 10)
    )
    page = composition(moving + box, script, root='data-duration="12" data-no-timeline')
    (tmp_path / "page.html").write_text(page)
    warnings = render(tmp_path / "page.html", tmp_path / "o.mp4", "--workers", 2)["warnings"]
    assert any("Two browsers drew frame" in text for text in warnings), warnings


def _spin() -> None:
    while True:
        pass


@pytest.fixture
def load() -> Iterator[None]:
    """Four processes that keep the processors busy."""
    others = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(4)]
    for other in others:
        other.start()
    yield
    for other in others:
        other.kill()
        other.join()


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize("seed", [1000, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1001, 1020))])
def test_random_pages_are_right_on_a_busy_machine(seed: int, tmp_path: Path) -> None:
    check(random_boxes(seed), tmp_path)
