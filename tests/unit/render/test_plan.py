"""Conversion of seconds to frames, and of frames to chunks."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hyperframes_render.composition.compile import PageSpec
from hyperframes_render.errors import DurationUnknown, LimitExceeded
from hyperframes_render.input import RenderInput
from hyperframes_render.render.plan import count_frames, frames_to_render, split_frames
from tests.unit.composition.steps import read_declared


@pytest.mark.parametrize(
    ("duration", "fps", "frames"),
    [
        (2, Fraction(30), 60),
        (0.1, Fraction(30), 3),
        (1.0001, Fraction(30), 31),
        (1.00003, Fraction(30), 30),
        (10, Fraction(30000, 1001), 300),
        (0.001, Fraction(30), 1),
        (6.2, Fraction(24), 149),
    ],
)
def test_a_part_of_a_frame_counts_as_one(duration: float, fps: Fraction, frames: int) -> None:
    assert count_frames(duration, fps) == frames


def test_an_excessive_length_names_the_limit() -> None:
    with pytest.raises(LimitExceeded, match="limit"):
        count_frames(1e9, Fraction(30))


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("", "no data-duration"),
        ('data-duration="abc"', 'data-duration="abc"'),
        ('data-duration="-2"', "not a positive"),
    ],
)
def test_an_invalid_length_is_named(attribute: str, message: str) -> None:
    declared = read_declared(f'<div data-composition-id="main" {attribute}></div>', name="index.html")
    page = PageSpec(width=320, height=180, fps=Fraction(30), duration=None)
    with pytest.raises(DurationUnknown, match=message):
        frames_to_render(page, declared, 0.0, RenderInput())


@pytest.mark.parametrize(("frames", "chunks"), [(10, 3), (1, 4), (100, 7), (3, 3), (864000, 1000)])
def test_chunks_cover_every_frame_once_and_are_even(frames: int, chunks: int) -> None:
    parts = split_frames(frames, chunks)
    assert [part.index for part in parts] == list(range(len(parts)))
    assert [number for part in parts for number in (part.frames.first, part.frames.end)][::2] == [
        0,
        *(part.frames.end for part in parts[:-1]),
    ]
    assert sum(part.frames.count for part in parts) == frames
    assert max(part.frames.count for part in parts) - min(part.frames.count for part in parts) <= 1
