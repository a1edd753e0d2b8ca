"""Who is the parent of a process whose own parent ended. Linux only; imports nothing that must be installed."""

from __future__ import annotations

import ctypes

#: prctl(2): orphans of this process's descendants become its own children.
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphaned_processes() -> None:
    """Become the parent of descendants whose own parent ends, instead of process 1. Harmless when repeated."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
