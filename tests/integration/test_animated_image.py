"""An animated image shows the frame of the moment and repeats without end."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperframes_render.media.animated_image import open_moving, probe_animation
from hyperframes_render.media.media_file import MediaUnreadable

GREYS = [20, 80, 140, 200]


def make_picture(path: Path, *, lengths: tuple[int, ...] = (100, 200, 100, 50), alpha: int = 255) -> Path:
    """Frames of four greys, each shown for its number of milliseconds."""
    frames = [Image.new("RGBA", (32, 24), (grey, grey, grey, alpha)) for grey in GREYS]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=list(lengths), loop=0, quality=95)
    return path


def shown(path: Path, frames: range | list[int], fps: int = 20) -> list[int]:
    """Which of the greys each frame shows."""
    reader = open_moving(path, fps=Fraction(fps))
    levels = [np.asarray(Image.open(io.BytesIO(reader.still(n).data)).convert("RGB")).mean() for n in frames]
    reader.close()
    return [int(np.abs(np.array(GREYS) - level).argmin()) for level in levels]


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.gif", "a.png"])
def test_each_picture_is_shown_for_its_time_and_then_they_begin_again(tmp_path: Path, name: str) -> None:
    path = make_picture(tmp_path / name)
    wanted = [0, 0, 1, 1, 1, 1, 2, 2, 3] * 2
    assert shown(path, range(18)) == wanted
    assert shown(path, [7, 1, 13, 4]) == [wanted[n] for n in (7, 1, 13, 4)]


@pytest.mark.parametrize("name", ["a.webp", "a.avif"])
def test_alpha_and_size_are_kept(tmp_path: Path, name: str) -> None:
    path = make_picture(tmp_path / name, alpha=128)
    found = probe_animation(path)
    assert found is not None and (found.width, found.height) == (32, 24)
    still = open_moving(path, fps=Fraction(30)).still(0)
    frame = np.asarray(Image.open(io.BytesIO(still.data)))
    assert frame.shape == (24, 32, 4) and abs(float(frame[..., 3].mean()) - 128) < 4


def test_what_stands_or_is_no_picture_is_the_browsers_affair(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "still.webp")
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    (tmp_path / "text.webp").write_text("no frame")
    make_picture(tmp_path / "whole.webp")
    assert [probe_animation(tmp_path / name) for name in ("still.webp", "still.png", "text.webp", "none.webp")] == [
        None
    ] * 4


def test_a_damaged_one_is_said(tmp_path: Path) -> None:
    data = make_picture(tmp_path / "whole.webp").read_bytes()
    (tmp_path / "cut.webp").write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaUnreadable):
        open_moving(tmp_path / "cut.webp", fps=Fraction(30)).still(0)
