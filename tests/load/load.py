"""Load test with simultaneous requests, open streams and killed processes: no task may be lost or doubled."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import descendants

KEY = "a key for the load"
HTML = (
    '<div id="s" data-composition-id="main" data-width="64" data-height="36" data-fps="25" data-duration="0.4"'
    ' data-start="0" style="width:64px;height:36px;background:#fff"></div><!--{}-->'
)
FINAL = (10, 11, 12, 13)
#: Status codes that a client may get while the server is busy, stopped or started.
DOCUMENTED = {200, 429, 503}
#: Seconds for which a client repeats a request. Each of many kills restarts the server.
ACCEPT_SECONDS = 1800
BODY = {"app": "infsh/hyperframes-render"}


@dataclass
class Load:
    """One server, and the tasks and answers of the test."""

    folder: Path
    port: int = field(default_factory=free_port)
    accepted: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    process: subprocess.Popen[bytes] | None = None
    kills: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start the server. Returns the seconds until it answers."""
        began = time.monotonic()
        program = str(Path(sys.executable).with_name("hyperframes-render"))
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--port", str(self.port), "--api-key", KEY, "--data", str(self.folder / "data")],
                stdout=log,
                stderr=log,
            )
        while time.monotonic() < began + 180:
            try:
                httpx.get(f"{self.url}/health", timeout=2)
                return time.monotonic() - began
            except httpx.HTTPError:
                time.sleep(0.1)
        raise SystemExit("the server did not answer")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def kill_one(self) -> None:
        """Kill the server or one of its child processes with SIGKILL, and restart a server that ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            self.start()
        living = {pid: name for pid in (self.process.pid, *descendants(self.process.pid)) if (name := _name(pid))}
        # First the server, then its emulator, then a random process.
        emulators = [pid for pid, name in living.items() if name.endswith("local.emulator")]
        target = [self.process.pid, *emulators][: len(self.kills) + 1][-1]
        if len(self.kills) > 1:
            target = random.choice(list(living))
        with suppress(ProcessLookupError):
            os.kill(target, signal.SIGKILL)
            self.kills.append(living[target])
        # The server checks its emulator every two seconds, and ends if the emulator has ended.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(12)
            self.start()

    async def post(self, client: httpx.AsyncClient, number: int) -> float:
        """Submit one task, and repeat the request until it is accepted. Returns the seconds of the accepted request.

        The Idempotency-Key prevents duplicates.
        """
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": f"task {number}"}
        body = {**BODY, "input": {"html": HTML.format(number)}}
        deadline = time.monotonic() + ACCEPT_SECONDS
        while True:
            began = time.monotonic()
            try:
                answer = await client.post(f"{self.url}/apps/run", json=body, headers=headers)
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code not in DOCUMENTED:
                    raise SystemExit(f"POST answered {answer.status_code}: {answer.text}")
                if answer.status_code == 200:
                    self.accepted.append(answer.json()["data"]["id"])
                    return time.monotonic() - began
            if time.monotonic() > deadline:
                raise SystemExit(f"a task was not accepted within {ACCEPT_SECONDS} s")
            await asyncio.sleep(0.5)

    async def stream(self, client: httpx.AsyncClient, task_id: str) -> tuple[int, int]:
        """Read a task's stream to its end. Returns the number of lines and the last status."""
        lines, status = 0, 0
        headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/x-ndjson"}
        async with client.stream("GET", f"{self.url}/tasks/{task_id}/stream", headers=headers) as answer:
            if answer.status_code != 200:
                raise SystemExit(f"a stream answered {answer.status_code}")
            async for line in answer.aiter_lines():
                lines += 1
                status = json.loads(line).get("status", status)
        return lines, status

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks of the server, from all pages of the list."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = httpx.get(
                f"{self.url}/tasks", params=query, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
            ).json()["data"]
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def wait_for_all(self, seconds: float) -> list[dict[str, Any]]:
        """Wait until all tasks are final, and return them."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                tasks = self.tasks()
                if all(task["status"] in FINAL for task in tasks):
                    return tasks
            except (httpx.HTTPError, KeyError, ValueError):
                tasks = []
            if time.monotonic() > deadline:
                open_ones = Counter(task["status_text"] for task in tasks if task["status"] not in FINAL)
                raise SystemExit(f"after {seconds:g} s these were not final: {dict(open_ones)}")
            time.sleep(1)

    def check(self, tasks: list[dict[str, Any]]) -> None:
        """Verify that no task is lost, doubled or unknown."""
        ids = [task["id"] for task in tasks]
        lost, doubled = set(self.accepted) - set(ids), len(ids) - len(set(ids))
        strange = set(ids) - set(self.accepted)
        if lost or doubled or strange or len(set(self.accepted)) != len(self.accepted):
            raise SystemExit(f"lost {len(lost)}, doubled {doubled}, never submitted {len(strange)}")


def _name(pid: int) -> str:
    """A short name of a process, empty if it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    named = [word.rpartition("/")[2] for word in words if word]
    known = [word for word in named if word.startswith(("hyperframes", "aws-lambda", "chromium", "ffmpeg", "node"))]
    return (known or named or [""])[0][:50]


