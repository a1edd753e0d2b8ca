"""without_prctl.py [--user ID] PROGRAM [ARGUMENT...]: runs PROGRAM with a filter under which prctl(2) fails with EPERM.

Lambda's sandbox is reported to do the same. Run it as root: PROGRAM can then not install another filter either.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "src"))
from hyperframes_render.sandbox import confine

_PRCTL = {"x86_64": 157, "aarch64": 167}
_REFUSE = 0x00050000 | errno.EPERM


def refuse_prctl() -> None:
    """Refuse prctl(2) for this process and its children. Exits if the filter cannot be installed."""
    _, seccomp, *_ = confine._MACHINES[platform.machine()]
    steps = [
        confine._step(confine._LOAD, confine._NUMBER_AT),
        confine._step(confine._EQUAL, _PRCTL[platform.machine()], 0, 1),
        confine._step(confine._RETURN, _REFUSE),
        confine._step(confine._RETURN, confine._ALLOW),
    ]
    if os.geteuid() != 0:
        ctypes.CDLL(None).prctl(confine._PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if not confine._install(b"".join(steps), seccomp):
        sys.exit(f"the filter cannot be installed: {os.strerror(ctypes.get_errno())}")


def main(command: list[str]) -> None:
    """Refuse prctl(2), switch to the user of --user, execute the program."""
    user = 0
    if command[0] == "--user":
        user, command = int(command[1]), command[2:]
    refuse_prctl()
    if user:
        os.setgroups([])
        os.setuid(user)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
