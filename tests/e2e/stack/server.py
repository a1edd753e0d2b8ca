"""`hyperframes-render serve` as tests start, ask, stop and kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import descendants
from tests.waiting import wait_for

KEY = "any string at all"
COMPOSITIONS = Path(__file__).parents[1] / "compositions"


def processes_in(folder: Path) -> list[str]:
    """Programs that run in a folder below `folder`, as the stack's do."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


class Server:
    """One server on a free port."""

    def __init__(self, data: Path, *options: str, port: int = 0) -> None:
        self.data, self.port = data, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = str(Path(sys.executable).with_name("hyperframes-render"))
        command = [program, "serve", "--port", str(self.port), "--api-key", KEY, "--data", str(data), *options]
        data.mkdir(exist_ok=True)
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        began = time.monotonic()
        wait_for(self._answers, seconds=120, what=f"an answer of the server ({self.log})")
        self.start_seconds = time.monotonic() - began

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The data of an answer."""
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def submit(self, name: str, **fields: Any) -> str:
        """A task for one of the sample compositions; its id."""
        html = (COMPOSITIONS / name).read_text()
        return str(self.request("POST", "/apps/run", {"input": {"html": html, **fields}})["id"])

    def ended(self, task_id: str, seconds: float = 90) -> dict[str, Any]:
        """The task once it is final."""

        def look() -> dict[str, Any] | None:
            task = self.request("GET", f"/tasks/{task_id}")
            return task if task["status"] >= 10 else None

        return wait_for(look, seconds=seconds, what="the end of the task")

    def listeners(self) -> set[str]:
        """Addresses that the server or anything below it listens to, as /proc has them."""
        sockets = set()
        for pid in (self.process.pid, *descendants(self.process.pid)):
            for entry in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    target = str(entry.readlink())
                except OSError:
                    continue
                if target.startswith("socket:["):
                    sockets.add(target[8:-1])
        found = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in sockets:
                    found.add(fields[1].rpartition(":")[0])
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal and wait; the seconds that it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
            self.process.wait(timeout=40)
        return time.monotonic() - began

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
