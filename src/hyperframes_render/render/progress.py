"""The progress of a running render in phases, frames and seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """The progress at one moment. Times in seconds; `remaining` is None until it can be estimated."""

    phase: str
    frames_done: int
    frames_total: int
    elapsed: float
    frames_per_second: float
    remaining: float | None


Listener = Callable[[Progress], None]


@dataclass
class ProgressMeter:
    """Counts frames and seconds of phases, and reports each change to a listener."""

    listener: Listener | None = None
    phase: str = "open"
    frames_done: int = 0
    frames_total: int = 0
    started: float = field(default_factory=time.monotonic)
    last_heartbeat: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)
    _phase_started: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Begin a phase, and add the time of the phase before to `phases`."""
        now = time.monotonic()
        self.phases[self.phase] = self.phases.get(self.phase, 0.0) + now - self._phase_started
        self.phase, self._phase_started = phase, now
        self._report()

    def start_frames(self, total: int) -> None:
        """Set the number of frames to `total`, and begin to count from 0."""
        self.frames_done, self.frames_total = 0, total

    def frame_done(self) -> None:
        """Count one frame that the encoder has received."""
        self.frames_done += 1
        self._report()

    def heartbeat(self) -> None:
        """Report that the render makes progress although no frame was finished."""
        self._report()

    def _report(self) -> None:
        self.last_heartbeat = time.monotonic()
        if self.listener is not None:
            self.listener(self.now())

    def now(self) -> Progress:
        """The progress now."""
        now = time.monotonic()
        in_phase = now - self._phase_started
        rate = self.frames_done / in_phase if self.phase == "render" and in_phase > 0 else 0.0
        remaining = (self.frames_total - self.frames_done) / rate if rate > 0 else None
        return Progress(self.phase, self.frames_done, self.frames_total, now - self.started, rate, remaining)
