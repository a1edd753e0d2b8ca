"""The planner's number of chunks is within 10 % of the fastest, and within the limits."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from hyperframes_render.errors import LimitExceeded
from hyperframes_render.formats import Codec, Content
from hyperframes_render.render.chunking import JOIN_SECONDS, MAX_OVERHEAD, Chunking, check_room, choose_chunks
from hyperframes_render.render.plan import Plan, split_frames


@pytest.mark.parametrize("seconds", [1, 10, 60, 600, 3600])
@pytest.mark.parametrize("per_frame", [0.005, 0.03, 0.2])
@pytest.mark.parametrize("parallel", [1, 8, 200])
def test_no_allowed_number_of_chunks_is_much_faster(seconds: int, per_frame: float, parallel: int) -> None:
    chunking = Chunking(parallel=parallel)
    frames = 30 * seconds
    chosen, reason = choose_chunks(frames, 30, per_frame, chunking)
    assert str(chosen) in reason

    def wall(chunks: int) -> float:
        rounds = math.ceil(chunks / parallel)
        return rounds * (chunking.start + math.ceil(frames / chunks) * per_frame) + (chunks > 1) * JOIN_SECONDS

    work = frames * per_frame
    allowed = [
        n
        for n in range(1, min(frames, 400) + 1)
        if (n - 1) * chunking.start <= MAX_OVERHEAD * work and n <= seconds and work / n <= chunking.longest
    ]
    assert wall(chosen) <= 1.1 * min(wall(n) for n in allowed)


def test_a_chunk_never_takes_longer_than_the_limit_of_its_step() -> None:
    chosen, _ = choose_chunks(100_000, 30, 0.5, Chunking(parallel=2, longest=240))
    assert 100_000 / chosen * 0.5 <= 240


def test_a_short_video_is_one_chunk() -> None:
    assert choose_chunks(60, 30, 0.03, Chunking(parallel=100))[0] == 1


@pytest.mark.parametrize(
    ("codec", "minutes", "message"),
    [("prores", 30, "GB"), ("gif", 5, "may take"), ("h264", 240, "GB"), ("h264", 60, None)],
)
def test_a_video_too_long_for_the_join_is_refused_early(codec: str, minutes: int, message: str | None) -> None:
    frames = minutes * 60 * 30
    plan = Plan(1920, 1080, Fraction(30), frames, Content.GRAPHICS, split_frames(frames, minutes), codec=Codec(codec))
    chunking = Chunking(parallel=100, disk=10240 * 1024**2)
    if message is None:
        check_room(plan, chunking)
        return
    with pytest.raises(LimitExceeded, match=message):
        check_room(plan, chunking)
