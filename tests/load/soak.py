"""Soak test: memory, file descriptors, processes and disk must not grow under a steady load.

`python tests/load/soak.py --minutes 60`; `make soak MINUTES=60`. Clients repeatedly submit a composition, wait
for its end, read the video and delete the task. Writes a chart of the samples. Ends with an error if one grows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from load import BODY, HTML, KEY, Load

CHART = Path(__file__).resolve().parents[2] / "docs/images/soak.svg"
SAMPLE_SECONDS = 10.0
#: Number of clients: slightly more load than two processors can handle.
CLIENTS = 4
#: Allowed ratio of the last quarter's median to the second quarter's. Caches are full after the first quarter.
GROWTH = 1.15
WIDTH, PANEL, MARGIN = 720, 120, 60

Sample = dict[str, float]


def sample(server: int, data: Path) -> Sample:
    """Measure the server and its child processes. Memory in MB as proportional set size (PSS)."""
    memory: Counter[str] = Counter()
    files = processes = 0
    for process in (psutil.Process(server), *psutil.Process(server).children(recursive=True)):
        with suppress(psutil.Error, OSError):
            words = process.cmdline()
            group = "functions and browsers"
            if process.pid == server:
                group = "server"
            elif "hyperframes_render.local.emulator" in words:
                group = "emulator"
            memory[group] += process.memory_full_info().pss
            files += process.num_fds()
            processes += 1
    disk = 0
    for folder, _, names in os.walk(data):
        for name in names:
            with suppress(OSError):
                disk += (Path(folder) / name).lstat().st_blocks * 512
    named = {f"memory of {group} (MB)": size / 1e6 for group, size in memory.items()}
    return {**named, "file descriptors": files, "processes": processes, "disk (MB)": disk / 1e6}


async def use(load: Load, number: int, until: float, ends: Counter[str]) -> None:
    """Run one client until the time `until`."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/x-ndjson"}
    async with httpx.AsyncClient(timeout=120, headers=headers, base_url=load.url) as client:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            body = {**BODY, "input": {"html": HTML.format(f"{number} {turn}")}}
            task_id = (await client.post("/apps/run", json=body)).raise_for_status().json()["data"]["id"]
            async with client.stream("GET", f"/tasks/{task_id}/stream") as answer:
                lines = [json.loads(line) async for line in answer.aiter_lines()]
            task = lines[-1]
            if video := (task.get("output") or {}).get("video"):
                async with httpx.AsyncClient(timeout=60) as plain:
                    ends[task["status_text"]] += len((await plain.get(video["uri"])).content) == video["size"]
            (await client.delete(f"/tasks/{task_id}")).raise_for_status()


def draw(samples: list[Sample], path: Path, title: str, minutes: float) -> None:
    """Write an SVG with a panel of values over time for each measurement."""
    names = list(samples[-1])
    height = MARGIN + PANEL * len(names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="{MARGIN}" y="20">{title}</text>',
    ]
    for row, name in enumerate(names):
        values = [one.get(name, 0.0) for one in samples]
        top, bottom = MARGIN + PANEL * row, MARGIN + PANEL * row + PANEL - 40
        most = max(*values, 1.0) * 1.1
        points = " ".join(
            f"{MARGIN + (WIDTH - 2 * MARGIN) * number / max(1, len(values) - 1):.1f},"
            f"{bottom - (bottom - top) * value / most:.1f}"
            for number, value in enumerate(values)
        )
        parts += [
            f'<path d="M{MARGIN} {top}V{bottom}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>',
            f'<text x="{MARGIN}" y="{top - 6}">{name}</text>',
            f'<text x="{MARGIN - 6}" y="{top + 8}" text-anchor="end">{most:.0f}</text>',
            f'<text x="{MARGIN - 6}" y="{bottom}" text-anchor="end">0</text>',
            f'<text x="{WIDTH - MARGIN}" y="{bottom + 14}" text-anchor="end">{minutes:.0f} min</text>',
            f'<polyline points="{points}" fill="none" stroke="#457b9d" stroke-width="1.5"/>',
        ]
    path.write_text("\n".join([*parts, "</svg>\n"]))


def growth(samples: list[Sample]) -> dict[str, tuple[float, float]]:
    """Medians of the second and the last quarter, by measurement."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    return {
        name: tuple(statistics.median(one.get(name, 0.0) for one in part) for part in (second, last))  # type: ignore[misc]
        for name in samples[-1]
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hyperframes-soak-") as folder:
        load = Load(Path(folder))
        load.start()
        assert load.process is not None
        samples: list[Sample] = []
        ends: Counter[str] = Counter()
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLE_SECONDS):
                samples.append(sample(load.process.pid, load.folder / "data"))  # type: ignore[union-attr]

        threading.Thread(target=look, daemon=True).start()
        until = time.monotonic() + 60 * options.minutes

        async def work() -> None:
            await asyncio.gather(*(use(load, number, until, ends) for number in range(CLIENTS)))

        try:
            asyncio.run(work())
        finally:
            over.set()
            load.stop()
    draw(samples, CHART, f"{CLIENTS} clients for {options.minutes:g} minutes: {dict(ends)}", options.minutes)
    print(f"| tasks | {dict(ends)} |")
    medians = growth(samples)
    for name, (second, last) in medians.items():
        print(f"| {name} | second quarter {second:.0f}, last quarter {last:.0f} |")
    if grown := [name for name, (second, last) in medians.items() if last > GROWTH * second]:
        sys.exit(f"these grow: {', '.join(grown)}")


if __name__ == "__main__":
    main()
