"""Starts processes that end with their parent, and ends process trees. Linux; standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path


def dies_with_parent(command: Iterable[str]) -> list[str]:
    """A command that runs `command` and is killed by the kernel when the thread that started it ends.

    This works after a kill -9 as well. Start it from a thread that lives as long as the program: PR_SET_PDEATHSIG
    depends on the thread, not on the process (prctl(2)).
    """
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def descendants(root: int) -> list[int]:
    """The ids of all processes below `root`, parents before children."""
    children = _children()
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def end_tree(root: int, *, grace: float) -> None:
    """End `root` and all its descendants: SIGTERM, up to `grace` seconds, then SIGKILL."""
    _end([root, *descendants(root)], grace)


def end_descendants(*, grace: float) -> None:
    """End all descendants of this process, adopted orphans included, and wait for them up to `grace` + 5 seconds."""
    deadline = time.monotonic() + grace + 5
    while time.monotonic() < deadline and (below := descendants(os.getpid())):
        _end(below, grace)
        grace = 0
        reap_orphaned_processes(known=())


def reap_orphaned_processes(known: Collection[int]) -> None:
    """Reap adopted children that ended, so that no zombies remain. Other code waits for the process ids in `known`."""
    for pid in _children().get(os.getpid(), []):
        if pid not in known and not is_running(pid):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def is_running(pid: int) -> bool:
    """Whether `pid` exists and is not a zombie."""
    state = _stat(Path(f"/proc/{pid}"))
    return state is not None and state[0] != "Z"


def plain_environment(values: Mapping[str, str]) -> dict[str, str]:
    """`values`, plus PATH, LANG and TZ of this process's environment. Nothing else is inherited."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **kept, **values}


def _end(pids: list[int], grace: float) -> None:
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(is_running(pid) for pid in pids):
        time.sleep(0.02)
    for pid in pids:
        if is_running(pid):
            _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (state := _stat(folder)):
            children.setdefault(int(state[1]), []).append(int(folder.name))
    return children


def _stat(folder: Path) -> tuple[str, str] | None:
    """State letter and parent process id; None if the process has ended."""
    try:
        # The second field is the program's name in parentheses; it may contain spaces and parentheses.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[1]
