"""What a running render tells, and the watchdog that ends one that tells nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from hyperframes_render.errors import BrowserFailed, MemoryExceeded, RenderStalled
from hyperframes_render.sandbox.memory import MemoryMeter

#: Seconds without any progress after which a render is ended. Longer than each clock inside, so that a clock with
#: a better name speaks first.
STALL_TIMEOUT = 120.0


@dataclass(frozen=True)
class Progress:
    """One moment of a render. Times in seconds; `remaining` is None while it cannot be told."""

    phase: str
    frames_done: int
    frames_total: int
    elapsed: float
    frames_per_second: float
    remaining: float | None


Listener = Callable[[Progress], None]


@dataclass
class ProgressMeter:
    """Counts frames and phases, and tells a listener."""

    listener: Listener | None = None
    phase: str = "open"
    frames_done: int = 0
    frames_total: int = 0
    started: float = field(default_factory=time.monotonic)
    last_sign: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)
    _phase_started: float = field(default_factory=time.monotonic)

    def enter(self, phase: str) -> None:
        """Begin a phase; the time of the one before is kept."""
        now = time.monotonic()
        self.phases[self.phase] = self.phases.get(self.phase, 0.0) + now - self._phase_started
        self.phase, self._phase_started = phase, now
        self._tell()

    def start_frames(self, total: int) -> None:
        """Frames are about to come: `total` of them."""
        self.frames_done, self.frames_total = 0, total

    def frame_done(self) -> None:
        """One more frame is in the encoder."""
        self.frames_done += 1
        self._tell()

    def sign(self) -> None:
        """Nothing to count, but all is well."""
        self._tell()

    def _tell(self) -> None:
        self.last_sign = time.monotonic()
        if self.listener is not None:
            self.listener(self.now())

    def now(self) -> Progress:
        """This moment."""
        now = time.monotonic()
        in_phase = now - self._phase_started
        rate = self.frames_done / in_phase if self.phase == "render" and in_phase > 0 else 0.0
        remaining = (self.frames_total - self.frames_done) / rate if rate > 0 else None
        return Progress(self.phase, self.frames_done, self.frames_total, now - self.started, rate, remaining)


Result = TypeVar("Result")
#: Seconds between two looks. A process alone cannot pass the memory's ceiling meanwhile: the kernel holds it there.
_LOOK_SECONDS = 0.5


async def watched(work: Awaitable[Result], meter: ProgressMeter, stall_timeout: float = STALL_TIMEOUT) -> Result:
    """Await `work`; end it with RenderStalled where the meter shows no progress for `stall_timeout` seconds.

    Raises MemoryExceeded where the programs that it started take more than they may.
    """
    task = asyncio.ensure_future(work)
    memory = MemoryMeter()
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=_LOOK_SECONDS)
            if done:
                return _result(task, memory)
            if await asyncio.to_thread(memory.exceeded):
                raise _too_much(memory)
            silent = time.monotonic() - meter.last_sign
            if silent > stall_timeout:
                raise RenderStalled(
                    f'No progress for {silent:.0f} s in phase "{meter.phase}" '
                    f"after frame {meter.frames_done} of {meter.frames_total}.",
                    "Try again; if it stalls at the same frame, look at what the composition does there.",
                )
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=20)


def _result(task: asyncio.Future[Result], memory: MemoryMeter) -> Result:
    try:
        return task.result()
    except BrowserFailed as failed:
        # A process that the kernel refuses more memory ends itself: no look ever saw more than the ceiling.
        if memory.most > memory.ceiling / 2:
            raise _too_much(memory) from failed
        raise


def _too_much(memory: MemoryMeter) -> MemoryExceeded:
    return MemoryExceeded(
        f"The browser took {memory.most // 1024**2} MB of memory: a render may take {memory.ceiling // 1024**2} MB.",
        "Use fewer or smaller canvases and pictures, ask for a smaller size, or raise the machine's memory.",
    )
