"""Ends and reaps the process trees of a render, and counts their processor time.

Threat: processes that outlive their render and take memory or a process slot from the next. Chromium's helpers outlive
their parent for a moment. This process adopts them (orphans.py), because process 1 does not always reap in containers
and on Lambda: zombies would pile up.
"""

from __future__ import annotations

import contextlib
import os
import resource

import psutil

#: Seconds for killed processes to disappear: the kernel frees a browser's memory in 0.1 s.
_END_TIMEOUT = 10.0


def end_tree(pid: int) -> None:
    """Kill process `pid` and all its descendants, and reap those that are children of this process. Blocking."""
    try:
        top = psutil.Process(pid)
        tree = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    # Waits for children and for processes that others reap; never reaps a process outside the tree.
    psutil.wait_procs(tree, timeout=_END_TIMEOUT)


def reap_adopted() -> None:
    """Reap ended children that this process adopted, such as the helpers of a browser that its driver ended.

    Children that this process started are in its session or lead one. They are left to the code that started them.
    """
    for process in psutil.Process(os.getpid()).children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, ChildProcessError):
            started_here = os.getsid(process.pid) in (os.getsid(0), process.pid)
            if not started_here and process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def tree_seconds(pid: int) -> float:
    """Processor seconds of process `pid` and its living descendants; 0 if it is gone."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])  # user and system time, and those of its ended children
    return total


def processor_seconds() -> float:
    """Processor seconds of this process and all its descendants, living or ended."""
    running, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = running.ru_utime + running.ru_stime + ended.ru_utime + ended.ru_stime
    return total + sum(tree_seconds(child.pid) for child in psutil.Process(os.getpid()).children())
