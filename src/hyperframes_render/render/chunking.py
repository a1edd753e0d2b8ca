"""Into how many chunks a video is cut: as soon done as a quarter more work allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Chunks make work: each starts a browser. Up to this part of the undivided work is spent to be done sooner.
MAX_OVERHEAD = 0.25
#: Seconds that cutting and joining costs at all: starting the map's children, and the step that joins.
JOIN_SECONDS = 2.0
#: Each chunk begins with a whole picture: shorter than this in seconds of video, and the file grows.
SHORTEST_CHUNK = 1.0


@dataclass(frozen=True)
class Chunking:
    """What there is to render with: `parallel` chunks at once.

    Seconds: `start` from a chunk's start to its first frame; `longest` that a chunk may take (a child of the map
    has five minutes).
    """

    parallel: int
    start: float = 2.0
    longest: float = 240.0


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
