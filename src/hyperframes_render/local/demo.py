"""`make demo`: renders a composition through the stack on this machine, from POST to video."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import dies_with_parent
from hyperframes_render.tasks.model import TaskStatus

_START_SECONDS = 180
_RENDER_SECONDS = 600


def demo(composition: Path, output: Path, data: Path) -> None:
    """Render index.html of the folder `composition` to `output`.

    The stack keeps its files in `data`, so that a second run starts faster. Exits the program with an error message if
    the render fails.
    """
    key, port = secrets.token_urlsafe(16), free_port()
    with _serving(port, key, data):
        base = f"http://127.0.0.1:{port}"
        _wait_until_ready(base)
        html = (composition / "index.html").read_text()
        print("POST /apps/run", file=sys.stderr)
        task = _request(f"{base}/apps/run", key, {"input": {"html": html}})
        deadline, shown = time.monotonic() + _RENDER_SECONDS, ""
        while not TaskStatus(task["status"]).final and time.monotonic() < deadline:
            time.sleep(0.3)
            task = _request(f"{base}/tasks/{task['id']}", key)
            progress = (task.get("output") or {}).get("progress") or {}
            now = task["status_text"]
            if progress.get("frames_total"):
                now += f" {progress['frames_done']}/{progress['frames_total']}"
            if now != shown:
                print(f"GET /tasks/{task['id']}: {now}", file=sys.stderr)
                shown = now
        if task["status"] != TaskStatus.COMPLETED:
            sys.exit(f"error: the task ended as {task['status_text']}: {task['error']}")
        output.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(task["output"]["video"]["uri"], timeout=60) as video, output.open("wb") as file:
            shutil.copyfileobj(video, file)


@contextmanager
def _serving(port: int, key: str, data: Path) -> Iterator[None]:
    program = str(Path(sys.executable).with_name("hyperframes-render"))
    server = subprocess.Popen(
        dies_with_parent([program, "serve", "--port", str(port), "--api-key", key, "--data", str(data)])
    )
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def _wait_until_ready(base: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{base}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"error: the stack did not respond within {_START_SECONDS} s; its log lines are above")


def _request(url: str, key: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            return dict(json.load(answer)["data"])
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {url} returned status {error.code}: {error.read(500).decode(errors='replace')}")


if __name__ == "__main__":
    demo(*map(Path, sys.argv[1:4]))
