"""The record of a finished render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hyperframes_render.media.probe import VideoFacts
from hyperframes_render.problems import Problem
from hyperframes_render.render.plan import Plan

_SLOWEST_KEPT = 5


@dataclass(frozen=True)
class CaptureFacts:
    """How one browser captured frames: its path, the reason if it was not the fastest, and counts of frames."""

    path: str
    reason: str
    captured: int
    repeated: int
    checks: int


@dataclass(frozen=True)
class CaptureRecord:
    """The capture record of one process, for a whole video or one chunk. Times in seconds."""

    capture: tuple[CaptureFacts, ...]
    timings: dict[str, float]
    processor_seconds: float
    slowest_frames: tuple[tuple[int, float], ...]
    warnings: tuple[Problem, ...]
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The record as a dict for JSON; `from_dict` reads it."""
        return {**asdict(self), "warnings": [warning.as_dict() for warning in self.warnings]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CaptureRecord:
        """Read a record from the dict of `as_dict`."""
        return cls(
            capture=tuple(CaptureFacts(**facts) for facts in values["capture"]),
            timings=dict(values["timings"]),
            processor_seconds=values["processor_seconds"],
            slowest_frames=tuple((int(frame), float(seconds)) for frame, seconds in values["slowest_frames"]),
            warnings=tuple(Problem.from_dict(warning) for warning in values["warnings"]),
            versions=dict(values["versions"]),
        )


@dataclass(frozen=True)
class RenderResult:
    """The result of a render. Times in seconds, `width` and `height` in pixels, `size` in bytes.

    For a video in chunks, `timings` are those of the slowest chunk, and `processor_seconds` is the sum of all chunks.
    """

    output: Path
    width: int
    height: int
    fps: str
    frames: int
    duration: float
    size: int
    content: str
    video: dict[str, object]
    capture: tuple[CaptureFacts, ...]
    unique_frames: int
    chunks: int
    timings: dict[str, float]
    processor_seconds: float
    slowest_frames: tuple[tuple[int, float], ...]
    warnings: tuple[Problem, ...]
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The result as a dict for JSON."""
        record = asdict(self)
        record["output"] = str(self.output)
        record["warnings"] = [warning.as_dict() for warning in self.warnings]
        record["slowest_frames"] = [{"frame": frame, "seconds": seconds} for frame, seconds in self.slowest_frames]
        return record


def make_result(plan: Plan, facts: VideoFacts, records: Sequence[CaptureRecord], output: Path) -> RenderResult:
    """The result of a video from the `records` of its chunks, at least one."""
    slowest = sorted((pair for record in records for pair in record.slowest_frames), key=lambda pair: -pair[1])
    return RenderResult(
        output=output,
        width=facts.width,
        height=facts.height,
        fps=str(plan.fps),
        frames=plan.frames,
        duration=plan.duration,
        size=facts.size,
        content=plan.content.value,
        video=facts.as_dict(),
        capture=tuple(capture for record in records for capture in record.capture),
        unique_frames=sum(capture.captured for record in records for capture in record.capture),
        chunks=len(plan.chunks),
        timings=max(records, key=lambda record: record.timings["total"]).timings,
        processor_seconds=round(sum(record.processor_seconds for record in records), 2),
        slowest_frames=tuple(slowest[:_SLOWEST_KEPT]),
        warnings=tuple(dict.fromkeys(warning for record in records for warning in record.warnings)),
        versions=records[0].versions,
    )
