"""Run as a program (confined-node), becomes Playwright's driver: without our environment, the network, or much memory.

Whatever the driver starts, Chromium above all, inherits the limits, and nobody can take them off again. They are the
second layer: a request that escapes the interceptor finds no socket, whatever the browser's flags are.
Imports nothing that must be installed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from pathlib import Path

#: Where the driver's process id stands, in its folder.
PID_FILE = "pid"
#: What Node loads before the driver, and the environment variable that says where the compiled scripts are.
_PRELOADED, _COMPILED = "compiled-driver.js", "HYPERFRAMES_RENDER_COMPILED_DRIVER"
#: The folder that the set-up filled: the driver's compiled scripts, and what stands in for the kernel's filter.
#: Right in the worker alone: as a program (-S) this file does not know its environment: driver.py passes it on.
SHARED = Path(sys.prefix) / "share/hyperframes-render/driver"
_STAND_IN = "confined.so"
#: What the driver, which is Node, keeps of our environment. Chromium's own is in chromium.py.
_KEPT = ("PATH", "LANG", "PW_LANG_NAME", "PW_LANG_NAME_VERSION")

#: How far the driver and its browsers stand back behind the encoder, on the scale of nice(2): a third of its share.
NICENESS = 5
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_SET_MODE_FILTER = 1
#: Old kernels slow down every process with a filter, unless it says that it needs no protection from itself.
_FLAG_SPEC_ALLOW = 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_AF_UNIX, _AF_NETLINK = 1, 16
#: Numbers of another kind of call on x86_64, which nothing here uses.
_X32 = 0x40000000

#: The kernel's names of machines and its numbers of calls: seccomp, socket, and what reaches into other processes
#: (ptrace, process_vm_readv, process_vm_writev, pidfd_getfd) or past this filter (io_uring_setup).
_MACHINES = {
    "x86_64": (0xC000003E, 317, 41, (101, 310, 311, 438, 425)),
    "aarch64": (0xC00000B7, 277, 198, (117, 270, 271, 438, 425)),
}


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)


def _filter(machine: int, socket: int, refused: tuple[int, ...]) -> bytes:
    """A program of the kernel's filter machine: no sockets but local ones, no reach into other processes."""
    steps = [_step(_LOAD, _MACHINE_AT), _step(_EQUAL, machine, 1, 0), _step(_RETURN, _REFUSE), _step(_LOAD, _NUMBER_AT)]
    checks = [(_AT_LEAST, _X32), *((_EQUAL, number) for number in refused)]
    for index, (code, value) in enumerate(checks):
        # To the refusal at the end: over the checks that follow and five of the six steps for sockets.
        steps.append(_step(code, value, len(checks) - 1 - index + 5, 0))
    steps += [
        _step(_EQUAL, socket, 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT_AT),
        _step(_EQUAL, _AF_UNIX, 1, 0),
        _step(_EQUAL, _AF_NETLINK, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
    ]
    return b"".join(steps)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def forbid_network() -> bool:
    """Take the network from this process and all that it will start; whether the kernel could."""
    numbers = _MACHINES.get(platform.machine())
    if numbers is None:
        return False
    machine, seccomp, socket, refused = numbers
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return _install(_filter(machine, socket, refused), seccomp)


def _install(steps: bytes, seccomp: int) -> bool:
    """Have the kernel run this filter for each call from now on; whether it took it. `seccomp`: its call's number."""
    program = _Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_FLAG_SPEC_ALLOW, 0):  # kernels before 4.17 do not know the flag
        if libc.syscall(seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program)) == 0:
            return True
    return False


def stand_in(folder: Path) -> dict[str, str]:
    """Variables by which a program refuses itself sockets, where no kernel filter can: see confined.c.

    `folder`: where the set-up put it. Empty where prctl(2) works.
    """
    if ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0:
        return {}
    return {"LD_PRELOAD": str(folder / _STAND_IN)}


def limit_memory(ceiling: int) -> None:
    """At most so many bytes of its own for each process, and no memory written to disk where one dies."""
    # Not the address space: Chromium reserves a hundred times of what it uses.
    for what, most in ((resource.RLIMIT_DATA, ceiling), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def yield_to_encoder() -> None:
    """Let ffmpeg, which takes the frames in order, have a processor when it needs one: it ended 2 s after the browsers.

    Where we are root, Chromium would give itself more than everybody else (-8): it loses the right to.
    """
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)
    os.nice(NICENESS)


def main() -> None:
    """Confine this process and become the driver."""
    node, folder = os.environ["HYPERFRAMES_RENDER_NODE"], os.environ["HYPERFRAMES_RENDER_DRIVER_FOLDER"]
    (Path(folder) / PID_FILE).write_text(str(os.getpid()))
    limit_memory(int(os.environ["HYPERFRAMES_RENDER_MEMORY"]))
    forbid_network()
    yield_to_encoder()
    environment = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
    # Browsers' profiles lie in there.
    shared = os.environ.get(_COMPILED, "")
    environment |= {"HOME": folder, "TMPDIR": folder, _COMPILED: shared, **stand_in(Path(shared))}
    preloaded = str(Path(__file__).with_name(_PRELOADED))
    os.execve(node, [node, "--require", preloaded, *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
