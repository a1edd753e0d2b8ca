"""The memory limit of one render, and the meter that checks it.

Threat: a page that allocates memory without end. The kernel limits each process (confine.py), but a page can use many.
The meter adds up all processes of a render, so that such a page ends its render, not the machine or its neighbours.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

#: The share of the machine's memory for the child processes of a render. The rest is for this process, the system and
#: files in /tmp.
CEILING_SHARE = 0.75
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_ceiling() -> int:
    """Bytes that all child processes of a render may use together."""
    limits = [psutil.virtual_memory().total]
    for file in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text()))
    # Lambda's variable: an emulator's machine has more memory than the function.
    with contextlib.suppress(ValueError):
        limits.append(int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")) * 1024**2)
    return int(min(limits) * CEILING_SHARE)


@dataclass
class MemoryMeter:
    """Adds up the memory of all descendants of this process. Sizes in bytes."""

    ceiling: int = field(default_factory=memory_ceiling)
    #: The highest sum so far. An upper bound: shared memory counts once for each process.
    peak: int = 0

    def exceeded(self) -> bool:
        """Whether the descendants use more than the ceiling now. Blocking: takes a millisecond."""
        pids = [process.pid for process in psutil.Process().children(recursive=True)]
        resident = sum(map(_resident, pids))
        self.peak = max(self.peak, resident)
        # Count shared memory once only if the quick sum is too high: it takes ten times as long.
        return resident > self.ceiling and sum(map(_proportional, pids)) > self.ceiling


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
