"""The confinement of the browser's driver: sockets, memory, environment, priority."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import playwright
import pytest

from hyperframes_render.sandbox import confine
from hyperframes_render.sandbox import private_memory as private_memory

_TRY = """
import ctypes, json, os, runpy, socket
confine = runpy.run_path({program!r})
assert confine["forbid_network"]()
def refused(call):
    try:
        call()
    except PermissionError:
        return True
    return False
tried = dict(
    internet=refused(lambda: socket.socket(socket.AF_INET)),
    internet6=refused(lambda: socket.socket(socket.AF_INET6)),
    virtual_machine=refused(lambda: socket.socket(socket.AF_VSOCK)),
    raw=refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    local=refused(lambda: socket.socket(socket.AF_UNIX)),
    pair=refused(lambda: socket.socketpair()),
)
libc = ctypes.CDLL(None, use_errno=True)
tried["ptrace"] = libc.ptrace(0, 0, 0, 0) == -1 and ctypes.get_errno() == 13
if os.fork() == 0:
    os._exit(0 if refused(lambda: socket.socket(socket.AF_INET)) else 1)
tried["child"] = os.wait()[1] == 0
print(json.dumps(tried))
"""


def confined(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def test_a_confined_process_and_its_children_have_local_sockets_only() -> None:
    got = json.loads(confined(_TRY.format(program=confine.__file__)))
    assert got == {
        **dict.fromkeys(("internet", "internet6", "virtual_machine", "raw", "ptrace", "child"), True),
        "local": False,
        "pair": False,
    }


@pytest.mark.parametrize(("megabytes", "printed"), [(50, "allocated"), (400, "refused")])
def test_a_process_gets_memory_up_to_its_ceiling(megabytes: int, printed: str) -> None:
    code = (
        f"import runpy; runpy.run_path({confine.__file__!r})['limit_memory'](300 * 1024**2)\n"
        f"try: bytearray({megabytes} * 1024**2); print('allocated')\n"
        "except MemoryError: print('refused')"
    )
    assert confined(code) == printed


def test_the_driver_does_not_inherit_the_environment(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text('#!/bin/sh\nenv; echo "$@"\n')
    node.chmod(0o755)
    launcher = Path(confine.__file__).with_name("confined-node")
    ended = subprocess.run(
        [launcher, "cli.js", "run-driver"],
        env={
            "PATH": "/usr/bin:/bin",
            "AWS_SECRET_ACCESS_KEY": "canary",
            "LD_PRELOAD_X": "canary",
            "NODE_OPTIONS": "canary",
            "HYPERFRAMES_RENDER_PYTHON": sys.executable,
            "HYPERFRAMES_RENDER_NODE": str(node),
            "HYPERFRAMES_RENDER_MEMORY": str(1024**3),
            "HYPERFRAMES_RENDER_DRIVER_FOLDER": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "canary" not in ended.stdout
    assert f"TMPDIR={tmp_path}" in ended.stdout.splitlines()
    assert ended.stdout.splitlines()[-1].endswith("compiled-driver.js cli.js run-driver")
    assert (tmp_path / confine.PID_FILE).read_text().isdecimal()


@pytest.mark.parametrize(("compiled", "accepted"), [(True, True), (False, False)])
def test_the_driver_uses_the_scripts_that_the_setup_compiled(tmp_path: Path, compiled: bool, accepted: bool) -> None:
    driver = Path(playwright.__file__).with_name("driver")
    folder = confine.SHARED if compiled else tmp_path / "missing"
    preloaded = Path(confine.__file__).with_name("compiled-driver.js")
    ended = subprocess.run(
        [driver / "node", "--require", preloaded, driver / "package/cli.js", "run-driver"],
        env={
            "TMPDIR": str(tmp_path),
            "HYPERFRAMES_RENDER_COMPILED_DRIVER": str(folder),
            "NODE_DEBUG_NATIVE": "COMPILE_CACHE",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    for script in ("coreBundle.js", "utilsBundle.js"):
        assert (f"{script} was accepted" in ended.stdout + ended.stderr) == accepted


def test_the_browser_has_a_lower_priority_and_cannot_raise_it() -> None:
    then = "import os\ntry: os.nice(-1); print('pushed')\nexcept PermissionError: print(os.nice(0))"
    code = (
        f"import os, runpy, sys; runpy.run_path({confine.__file__!r})['yield_to_encoder']()\n"
        f"os.execv(sys.executable, [sys.executable, '-c', {then!r}])"
    )
    assert confined(code) == str(min(19, os.nice(0) + confine.NICENESS))


_WITHOUT_PRCTL = Path(__file__).parents[3] / "layers/renderer/prove/without_prctl.py"


def without_prctl(*command: str | Path, user: int = 0) -> str:
    as_user = ("--user", str(user)) if user else ()
    ended = subprocess.run(
        [sys.executable, _WITHOUT_PRCTL, *as_user, *command], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_without_seccomp_a_preloaded_library_refuses_sockets() -> None:
    code = (
        "import errno, os, socket, subprocess, sys\n"
        "from hyperframes_render.sandbox.confine import SHARED, preload_variables\n"
        "tries = '''import socket\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        '    try: socket.socket(family); print("opened")\n'
        '    except PermissionError: print("refused")\n'
        'try: socket.getaddrinfo("localhost", 80); print("resolved")\n'
        "except OSError: print(\"refused\")'''\n"
        "subprocess.run([sys.executable, '-c', tries], env={**os.environ, **preload_variables(SHARED)}, check=True)"
    )
    assert without_prctl(sys.executable, "-c", code).split() == ["refused", "refused", "opened", "refused"]
    assert confine.preload_variables(confine.SHARED) == {}, "the seccomp filter is better where it works"


def test_a_composition_is_rendered_where_prctl_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<div data-composition-id="a" data-width="64" data-height="36" data-duration="0.1"></div>')
    program = Path(sys.executable).with_name("hyperframes-render")
    result = json.loads(without_prctl(program, "render", page, "-o", tmp_path / "video.mp4", "--json"))
    assert result["frames"] == 3


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a program that its user cannot read")
@pytest.mark.parametrize(("mode", "private"), [(0o711, True), (0o755, False)])
def test_an_unreadable_program_keeps_its_memory_private_without_prctl(mode: int, private: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        module, program = Path(folder, "undumpable.py"), Path(folder, "python")
        shutil.copy(private_memory.__file__, module)
        shutil.copy("/usr/bin/python3", program)
        program.chmod(mode)
        code = (
            "import os, runpy, subprocess\n"
            f"print(runpy.run_path({str(module)!r})['keep_memory_private']())\n"
            "seen = subprocess.run(['/bin/cat', f'/proc/{os.getpid()}/environ'], capture_output=True).stdout\n"
            "print(b'canary' not in seen)"
        )
        assert without_prctl("/usr/bin/env", "X=canary", program, "-c", code, user=43210).split() == [str(private)] * 2
