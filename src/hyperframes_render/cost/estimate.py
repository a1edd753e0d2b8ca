"""Estimates how long a render takes in AWS and what it costs, from a short measurement on this machine.

This is a model: only the time of a frame is measured. Comments give the source of each constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hyperframes_render.cost.prices import Architecture, Usage, cost_of
from hyperframes_render.render.chunking import ENCODE_SECONDS_PER_PIXEL, Chunking, choose_chunks
from hyperframes_render.render.plan import Plan

#: Megabytes of memory per processor (AWS's documentation), and the maximum number of processors.
_MB_PER_PROCESSOR, _MOST_PROCESSORS = 1769, 6
#: Seconds of the first call of an image function. AWS reports 1 to 4 for images of this size. Not measured.
COLD_START = 2.5
#: Seconds from one workflow state to the next, and to start a distributed Map with its first children. Not measured in
#: AWS; the emulator needs a fiftieth of it.
STATE_SECONDS, MAP_SECONDS = 0.1, 1.5
#: Seconds to request access from `grant`: a call of a warm function and one of STS. Not measured in AWS.
GRANT_SECONDS = 0.1
_START = COLD_START + GRANT_SECONDS
#: Seconds to open a page and seek to a dozen times: measured on this machine, docs/reference/performance.md. The
#: second value is for a video of one chunk.
PLAN_SECONDS, SHORT_PLAN_SECONDS = 3.5, 0.3
#: Joining chunks: seconds to start, and the bytes a second at which one function reads and writes S3 (typical of AWS).
JOIN_START, JOIN_BYTES_PER_SECOND = 1.0, 80e6


@dataclass(frozen=True)
class Workload:
    """The video to render. `capture`: seconds in which one browser captures a frame on two processors."""

    frames: int
    fps: float
    width: int
    height: int
    capture: float

    @classmethod
    def of_plan(cls, plan: Plan, seconds_per_frame: float) -> Workload:
        """The workload of a plan whose `seconds_per_frame` was measured."""
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
    """The functions that render: memory in megabytes, and the number of chunks rendered at once."""

    memory_mb: int = 3008
    parallel: int = 6
    architecture: Architecture = "x86_64"

    @property
    def processors(self) -> float:
        """The number of processors of one function."""
        return min(_MOST_PROCESSORS, self.memory_mb / _MB_PER_PROCESSOR)


@dataclass(frozen=True)
class Prediction:
    """Seconds from the request to the finished video, cost in US dollars, and its parts (see `cost_of`)."""

    chunks: int
    seconds: float
    usd: float
    cost: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The prediction as JSON values, rounded."""
        return {
            "chunks": self.chunks,
            "seconds": round(self.seconds, 1),
            "usd": round(self.usd, 5),
            "cost": self.cost,
        }


def frame_seconds(work: Workload, stack: Stack) -> float:
    """Seconds that a frame takes in one function. Capture and encoding run in parallel from two processors on."""
    processors = stack.processors
    if processors < 2:
        return (work.capture + work.encode) / processors
    browsers = min(4, int(processors) - 1) if processors >= 3 else 1
    return max(work.capture / browsers, work.encode)


def predict(work: Workload, stack: Stack, chunks: int) -> Prediction:
    """Time and cost of the render in `chunks` chunks, if every function starts cold."""
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
    usage = Usage(
        gb_seconds={name: value * gigabytes for name, value in busy.items()},
        seconds=busy,
        storage_gb_seconds={},
        calls={"plan": 1, "render": chunks, **({"assemble": 1} if chunks > 1 else {})},
    )
    cost = cost_of(usage, chunks=chunks, architecture=stack.architecture)
    return Prediction(chunks, seconds, float(cost["usd"]), cost)


def predict_planned(work: Workload, stack: Stack) -> Prediction:
    """As `predict`, with the number of chunks that the planner chooses."""
    chunks, _ = choose_chunks(work.frames, work.fps, frame_seconds(work, stack), Chunking(parallel=stack.parallel))
    return predict(work, stack, chunks)
