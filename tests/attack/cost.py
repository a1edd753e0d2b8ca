"""Measures the cost of the controls: renders one composition with and without them, in alternating processes.

    python -m tests.attack.cost [--runs 7] [--composition tests/bench/compositions/motion-graphics]

"Without" removes the kernel's filter and limits, the memory limit, and the worker's private memory. The interceptor
stays, since it serves the page's files. Prints medians of wall and processor time, and their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.controls import remove_control

_CONTROLS = ("network", "memory", "privacy")
_COMPOSITION = Path(__file__).parents[1] / "bench" / "compositions" / "motion-graphics"


def main() -> None:
    """Measure, or run as one of the measured processes."""
    arguments = _arguments()
    if arguments.one:
        _render(arguments.composition, arguments.one == "without")
        return
    taken: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    for number in range(arguments.runs + 1):
        for variant in taken if number % 2 else reversed(taken):
            times = _measured(variant, arguments.composition)
            if number:  # the first run of each only fills the disk cache
                taken[variant].append(times)
    for at, what in enumerate(("wall", "processor")):
        middle = {variant: statistics.median(times[at] for times in runs) for variant, runs in taken.items()}
        more = middle["with"] / middle["without"] - 1
        print(f"{what}: {middle['with']:.2f} s with, {middle['without']:.2f} s without: {more:+.1%}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--composition", type=Path, default=_COMPOSITION)
    parser.add_argument("--one", choices=("with", "without"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(variant: str, composition: Path) -> tuple[float, float]:
    """Wall and processor seconds of one render with all its processes."""
    command = [sys.executable, "-m", "tests.attack.cost", "--one", variant, "--composition", str(composition)]
    started = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime


def _render(composition: Path, without: bool) -> None:
    from hyperframes_render.input import parse_render_input
    from hyperframes_render.render.job import LocalOptions, render

    for control in _CONTROLS if without else ():
        remove_control(control)
    with tempfile.TemporaryDirectory() as folder:
        request = parse_render_input({"network": "none"})
        asyncio.run(render(composition, Path(folder) / "video.mp4", request, LocalOptions(workers=1)))


if __name__ == "__main__":
    main()
