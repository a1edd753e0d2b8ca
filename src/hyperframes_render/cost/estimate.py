"""What a render will take and cost in AWS, from a short look at the composition on this machine.

A model, not a measurement: its constants say where they come from. What is measured is the time of a frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hyperframes_render.cost.prices import Architecture, Spent, cost_of
from hyperframes_render.render.chunking import ENCODE_SECONDS_PER_PIXEL, Chunking, choose_chunks
from hyperframes_render.render.plan import Plan

#: Megabytes of memory that come with one processor (AWS's documentation), and the most processors there are.
_MB_PER_PROCESSOR, _MOST_PROCESSORS = 1769, 6
#: Seconds. The first call of an image function; AWS's own reports say 1 to 4 for images of this size. Not measured.
COLD_START = 2.5
#: From a workflow's state to the next, and the start of a distributed map with its first children. Not measured at
#: AWS; the emulator takes a fiftieth of it.
STATE_SECONDS, MAP_SECONDS = 0.1, 1.5
#: Asking `grant` for access. Not measured at AWS: a call of a warm function and one of STS.
GRANT_SECONDS = 0.1
_START = COLD_START + GRANT_SECONDS
#: Opening a page and looking at a dozen places: measured here, docs/reference/performance.md.
PLAN_SECONDS, SHORT_PLAN_SECONDS = 3.5, 0.3
#: Joining: starting, and bytes at the speed at which one function reads and writes S3. The speed is AWS's usual one.
JOIN_START, JOIN_BYTES_PER_SECOND = 1.0, 80e6


@dataclass(frozen=True)
class Workload:
    """What is to be rendered. `capture` is seconds that one browser takes for a frame on two processors."""

    frames: int
    fps: float
    width: int
    height: int
    capture: float

    @classmethod
    def of_plan(cls, plan: Plan, seconds_per_frame: float) -> Workload:
        """The work of a plan whose frames were measured."""
        return cls(plan.frames, float(plan.fps), *plan.coded_size, seconds_per_frame)

    @property
    def bytes_per_frame(self) -> float:
        """Bytes of a frame of rich graphics in h264: 47 kB for 1080p, measured."""
        return self.width * self.height * 0.023

    @property
    def encode(self) -> float:
        """Seconds that encoding a frame takes on one processor."""
        return self.width * self.height * ENCODE_SECONDS_PER_PIXEL


@dataclass(frozen=True)
class Stack:
    """What it is rendered with: the functions' memory in megabytes, and how many chunks at once."""

    memory_mb: int = 3008
    parallel: int = 6
    architecture: Architecture = "x86_64"

    @property
    def processors(self) -> float:
        """Processors of one function."""
        return min(_MOST_PROCESSORS, self.memory_mb / _MB_PER_PROCESSOR)


@dataclass(frozen=True)
class Prediction:
    """Seconds from the request to the video, US dollars, and what they are made of."""

    chunks: int
    seconds: float
    usd: float
    cost: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "chunks": self.chunks,
            "seconds": round(self.seconds, 1),
            "usd": round(self.usd, 5),
            "cost": self.cost,
        }


def frame_seconds(work: Workload, stack: Stack) -> float:
    """Seconds a frame takes in one function: capturing and encoding side by side where there are processors for it."""
    processors = stack.processors
    if processors < 2:
        return (work.capture + work.encode) / processors
    browsers = min(4, int(processors) - 1) if processors >= 3 else 1
    return max(work.capture / browsers, work.encode)


def predict(work: Workload, stack: Stack, chunks: int) -> Prediction:
    """Time and cost of the render in `chunks` chunks, every function started cold."""
    each = _START + math.ceil(work.frames / chunks) * frame_seconds(work, stack)
    rounds = math.ceil(chunks / stack.parallel)
    joining = JOIN_START + 2 * work.frames * work.bytes_per_frame / JOIN_BYTES_PER_SECOND
    plan = PLAN_SECONDS if chunks > 1 else SHORT_PLAN_SECONDS
    seconds = _START + plan + rounds * each + 3 * STATE_SECONDS
    busy = {"plan": _START + plan, "render": chunks * _START + work.frames * frame_seconds(work, stack)}
    if chunks > 1:
        seconds += MAP_SECONDS + _START + joining
        busy["assemble"] = _START + joining
    gigabytes = stack.memory_mb / 1024
    spent = Spent(
        gb_seconds={name: value * gigabytes for name, value in busy.items()},
        seconds=busy,
        storage_gb_seconds={},
        calls={"plan": 1, "render": chunks, **({"assemble": 1} if chunks > 1 else {})},
    )
    cost = cost_of(spent, chunks=chunks, architecture=stack.architecture)
    return Prediction(chunks, seconds, float(cost["usd"]), cost)


def predict_planned(work: Workload, stack: Stack) -> Prediction:
    """The same with as many chunks as the planner would choose."""
    chunks, _ = choose_chunks(work.frames, work.fps, frame_seconds(work, stack), Chunking(parallel=stack.parallel))
    return predict(work, stack, chunks)
