"""Keeping this process's memory from those that it starts. Linux only; imports nothing that must be installed."""

from __future__ import annotations

import ctypes
from pathlib import Path

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> bool:
    """No process of the same user may read this one's memory or environment from now on; whether that is so.

    A browser that was taken over runs as our user: without this it could read our credentials in /proc. What we start
    is not concerned (a new program begins anew): we can still read the browser's picture. Root reads everything.
    Lambda refuses prctl(2): in the image Python's own file cannot be read by its user, which has the same effect.
    """
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        return True
    try:
        Path("/proc/self/environ").open("rb").close()
    except PermissionError:
        return True
    return False
