"""Adopts orphaned processes, so that none outlives its render unseen (Linux, standard library only).

Threat: a browser's helper that detaches from its parent. It would go to process 1, where no render ends or reaps it.
"""

from __future__ import annotations

import ctypes

#: prctl(2): orphans of this process's descendants become its own children.
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphaned_processes() -> None:
    """Become the parent of all descendants whose parent ends, instead of process 1. Idempotent."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
