"""Hides this process's memory and environment from its children (Linux, standard library only).

Threat: a taken-over browser runs as the same user and could read AWS credentials in /proc/<pid>/environ or mem.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> bool:
    """Clear this process's "dumpable" flag; whether other processes of the user are now locked out.

    A program that this process starts is not affected (exec sets the flag again), so the capture can still read the
    browser's memory. Root can still read everything. Lambda refuses prctl(2); there the Python program in the image is
    not readable by its user, which has the same effect.
    """
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        return True
    try:
        Path("/proc/self/environ").open("rb").close()
    except PermissionError:
        return True
    return False
