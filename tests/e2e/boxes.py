"""The composition with numbered frames, and checks of its frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.e2e.support import COMPOSITIONS, frames

BOXES = COMPOSITIONS / "boxes.html"


def shown_number(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    return sum(1 << bit for bit in range(8) if frame[24, 24 + 48 * bit, 0] > 128)


def check_boxes(video: Path, first: int = 0, count: int = 60) -> None:
    decoded = frames(video)
    assert [shown_number(frame) for frame in decoded] == list(range(first, first + count))
    for number, frame in enumerate(decoded, first):
        red, green, blue = frame[96, 96], frame[96, 224], frame[96, 352]
        assert (red[0] > 128) == (15 <= number < 30), number
        assert (green[1] > 128) == (30 <= number < 42), number
        assert (blue[2] > 128) == (45 <= number < 60), number
        left = 8 * number
        assert frame[176, left + 16, 0] > 200, number
        assert frame[176, left + 64, 0] < 60 if left + 64 < 640 else True, number
        assert abs(int(frame[256, 320, 0]) - 4 * number) <= 4, number