def client(limit: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=limit, max_keepalive_connections=limit)
    return httpx.AsyncClient(timeout=120, limits=limits)


async def burst(load: Load, posts: int, start: int) -> list[float]:
    async with client(posts) as http:
        return await asyncio.gather(*(load.post(http, number) for number in range(start, start + posts)))


async def one_by_one(load: Load, count: int, start: int, *, idle: bool) -> list[float]:
    """Submit tasks in sequence. With `idle`, each one waits until all tasks are final."""
    took = []
    async with client(1) as http:
        await load.post(http, start)  # not measured: it opens connections
        for number in range(start + 1, start + 1 + count):
            if idle:
                await asyncio.to_thread(load.wait_for_all, 300)
            took.append(await load.post(http, number))
    return took


async def read_streams(load: Load, ids: list[str]) -> list[tuple[int, int]]:
    async with client(len(ids)) as http:
        return await asyncio.gather(*(load.stream(http, task_id) for task_id in ids))


def report(name: str, value: object) -> None:
    print(f"| {name} | {value} |", flush=True)


def milliseconds(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"median {1000 * statistics.median(ordered):.0f} ms, 99 % {1000 * last:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("posts", 200), ("tasks", 400), ("streams", 100), ("kills", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hyperframes-load-") as folder:
        load = Load(Path(folder))
        report("start", f"{load.start():.1f} s")
        try:
            run(load, options)
        finally:
            load.stop()


def run(load: Load, options: argparse.Namespace) -> None:
    report("40 POSTs on an idle stack", milliseconds(asyncio.run(one_by_one(load, 40, -100, idle=True))))
    load.wait_for_all(300)
    report("20 POSTs, one by one", milliseconds(asyncio.run(one_by_one(load, 20, -50, idle=False))))
    load.wait_for_all(300)
    began = time.monotonic()
    report(f"{options.posts} POSTs at once", milliseconds(asyncio.run(burst(load, options.posts, 0))))
    watched = (load.accepted[-options.posts :] * (1 + options.streams // max(1, options.posts)))[: options.streams]
    seen = asyncio.run(read_streams(load, watched))
    report(
        f"{len(watched)} open streams",
        f"{sum(lines for lines, _ in seen)} lines; ends {dict(Counter(s for _, s in seen))}",
    )
    tasks = load.wait_for_all(1800)
    load.check(tasks)
    took = time.monotonic() - began
    report("tasks of the burst", f"{options.posts} final after {took:.0f} s, {options.posts / took:.1f} a second")
    rest = max(0, options.tasks - options.posts)
    if rest:
        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(lambda: asyncio.run(burst(load, rest, options.posts)))
            for _ in range(options.kills):
                time.sleep(random.uniform(0.5, 6))
                load.kill_one()
            posting.result()
        tasks = load.wait_for_all(7200)
        load.check(tasks)
        report(f"{rest} tasks, {options.kills} kills", dict(Counter(task["status_text"] for task in tasks)))
        report("killed", dict(Counter(load.kills)))
    report("answers to POST", dict(load.answers))
    report("lost, doubled", "none")


if __name__ == "__main__":
    main()
