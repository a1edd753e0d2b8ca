"""The threads of one job, and detection of threads that outlive their job.

A thread cannot be ended from outside. One that still parses untrusted input takes processor time from the next job, so
a process with such a thread must end (docs/reference/threat-model.md).
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
#: Seconds for threads to end after their job. Most are idle or work on one frame.
GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.005
#: Seconds to wait for killed children.
_CHILDREN_SECONDS = 2.0


@asynccontextmanager
async def job_threads(grace: float = GRACE_SECONDS) -> AsyncIterator[None]:
    """Run `asyncio.to_thread` calls of the block in separate threads, which get `grace` seconds to end after it.

    By default the event loop waits for all threads when it closes. It does not wait for these: see `outlived`.
    """
    loop, executor = asyncio.get_running_loop(), ThreadPoolExecutor(thread_name_prefix=_NAME)
    loop.set_default_executor(executor)
    try:
        yield
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        loop.set_default_executor(ThreadPoolExecutor())
        deadline = time.monotonic() + grace
        while outlived() and time.monotonic() < deadline:  # noqa: ASYNC110 - threads set no event
            await asyncio.sleep(_POLL_SECONDS)


def outlived() -> bool:
    """Whether a finished job of this process has a thread that still runs."""
    return any(thread.name.startswith(_NAME) for thread in threading.enumerate())


def end_if_outlived(status: int) -> None:
    """End this process with `status`, and kill its children, if a thread outlived its job. Else do nothing.

    Uses os._exit, since sys.exit would wait for the thread.
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
