"""Into how many chunks a video is cut: as soon done as half as much work again allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hyperframes_render.errors import LimitExceeded
from hyperframes_render.render.plan import Plan

#: Chunks make work: each starts a browser. Up to this part of the undivided work is spent to be done sooner.
MAX_OVERHEAD = 0.5
#: Seconds that cutting and joining costs at all: looking at the composition first, starting the map's children, and
#: the step that joins (cost/estimate.py adds them up).
JOIN_SECONDS = 8.0
#: Each chunk begins with a whole picture: shorter than this in seconds of video, and the file grows.
SHORTEST_CHUNK = 1.0


#: A render that should be done in this many seconds is not cut: to look first, and to cut and join, would take longer.
SHORT_WORK = 15.0
#: Seconds to draw and encode a pixel of a frame where nothing is known of it: 50 ms for 1080p, more than most take.
SECONDS_PER_PIXEL = 2.4e-8
#: Seconds of one processor that the encoder takes for a pixel of a frame: 7-13 ms for 1080p, measured.
ENCODE_SECONDS_PER_PIXEL = 5e-9


@dataclass(frozen=True)
class Chunking:
    """What there is to render with: `parallel` chunks at once, and `disk` bytes for chunks and result (0: plenty).

    Seconds: `start` from a chunk's start to its first frame; `longest` that a chunk may take (a child of the map
    has five minutes).
    """

    parallel: int
    start: float = 2.0
    longest: float = 240.0
    disk: int = 0
    #: Seconds that the step has in which chunks become the result: a Lambda function's 15 minutes, less a reserve.
    joining: float = 840.0


def choose_chunks(frames: int, fps: float, seconds_per_frame: float, chunking: Chunking) -> tuple[int, str]:
    """How many chunks, and why in one sentence. `seconds_per_frame` is what capturing one takes."""
    work = frames * seconds_per_frame
    least = math.ceil(work / chunking.longest)
    by_length = max(1, int(frames / fps / SHORTEST_CHUNK))
    by_overhead = max(1, 1 + int(MAX_OVERHEAD * work / chunking.start))
    # Where more rounds than one are needed, the last one may as well be full.
    full_rounds = chunking.parallel * math.ceil(least / chunking.parallel) if least > chunking.parallel else least
    most = max(full_rounds, min(chunking.parallel, by_length, by_overhead))

    def wall(chunks: int) -> float:
        rounds = math.ceil(chunks / chunking.parallel)
        each = chunking.start + math.ceil(frames / chunks) * seconds_per_frame
        return rounds * each + (JOIN_SECONDS if chunks > 1 else 0.0)

    chosen = min(range(max(1, least), most + 1), key=wall)
    return chosen, (
        f"{frames} frames at {1000 * seconds_per_frame:.0f} ms are {work:.0f} s of work: {chosen} "
        f"{'chunk' if chosen == 1 else 'chunks'}, done in about {wall(chosen):.0f} s where one would take "
        f"{wall(1):.0f} s (at most {chunking.parallel} at once, {100 * MAX_OVERHEAD:.0f} % more work for it)."
    )


def check_room(plan: Plan, chunking: Chunking) -> None:
    """Raise LimitExceeded where chunks and result do not fit on the disk or into the time of the step that joins."""
    width, height = plan.coded_size
    per_frame = width * height * plan.format.joining_seconds_per_pixel
    if plan.frames * per_frame > chunking.joining:
        seconds = float(chunking.joining / per_frame / plan.fps)
        raise LimitExceeded(
            f"Joining the video may take {plan.frames * per_frame:.0f} s: there are {chunking.joining:.0f} s, enough "
            f"for {seconds:.0f} s of {plan.codec} at this size.",
            "Ask for a shorter duration, a smaller size or another codec.",
        )
    per_frame = width * height * plan.format.bytes_per_pixel
    if chunking.disk and plan.frames * per_frame > chunking.disk:
        seconds = float(chunking.disk / per_frame / plan.fps)
        raise LimitExceeded(
            f"The video may need {plan.frames * per_frame / 1e9:.1f} GB while it is joined: there are "
            f"{chunking.disk / 1e9:.1f} GB, enough for {seconds:.0f} s of {plan.codec} at this size.",
            "Ask for a shorter duration, a smaller size or another codec.",
        )
