"""The record of a finished render."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CaptureFacts:
    """How one browser captured: path, why not a faster one, and counts of frames."""

    path: str
    reason: str
    captured: int
    repeated: int
    checks: int


@dataclass(frozen=True)
class RenderResult:
    """What was made, how, and how long it took. Times in seconds, sizes in pixels and bytes."""

    output: Path
    width: int
    height: int
    fps: str
    frames: int
    duration: float
    size: int
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
