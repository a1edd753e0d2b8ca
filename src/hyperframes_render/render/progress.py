"""The progress of a running render: phases, frames, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """One moment of a render. Times in seconds; `remaining` is None until it can be estimated."""

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
        """Begin a phase; the time of the one before is kept."""
        now = time.monotonic()
        self.phases[self.phase] = self.phases.get(self.phase, 0.0) + now - self._phase_started
        self.phase, self._phase_started = phase, now
        self._report()

    def start_frames(self, total: int) -> None:
        """Frames are about to come: `total` of them."""
        self.frames_done, self.frames_total = 0, total

    def frame_done(self) -> None:
        """One more frame is in the encoder."""
        self.frames_done += 1
        self._report()

    def heartbeat(self) -> None:
        """Say that the render goes on although there is nothing to count."""
        self._report()

    def _report(self) -> None:
        self.last_heartbeat = time.monotonic()
        if self.listener is not None:
            self.listener(self.now())

    def now(self) -> Progress:
        """This moment."""
        now = time.monotonic()
        in_phase = now - self._phase_started
        rate = self.frames_done / in_phase if self.phase == "render" and in_phase > 0 else 0.0
        remaining = (self.frames_total - self.frames_done) / rate if rate > 0 else None
        return Progress(self.phase, self.frames_done, self.frames_total, now - self.started, rate, remaining)
