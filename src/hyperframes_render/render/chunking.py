"""Chooses the number of chunks of a video: the fastest number that costs at most half as much work again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hyperframes_render.errors import LimitExceeded
from hyperframes_render.render.plan import Plan

#: Each chunk starts a browser. All starts together may cost this fraction of the work of a render in one chunk.
MAX_OVERHEAD = 0.5
#: Fixed seconds of a render in several chunks: measuring the composition, starting the Map's children, and the step
#: that joins (cost/estimate.py adds them up).
JOIN_SECONDS = 8.0
#: Shortest chunk in seconds of video. Each chunk begins with a key frame, so shorter chunks make larger files.
SHORTEST_CHUNK = 1.0
#: A render that should take at most this many seconds is not split: measuring, splitting and joining would take longer.
SHORT_WORK = 15.0
#: Seconds to draw and encode one pixel of a frame before any measurement: 50 ms for 1080p, more than most frames take.
SECONDS_PER_PIXEL = 2.4e-8
#: Processor seconds of the encoder for one pixel of a frame: 7-13 ms for 1080p, measured.
ENCODE_SECONDS_PER_PIXEL = 5e-9


@dataclass(frozen=True)
class Chunking:
    """The limits of a render in chunks.

    At most `parallel` chunks render at once. `disk` is the space for chunks and result in bytes; 0 means no limit.
    `start` is the time from a chunk's start to its first frame in seconds. `longest` is the most that a chunk may
    take in seconds.
    """

    parallel: int
    start: float = 2.0
    longest: float = 240.0
    disk: int = 0
    #: Seconds of the step that joins the chunks: a Lambda function's 15 minutes, less a reserve.
    joining: float = 840.0


def choose_chunks(frames: int, fps: float, seconds_per_frame: float, chunking: Chunking) -> tuple[int, str]:
    """The number of chunks, and the reason in one sentence. `seconds_per_frame` is the time to capture one frame."""
    work = frames * seconds_per_frame
    least = math.ceil(work / chunking.longest)
    by_length = max(1, int(frames / fps / SHORTEST_CHUNK))
    by_overhead = max(1, 1 + int(MAX_OVERHEAD * work / chunking.start))
    # If more than one round is needed, a full last round takes no longer.
    full_rounds = chunking.parallel * math.ceil(least / chunking.parallel) if least > chunking.parallel else least
    most = max(full_rounds, min(chunking.parallel, by_length, by_overhead))

    def wall(chunks: int) -> float:
        rounds = math.ceil(chunks / chunking.parallel)
        each = chunking.start + math.ceil(frames / chunks) * seconds_per_frame
        return rounds * each + (JOIN_SECONDS if chunks > 1 else 0.0)

    chosen = min(range(max(1, least), most + 1), key=wall)
    return chosen, (
        f"{frames} frames at {1000 * seconds_per_frame:.0f} ms are {work:.0f} s of work: {chosen} "
        f"{'chunk takes' if chosen == 1 else 'chunks take'} about {wall(chosen):.0f} s, one chunk would take "
        f"{wall(1):.0f} s (limits: {chunking.parallel} chunks at once, {100 * MAX_OVERHEAD:.0f} % more work)."
    )


def check_room(plan: Plan, chunking: Chunking) -> None:
    """Raise LimitExceeded if chunks and result exceed the disk, or joining them exceeds the time of its step."""
    width, height = plan.coded_size
    per_frame = width * height * plan.format.joining_seconds_per_pixel
    if plan.frames * per_frame > chunking.joining:
        seconds = float(chunking.joining / per_frame / plan.fps)
        raise LimitExceeded(
            f"Joining the video may take {plan.frames * per_frame:.0f} s. There are {chunking.joining:.0f} s, enough "
            f"for {seconds:.0f} s of {plan.codec} at this size.",
            "Ask for a shorter duration, a smaller size or another codec.",
        )
    per_frame = width * height * plan.format.bytes_per_pixel
    if chunking.disk and plan.frames * per_frame > chunking.disk:
        seconds = float(chunking.disk / per_frame / plan.fps)
        raise LimitExceeded(
            f"Joining the video may need {plan.frames * per_frame / 1e9:.1f} GB of disk. There are "
            f"{chunking.disk / 1e9:.1f} GB, enough for {seconds:.0f} s of {plan.codec} at this size.",
            "Ask for a shorter duration, a smaller size or another codec.",
        )
