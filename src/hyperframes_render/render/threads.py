"""The threads that one job works in, and whether one of them outlived it.

Nothing can end a thread from outside. One that still reads what a stranger sent takes time from the next job, so a
process that has such a thread must end (docs/reference/threat-model.md).
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import psutil

_NAME = "hyperframes-job"
#: Seconds for threads to end after their job: most are at one picture, or at nothing.
GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.005
#: Seconds for killed children to be gone.
_CHILDREN_SECONDS = 2.0


@asynccontextmanager
async def job_threads(grace: float = GRACE_SECONDS) -> AsyncIterator[None]:
    """What the block hands to `asyncio.to_thread` runs in threads of the job's own, which have `grace` seconds to end.

    The event loop, which would wait at its end for ever, does not wait for those that do not end: see `outlived`.
    """
    loop, own = asyncio.get_running_loop(), ThreadPoolExecutor(thread_name_prefix=_NAME)
    loop.set_default_executor(own)
    try:
        yield
    finally:
        own.shutdown(wait=False, cancel_futures=True)
        loop.set_default_executor(ThreadPoolExecutor())
        deadline = time.monotonic() + grace
        while outlived() and time.monotonic() < deadline:  # noqa: ASYNC110 - threads set no event
            await asyncio.sleep(_LOOK_SECONDS)


def outlived() -> bool:
    """Whether a job of this process that is over has a thread that still works."""
    return any(thread.name.startswith(_NAME) for thread in threading.enumerate())


def end_if_outlived(status: int) -> None:
    """End this process with `status`, and its children, where a thread outlived its job; else do nothing.

    At once, as an ordinary end would wait for the thread.
    """
    if not outlived():
        return
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=_CHILDREN_SECONDS)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
