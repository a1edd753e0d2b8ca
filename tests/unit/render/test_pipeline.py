"""Division of a render's frames among browsers."""

from __future__ import annotations

import pytest

from hyperframes_render.media.frame_form import FrameForm
from hyperframes_render.render.pipeline import SHORTEST_BLOCK, blocks_of
from hyperframes_render.render.plan import FrameRange
from hyperframes_render.render.worker import BLOCK_FRAMES, EXTRA_FRAMES, HELD_BYTES, block_frames


@pytest.mark.parametrize("count", [1, 2, 3, 7, 30, 31, 180, 1799])
@pytest.mark.parametrize("workers", [1, 2, 5, 64])
@pytest.mark.parametrize("longest", [1, 3, 30])
def test_every_frame_is_in_one_block_of_allowed_length(count: int, workers: int, longest: int) -> None:
    blocks = blocks_of(FrameRange(40, count), longest, workers)

    assert [frame for block in blocks for frame in range(block.first, block.end)] == list(range(40, 40 + count))
    assert max(block.count for block in blocks) <= longest


def test_blocks_get_shorter_towards_the_end() -> None:
    lengths = [block.count for block in blocks_of(FrameRange(0, 180), 30, 2)]

    assert lengths[0] == 30
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths[:-1]) >= SHORTEST_BLOCK
    assert lengths[-2:] == [SHORTEST_BLOCK, SHORTEST_BLOCK]


@pytest.mark.parametrize("size", [(320, 180), (1920, 1080), (3840, 2160), (7680, 4320)])
@pytest.mark.parametrize("form", list(FrameForm))
def test_the_frames_of_a_block_fit_into_the_workers_memory(size: tuple[int, int], form: FrameForm) -> None:
    frames = block_frames(*size, form)

    assert 1 <= frames <= BLOCK_FRAMES
    bytes_per_frame = size[0] * size[1] * (4.0 if form in (FrameForm.PIXELS, FrameForm.PNG) else 1.5)
    assert frames == 1 or (frames + EXTRA_FRAMES) * bytes_per_frame <= HELD_BYTES
