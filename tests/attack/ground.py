"""The ground of the attacks: a machine of its own, as far as the kernel lets one be made, with sensors all over it.

Started as root by `unshare --net --mount`: every address of IPv4 and IPv6 leads to this machine, names are resolved
here, and the worker runs as a user without rights, as in Lambda, with canary credentials in its environment. Commands
come as JSON lines on standard input; see Ground for what they are.
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

#: A user without any rights.
NOBODY = 65534
#: Megabytes that the worker believes its machine to have; RenderMemory's default.
MACHINE_MB = 3008
#: Seconds after which a job has not ended in bounded time: the watchdog of a render speaks after 120.
JOB_SECONDS = 400.0
#: Seconds between two looks at the worker's processes.
_LOOK_SECONDS = 0.2
_PLACE = Path("/srv")
_TEMPORARY = _PLACE / "tmp"
#: Where the program that stands for a browser that was taken over (parts/spy) says what it found.
_SPIED = _PLACE / "spied" / "report"
_SECRETS = [_PLACE / "secret" / name for name in ("secret.txt", "secret.png", "secret.wav", "secret.html", "secret.js")]


def make_machine() -> None:
    """Addresses, names, folders. Nothing of it outlives this process."""
    for command in (
        "ip link set lo up",
        # Chromium takes a machine with nothing but loopback for one without a network.
        "ip link add outside0 type veth peer name outside1",
        "ip address add 198.51.100.7/24 dev outside0",
        "ip link set outside0 up",
        "ip link set outside1 up",
        "ip route add local 0.0.0.0/0 dev lo",
        "ip -6 route add local ::/0 dev lo",
        "mount --make-rprivate /",
        f"mount -t tmpfs -o mode=755,size=3g tmpfs {_PLACE}",
    ):
        subprocess.run(command.split(), check=True)
    for folder in (_TEMPORARY, _PLACE / "in", _PLACE / "secret", _SPIED.parent):
        folder.mkdir()
    for folder in (_TEMPORARY, _SPIED.parent):
        os.chown(folder, NOBODY, NOBODY)
    (_PLACE / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions attempts:1 timeout:2\n")
    subprocess.run(["mount", "--bind", str(_PLACE / "resolv.conf"), "/etc/resolv.conf"], check=True)
    for secret in _SECRETS:
        secret.write_text(CANARY)
    with wave.open(str(_PLACE / "secret" / "secret.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    _let_through(Path(sys.base_prefix))


def _let_through(prefix: Path) -> None:
    """Python itself may lie in a home that nobody else may enter: then it is shown there in a home of its own."""
    closed = next((p for p in reversed(prefix.parents) if p.stat().st_mode & 0o005 != 0o005), None)
    if closed is None:
        return
    aside = _PLACE / "python"
    aside.mkdir()
    subprocess.run(["mount", "--bind", str(prefix), str(aside)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed)], check=True)
    prefix.mkdir(parents=True)
    subprocess.run(["mount", "--bind", str(aside), str(prefix)], check=True)


class Watch:
    """The worker's descendants while a job runs: their memory, and what is in their environments."""

    def __init__(self, worker: int, touched: Touched) -> None:
        self._worker, self._touched = psutil.Process(worker), touched
        self._suspects: set[int] = set()
        self.peak = 0

    def descendants(self) -> list[psutil.Process]:
        """All that the worker started and that has not ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [p for p in self._worker.children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
        return []

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(_LOOK_SECONDS)

    def _is_other(self, pid: int) -> bool:
        """Whether it has become another program than the worker, that of confine.py included."""
        return Path(f"/proc/{pid}/exe").readlink() != Path(f"/proc/{self._worker.pid}/exe").readlink()

    def _look(self) -> None:
        total = 0
        seen: set[int] = set()
        for process in [self._worker, *self.descendants()]:
            with contextlib.suppress(psutil.Error, OSError):
                total += process.memory_info().rss
                if self._is_other(process.pid) and CANARY.encode() in Path(f"/proc/{process.pid}/environ").read_bytes():
                    seen.add(process.pid)
        # A child that was just forked still shows its parent's.
        for pid in seen & self._suspects:
            with contextlib.suppress(OSError):
                self._touched.note(
                    f"canary credentials in the environment of {Path(f'/proc/{pid}/exe').readlink().name}"
                )
        self._suspects = seen
        self.peak = max(self.peak, total)


class Ground:
    """Answers commands: {"start": [controls to take out]}, and whatever worker.py does."""

    def __init__(self) -> None:
        self._touched = Touched()
        self._worker: asyncio.subprocess.Process | None = None
        self._count = 0

    async def set_up(self) -> None:
        """All sensors on."""
        self._packets = PacketWatch(self._touched)
        self._names = NameServer(self._touched)
        self._listeners = Listeners(self._touched, _PLACE)
        await self._listeners.start()
        self._files = FileWatch(self._touched, _SECRETS)

    async def start(self, without: list[str], program: str | None) -> dict[str, Any]:
        """A new worker in place of the one before."""
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
            # What Lambda gives.
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
        """Hand a job to the worker: how it ended, what was touched, what it left, and its peak of memory."""
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
        """Copy what is to be rendered to where the worker can read it."""
        self._count += 1
        target = _PLACE / "in" / str(self._count) / source.name
        target.parent.mkdir()
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copyfile(source, target)
        return target


async def _left(watch: Watch) -> list[str]:
    """Files and processes that a job left behind; processes are given a moment to end."""
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
    """Until standard input ends."""
    make_machine()
    ground = Ground()
    await ground.set_up()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        if "start" in command:
            answer = await ground.start(command["start"], command.get("program"))
        else:
            answer = await ground.job(command)
        print(json.dumps(answer), flush=True)
    await ground._end()


if __name__ == "__main__":
    asyncio.run(main())
