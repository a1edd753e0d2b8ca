"""Confines the browser's process tree: no network, no reach into other processes, limited memory.

Playwright starts `confined-node` in place of its driver (Node). That script runs this module, which confines its own
process and then becomes the driver. Chromium and everything else that the driver starts inherits the limits, and no
process can lift them. Threats, and the control that stops each:

| threat: a taken-over browser or driver ... | control |
|---|---|
| opens a connection past the request interceptor | `forbid_network`: seccomp refuses all sockets but local ones |
| reads or changes the renderer's memory, or takes its files | the filter refuses ptrace, process_vm_*, pidfd_getfd |
| passes the filter with io_uring or x32 system calls | the filter refuses those, and foreign machine types |
| gains rights from a setuid program | PR_SET_NO_NEW_PRIVS |
| reads credentials from its environment | `main` passes on `_KEPT` only |
| fills the machine's memory, or the disk with core dumps | `limit_memory`; memory.py ends the whole render |
| takes the processor from the encoder | `yield_to_encoder` |

Chromium's flags and the request interceptor are the first layer; this is the second, which does not depend on them.
Imports the standard library only: confined-node starts Python with -S, without site-packages.
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

#: The file with the driver's process id, in its folder.
PID_FILE = "pid"
#: The script that Node loads before the driver, and the variable with the folder of compiled scripts.
_PRELOADED, _COMPILED = "compiled-driver.js", "HYPERFRAMES_RENDER_COMPILED_DRIVER"
#: The folder that the set-up filled: the driver's compiled scripts, and the library that replaces the kernel's filter.
#: Valid in the worker only: run as a program (-S), this file has another sys.prefix; driver.py passes the folder on.
SHARED = Path(sys.prefix) / "share/hyperframes-render/driver"
_SOCKET_LIBRARY = "confined.so"
#: The environment variables that the driver (Node) keeps. chromium.py sets those of Chromium.
_KEPT = ("PATH", "LANG", "PW_LANG_NAME", "PW_LANG_NAME_VERSION")

#: What nice(2) adds for the driver and its browsers: each gets a third of the encoder's processor share.
NICENESS = 5
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_SET_MODE_FILTER = 1
#: SECCOMP_FILTER_FLAG_SPEC_ALLOW: without it, old kernels turn on slow speculation mitigations for filtered processes.
_FLAG_SPEC_ALLOW = 4
#: SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO with EACCES.
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
#: BPF operations: load a word; jump if equal; jump if greater or equal; return.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
#: Byte offsets in `struct seccomp_data`.
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_AF_UNIX, _AF_NETLINK = 1, 16
#: The first number of the x32 ABI's calls on x86_64, which nothing here uses.
_X32 = 0x40000000

#: By machine: its AUDIT_ARCH value, and the numbers of the calls seccomp, socket, and (ptrace, process_vm_readv,
#: process_vm_writev, pidfd_getfd, io_uring_setup). The first four reach into other processes, the last passes filters.
_MACHINES = {
    "x86_64": (0xC000003E, 317, 41, (101, 310, 311, 438, 425)),
    "aarch64": (0xC00000B7, 277, 198, (117, 270, 271, 438, 425)),
}


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One `struct sock_filter` of the kernel; `then` and `otherwise` are the steps to skip."""
    return struct.pack("HBBI", code, then, otherwise, value)


def _filter(machine: int, socket: int, refused: tuple[int, ...]) -> bytes:
    """A seccomp BPF program: refuses foreign machines, x32 calls, the calls `refused`, and all sockets
    but AF_UNIX and AF_NETLINK. Refused calls fail with EACCES.
    """
    steps = [_step(_LOAD, _MACHINE_AT), _step(_EQUAL, machine, 1, 0), _step(_RETURN, _REFUSE), _step(_LOAD, _NUMBER_AT)]
    checks = [(_AT_LEAST, _X32), *((_EQUAL, number) for number in refused)]
    for index, (code, value) in enumerate(checks):
        # Jump to the refusal at the end, over the remaining checks and five of the six steps for sockets.
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
    """Forbid sockets and access to other processes, for this process and all that it starts.

    False if the kernel or the machine does not support the filter. Irreversible.
    """
    numbers = _MACHINES.get(platform.machine())
    if numbers is None:
        return False
    machine, seccomp, socket, refused = numbers
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return _install(_filter(machine, socket, refused), seccomp)


def _install(steps: bytes, seccomp: int) -> bool:
    """Install a seccomp filter; whether the kernel accepted it. `seccomp` is the number of that system call."""
    program = _Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_FLAG_SPEC_ALLOW, 0):  # kernels before 4.17 do not know the flag
        if libc.syscall(seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program)) == 0:
            return True
    return False


def preload_variables(folder: Path) -> dict[str, str]:
    """Environment variables that preload confined.c, which refuses sockets where seccomp is unavailable (Lambda).

    `folder` is where the set-up put the library. Empty if prctl(2) works.
    """
    if ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0:
        return {}
    return {"LD_PRELOAD": str(folder / _SOCKET_LIBRARY)}


def limit_memory(ceiling: int) -> None:
    """Limit the private memory of each process to `ceiling` bytes, and forbid core dumps.

    Stops a page that allocates without end, and a crash that writes the page's memory to disk.
    """
    # Not RLIMIT_AS: Chromium reserves a hundred times the address space that it uses.
    for what, most in ((resource.RLIMIT_DATA, ceiling), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def yield_to_encoder() -> None:
    """Lower the priority of this process and all that it starts, so that the browsers do not starve ffmpeg.

    Measured without this: ffmpeg finished 2 s after the browsers. Run as root, Chromium raises its own priority
    (nice -8); dropping CAP_SYS_NICE prevents that.
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
    # Browsers put their profiles into HOME and TMPDIR.
    shared = os.environ.get(_COMPILED, "")
    environment |= {"HOME": folder, "TMPDIR": folder, _COMPILED: shared, **preload_variables(Path(shared))}
    preloaded = str(Path(__file__).with_name(_PRELOADED))
    os.execve(node, [node, "--require", preloaded, *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
