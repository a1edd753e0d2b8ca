"""The processes that a render starts: none is left behind, and their processor time is counted.

Chromium's helper processes outlive the one that started them for a moment. They become ours then, instead of those
of process 1, which does not always reap (containers, Lambda): zombies would pile up there.
"""

from __future__ import annotations

import contextlib
import os
import resource

import psutil

#: Seconds for killed processes to be gone: the kernel frees a browser's memory in a tenth of one.
_END_TIMEOUT = 10.0


def end_tree(pid: int) -> None:
    """Kill process `pid` and all its descendants, and reap those that became ours. Blocking."""
    try:
        top = psutil.Process(pid)
        tree = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    # Waits for children and for processes that somebody else reaps alike; never reaps one that is not in the tree.
    psutil.wait_procs(tree, timeout=_END_TIMEOUT)


def reap_adopted() -> None:
    """Collect the ended children of ours that others started: the helpers of a browser that its driver ended.

    What we start is waited for where it is started: it is of our session, or leads one.
    """
    for process in psutil.Process(os.getpid()).children():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, ChildProcessError):
            ours = os.getsid(process.pid) in (os.getsid(0), process.pid)
            if not ours and process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def tree_seconds(pid: int) -> float:
    """Processor seconds of process `pid` and of everything that it started; 0 where it is gone."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])  # user, system, and the same of its ended children
    return total


def processor_seconds() -> float:
    """Processor seconds of this process and of everything that it started, ended or not."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return total + sum(tree_seconds(child.pid) for child in psutil.Process(os.getpid()).children())
