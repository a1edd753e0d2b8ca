"""How much memory the programs of one render may take, and the end of those that take more.

The kernel holds each process to the ceiling (confine.py); here all of a render's are added up, so that a page that eats
memory ends its own render and not the machine, nor the process that waits for it.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

#: The share of the machine's memory that a render's programs may take: the rest is for us, the system, files in /tmp.
CEILING_SHARE = 0.75
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_ceiling() -> int:
    """Bytes that the programs of a render may take together."""
    limits = [psutil.virtual_memory().total]
    for file in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text()))
    # Lambda's own variable: where it is not Lambda's machine, the machine has more.
    with contextlib.suppress(ValueError):
        limits.append(int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")) * 1024**2)
    return int(min(limits) * CEILING_SHARE)


@dataclass
class MemoryMeter:
    """Adds up what our descendants take. Sizes in bytes."""

    ceiling: int = field(default_factory=memory_ceiling)
    #: The highest sum seen, an upper bound: shared memory counts for each process.
    most: int = 0

    def exceeded(self) -> bool:
        """Whether it is too much now. Blocking: takes a millisecond."""
        pids = [process.pid for process in psutil.Process().children(recursive=True)]
        resident = sum(map(_resident, pids))
        self.most = max(self.most, resident)
        # What several share is counted once only where it matters: that takes ten times as long.
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
