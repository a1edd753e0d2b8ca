"""The record of a finished render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hyperframes_render.media.probe import VideoFacts
from hyperframes_render.render.plan import Plan

_SLOWEST_KEPT = 5


@dataclass(frozen=True)
class CaptureFacts:
    """How one browser captured: path, why not a faster one, and counts of frames."""

    path: str
    reason: str
    captured: int
    repeated: int
    checks: int


@dataclass(frozen=True)
class CaptureRecord:
    """What one process captured: a whole video, or one chunk of it. Times in seconds."""

    capture: tuple[CaptureFacts, ...]
    timings: dict[str, float]
    processor_seconds: float
    slowest_frames: tuple[tuple[int, float], ...]
    warnings: tuple[str, ...]
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CaptureRecord:
        """The record that `as_dict` wrote."""
        return cls(
            capture=tuple(CaptureFacts(**facts) for facts in values["capture"]),
            timings=dict(values["timings"]),
            processor_seconds=values["processor_seconds"],
            slowest_frames=tuple((int(frame), float(seconds)) for frame, seconds in values["slowest_frames"]),
            warnings=tuple(values["warnings"]),
            versions=dict(values["versions"]),
        )


@dataclass(frozen=True)
class RenderResult:
    """What was made, how, and how long it took. Times in seconds, sizes in pixels and bytes.

    Of a video in chunks, `timings` are those of the slowest chunk, `processor_seconds` those of all together.
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
    warnings: tuple[str, ...]
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON result."""
        record = asdict(self)
        record["output"] = str(self.output)
        record["slowest_frames"] = [{"frame": frame, "seconds": seconds} for frame, seconds in self.slowest_frames]
        return record


def make_result(plan: Plan, facts: VideoFacts, records: Sequence[CaptureRecord], output: Path) -> RenderResult:
    """The result of a video that `records` captured, at least one."""
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
