"""Requests at the same moment, open streams, processes killed at random: is anything lost, doubled or said wrongly?"""

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
#: What a client may see while a server is busy, stopped or started.
DOCUMENTED = {200, 429, 503}
#: A client that is answered 503, or by nobody, asks again for so long: each of many kills takes a start of the server.
ACCEPT_SECONDS = 1800
BODY = {"app": "infsh/hyperframes-render"}


@dataclass
class Load:
    """One server and all that was sent to it."""

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
        """Start the server on its folder; seconds until it answers."""
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
        """kill -9 of the server or any process below it; a server that ended is started again."""
        assert self.process is not None
        if self.process.poll() is not None:
            self.start()
        living = {pid: name for pid in (self.process.pid, *descendants(self.process.pid)) if (name := _name(pid))}
        # The server itself first, then its emulator, then whatever comes.
        emulators = [pid for pid, name in living.items() if name.endswith("local.emulator")]
        target = [self.process.pid, *emulators][: len(self.kills) + 1][-1]
        if len(self.kills) > 1:
            target = random.choice(list(living))
        with suppress(ProcessLookupError):
            os.kill(target, signal.SIGKILL)
            self.kills.append(living[target])
        # The server looks after its emulator every two seconds, and then ends what it has open.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(12)
            self.start()

    async def post(self, client: httpx.AsyncClient, number: int) -> float:
        """Have one task accepted, whatever happens meanwhile: the key makes sure that it counts once."""
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
        """Look on until the end; lines seen, and the last status."""
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
        """Every task that the server knows, page by page."""
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
        """All tasks once every one is final."""
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
        """Nothing lost, nothing doubled."""
        ids = [task["id"] for task in tasks]
        lost, doubled = set(self.accepted) - set(ids), len(ids) - len(set(ids))
        strange = set(ids) - set(self.accepted)
        if lost or doubled or strange or len(set(self.accepted)) != len(self.accepted):
            raise SystemExit(f"lost {len(lost)}, doubled {doubled}, never asked for {len(strange)}")


def _name(pid: int) -> str:
    """What a process is, shortly; empty for one that has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    named = [word.rpartition("/")[2] for word in words if word]
    telling = [word for word in named if word.startswith(("hyperframes", "aws-lambda", "chromium", "ffmpeg", "node"))]
    return (telling or named or [""])[0][:50]


def client(limit: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=limit, max_keepalive_connections=limit)
    return httpx.AsyncClient(timeout=120, limits=limits)


async def burst(load: Load, posts: int, start: int) -> list[float]:
    async with client(posts) as http:
        return await asyncio.gather(*(load.post(http, number) for number in range(start, start + posts)))


async def one_by_one(load: Load, count: int, start: int, *, idle: bool) -> list[float]:
    """Each after the answer to the one before; `idle`: after its video, so that nothing else is done meanwhile."""
    took = []
    async with client(1) as http:
        await load.post(http, start)  # the first one opens clients and connections
        for number in range(start + 1, start + 1 + count):
            if idle:
                await asyncio.to_thread(load.wait_for_all, 300)
            took.append(await load.post(http, number))
    return took


async def look_on(load: Load, ids: list[str]) -> list[tuple[int, int]]:
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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hyperframes-load-") as folder:
        load = Load(Path(folder))
        report("start", f"{load.start():.1f} s")
        try:
            run(load, given)
        finally:
            load.stop()


def run(load: Load, given: argparse.Namespace) -> None:
    report("40 POSTs on an idle stack", milliseconds(asyncio.run(one_by_one(load, 40, -100, idle=True))))
    load.wait_for_all(300)
    report("20 POSTs, one by one", milliseconds(asyncio.run(one_by_one(load, 20, -50, idle=False))))
    load.wait_for_all(300)
    began = time.monotonic()
    report(f"{given.posts} POSTs at once", milliseconds(asyncio.run(burst(load, given.posts, 0))))
    watched = (load.accepted[-given.posts :] * (1 + given.streams // max(1, given.posts)))[: given.streams]
    seen = asyncio.run(look_on(load, watched))
    report(
        f"{len(watched)} open streams",
        f"{sum(lines for lines, _ in seen)} lines; ends {dict(Counter(s for _, s in seen))}",
    )
    tasks = load.wait_for_all(1800)
    load.check(tasks)
    took = time.monotonic() - began
    report("tasks of the burst", f"{given.posts} final after {took:.0f} s, {given.posts / took:.1f} a second")
    rest = max(0, given.tasks - given.posts)
    if rest:
        with ThreadPoolExecutor(1) as pool:
            posting = pool.submit(lambda: asyncio.run(burst(load, rest, given.posts)))
            for _ in range(given.kills):
                time.sleep(random.uniform(0.5, 6))
                load.kill_one()
            posting.result()
        tasks = load.wait_for_all(7200)
        load.check(tasks)
        report(f"{rest} tasks, {given.kills} kills", dict(Counter(task["status_text"] for task in tasks)))
        report("killed", dict(Counter(load.kills)))
    report("answers to POST", dict(load.answers))
    report("lost, doubled", "none")


if __name__ == "__main__":
    main()
