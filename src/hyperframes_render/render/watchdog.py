"""The watchdog ends a render that makes no progress or takes too much memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from hyperframes_render.errors import BrowserFailed, MemoryExceeded, RenderStalled
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.sandbox.memory import MemoryMeter

#: Seconds without progress after which a render is ended. Longer than the timeouts of single operations, whose errors
#: are more specific.
STALL_TIMEOUT = 120.0
Result = TypeVar("Result")
#: Seconds between two checks. The kernel enforces the memory ceiling of each process in between.
_POLL_SECONDS = 0.5


async def watched(work: Awaitable[Result], meter: ProgressMeter, stall_timeout: float = STALL_TIMEOUT) -> Result:
    """Await `work` and return its result.

    Cancels `work` and raises RenderStalled if the meter reports no progress for `stall_timeout` seconds, or
    MemoryExceeded if the processes of the render take too much memory.
    """
    task = asyncio.ensure_future(work)
    memory = MemoryMeter()
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=_POLL_SECONDS)
            if done:
                return _result(task, memory)
            if await asyncio.to_thread(memory.exceeded):
                raise _memory_exceeded(memory)
            silent = time.monotonic() - meter.last_heartbeat
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
        # A process ends itself when the kernel refuses it memory, before a check measures more than the ceiling.
        if memory.peak > memory.ceiling / 2:
            raise _memory_exceeded(memory) from failed
        raise


def _memory_exceeded(memory: MemoryMeter) -> MemoryExceeded:
    return MemoryExceeded(
        f"The browser took {memory.peak // 1024**2} MB of memory: a render may take {memory.ceiling // 1024**2} MB.",
        "Use fewer or smaller canvases and images, ask for a smaller size, or raise the machine's memory.",
    )
