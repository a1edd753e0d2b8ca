"""Runs attacks in isolation: network and mount namespaces with sensors, and a worker.

Root starts it with `unshare --net --mount`. Every IPv4 and IPv6 address leads to this machine, and it resolves names.
The worker runs as a user without privileges, as in Lambda, with canary credentials in its environment. Commands are
JSON lines on standard input; see AttackRunner.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import psutil

from tests.attack.sensors import CANARY, RESOLVER, FileWatch, Listeners, NameServer, PacketWatch, Touched

#: The id of a user without privileges.
NOBODY = 65534
#: Memory in MB that the environment reports to the worker: the default of RenderMemory.
MACHINE_MB = 3008
#: Timeout of a job in seconds. The watchdog of a render ends it after 120 s without progress.
JOB_SECONDS = 400.0
#: Seconds between two checks of the worker's processes.
_POLL_SECONDS = 0.2
_ROOT = Path("/srv")
_TEMPORARY = _ROOT / "tmp"
#: The report of parts/spy, the program that stands for a compromised browser.
_SPIED = _ROOT / "spied" / "report"
_SECRETS = [_ROOT / "secret" / name for name in ("secret.txt", "secret.png", "secret.wav", "secret.html", "secret.js")]


def make_machine() -> None:
    """Set up addresses, name resolution and folders. The namespaces end with this process."""
    for command in (
        "ip link set lo up",
        # With only a loopback interface, Chromium behaves as if offline.
        "ip link add outside0 type veth peer name outside1",
        "ip address add 198.51.100.7/24 dev outside0",
        "ip link set outside0 up",
        "ip link set outside1 up",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 route add local ::/0 dev lo",
        "mount --make-rprivate /",
        f"mount -t tmpfs -o mode=755,size=3g tmpfs {_ROOT}",
    ):
        subprocess.run(command.split(), check=True)
    for folder in (_TEMPORARY, _ROOT / "in", _ROOT / "secret", _SPIED.parent):
        folder.mkdir()
    for folder in (_TEMPORARY, _SPIED.parent):
        os.chown(folder, NOBODY, NOBODY)
    (_ROOT / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions attempts:1 timeout:2\n")
    subprocess.run(["mount", "--bind", str(_ROOT / "resolv.conf"), "/etc/resolv.conf"], check=True)
    for secret in _SECRETS:
        secret.write_text(CANARY)
    with wave.open(str(_ROOT / "secret" / "secret.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    _make_accessible(Path(sys.base_prefix))


def _make_accessible(prefix: Path) -> None:
    """If Python is in a home folder that other users cannot enter, mount it over that folder."""
    closed = next((p for p in reversed(prefix.parents) if p.stat().st_mode & 0o005 != 0o005), None)
    if closed is None:
        return
    aside = _ROOT / "python"
    aside.mkdir()
    subprocess.run(["mount", "--bind", str(prefix), str(aside)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed)], check=True)
    prefix.mkdir(parents=True)
    subprocess.run(["mount", "--bind", str(aside), str(prefix)], check=True)


class Watch:
    """Monitors the memory and the environments of the worker's child processes during a job."""

    def __init__(self, worker: int, touched: Touched) -> None:
        self._worker, self._touched = psutil.Process(worker), touched
        self._suspects: set[int] = set()
        self.peak = 0

    def descendants(self) -> list[psutil.Process]:
        """All running processes that the worker started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [p for p in self._worker.children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
        return []

    async def run(self) -> None:
        """Monitor until cancelled."""
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(_POLL_SECONDS)

    def _is_other(self, pid: int) -> bool:
        """Whether the process runs another program than the worker."""
        return Path(f"/proc/{pid}/exe").readlink() != Path(f"/proc/{self._worker.pid}/exe").readlink()

    def _look(self) -> None:
        total = 0
        seen: set[int] = set()
        for process in [self._worker, *self.descendants()]:
            with contextlib.suppress(psutil.Error, OSError):
                total += process.memory_info().rss
                if self._is_other(process.pid) and CANARY.encode() in Path(f"/proc/{process.pid}/environ").read_bytes():
                    seen.add(process.pid)
        # A process reports its parent's environment between fork and exec, so one observation is not enough.
        for pid in seen & self._suspects:
            with contextlib.suppress(OSError):
                self._touched.note(
                    f"canary credentials in the environment of {Path(f'/proc/{pid}/exe').readlink().name}"
                )
        self._suspects = seen
        self.peak = max(self.peak, total)


class AttackRunner:
    """Answers commands: {"start": [controls to remove]}, and the commands of worker.py."""

    def __init__(self) -> None:
        self._touched = Touched()
        self._worker: asyncio.subprocess.Process | None = None
        self._count = 0

    async def set_up(self) -> None:
        """Start all sensors."""
        self._packets = PacketWatch(self._touched)
        self._names = NameServer(self._touched)
        self._listeners = Listeners(self._touched, _ROOT)
        await self._listeners.start()
        self._files = FileWatch(self._touched, _SECRETS)

    async def start(self, without: list[str], program: str | None) -> dict[str, Any]:
        """Replace the worker by a new one."""
        await self._end()
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TMPDIR": str(_TEMPORARY),
            "SSL_CERT_FILE": str(self._listeners.authority),
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "POWERTOOLS_SERVICE_NAME": "attack",
            "POWERTOOLS_METRICS_NAMESPACE": "attack",
            "POWERTOOLS_TRACE_DISABLED": "true",
            # Variables that Lambda sets.
            "AWS_ACCESS_KEY_ID": f"AKIA{CANARY}",
            "AWS_SECRET_ACCESS_KEY": CANARY,
            "AWS_SESSION_TOKEN": f"token-{CANARY}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MACHINE_MB),
            **({"HYPERFRAMES_RENDER_CHROMIUM": program} if program else {}),
        }
        rights = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
        self._worker = await asyncio.create_subprocess_exec(
            *(*rights, sys.executable, "-m", "tests.attack.worker", *without),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=_TEMPORARY,
            env=environment,
            limit=64 * 1024**2,
        )
        return {}

    async def _end(self) -> None:
        if self._worker is None:
            return
        children = psutil.Process(self._worker.pid).children(recursive=True) if self._worker.returncode is None else []
        with contextlib.suppress(ProcessLookupError):
            self._worker.kill()
        await self._worker.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        for left in _TEMPORARY.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    async def job(self, command: dict[str, Any]) -> dict[str, Any]:
        """Run a job in the worker. Returns its end, alarms, leftovers and peak memory."""
        assert self._worker is not None and self._worker.stdin is not None and self._worker.stdout is not None
        if "source" in command:
            command["source"] = str(self._bring(Path(command["source"])))
        self._names.forget()
        self._touched.take()
        stopped = self._packets.stopped
        watch = Watch(self._worker.pid, self._touched)
        watching = asyncio.create_task(watch.run())
        self._worker.stdin.write(json.dumps(command).encode() + b"\n")
        try:
            line = await asyncio.wait_for(self._worker.stdout.readline(), JOB_SECONDS)
        except TimeoutError:
            line = b""
        left = await _left(watch)
        watching.cancel()
        answer = json.loads(line) if line else {"ended": "lost", "says": ["the worker died or hangs"]}
        return {
            **answer,
            "touched": self._touched.take(),
            "stopped": self._packets.stopped - stopped,
            "left": left,
            "peak_mb": watch.peak // 1024**2,
            "spied": _SPIED.read_text() if _SPIED.exists() else None,
            "files_open": _open_files(self._worker.pid),
        }

    def _bring(self, source: Path) -> Path:
        """Copy a composition to a folder that the worker can read."""
        self._count += 1
        target = _ROOT / "in" / str(self._count) / source.name
        target.parent.mkdir()
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copyfile(source, target)
        return target


async def _left(watch: Watch) -> list[str]:
    """Files and processes that a job left behind. Processes get 10 s to end."""
    deadline = time.monotonic() + 10
    while (running := watch.descendants()) and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.05)
    names = []
    for process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            names.append(f"process {process.name()}")
    return names + [f"file {path.name}" for path in _TEMPORARY.iterdir()]


def _open_files(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return 0


async def main() -> None:
    """Answer commands until standard input ends."""
    make_machine()
    runner = AttackRunner()
    await runner.set_up()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        if "start" in command:
            answer = await runner.start(command["start"], command.get("program"))
        else:
            answer = await runner.job(command)
        print(json.dumps(answer), flush=True)
    await runner._end()


if __name__ == "__main__":
    asyncio.run(main())
