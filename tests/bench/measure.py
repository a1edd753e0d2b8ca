"""Runs of both programs, with wall and processor time taken the same way for either side."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OFFICIAL = REPOSITORY / ".bench" / "official"
#: Seconds for one run of either program.
RUN_TIMEOUT = 900.0
#: Seconds for a browser to end after the program that started it.
_ORPHAN_TIMEOUT = 10.0
_PR_SET_CHILD_SUBREAPER = 36
#: Frames per second of every run.
FPS = 30
_CDN_SCRIPT = re.compile(r"""https?://[^"'\s<>]+/([\w.-]+\.min\.js)""")
_LOCAL_GSAP = re.compile(r"""src=["'](?:\./)?(gsap\.min\.js)["']""")


class BenchError(Exception):
    """Something did not run; the text says what."""


@dataclass
class Series:
    """The runs of one program on one composition. Times in seconds."""

    output: Path
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    #: What `--json` said, run by run; empty for the official program.
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median wall time in seconds."""
        return statistics.median(self.seconds)

    def first_frame(self) -> float:
        """Median seconds from the start of the render to its first captured frame."""
        return statistics.median(float(result["timings"]["first_frame"]) for result in self.results)

    def first_frame_from_launch(self) -> float:
        """The same from the launch of the command, at most: the command's end is counted too."""
        return statistics.median(
            seconds - float(result["timings"]["total"]) + float(result["timings"]["first_frame"])
            for seconds, result in zip(self.seconds, self.results, strict=True)
        )

    def as_dict(self) -> dict[str, Any]:
        """For the JSON record."""
        record: dict[str, Any] = {
            "seconds": [round(value, 3) for value in self.seconds],
            "median_seconds": round(self.median, 3),
            "processor_seconds": [round(value, 2) for value in self.processor_seconds],
            "size": self.output.stat().st_size,
        }
        if self.results:
            record["first_frame_seconds"] = round(self.first_frame(), 3)
            record["first_frame_from_launch_seconds"] = round(self.first_frame_from_launch(), 3)
            record["last_result"] = self.results[-1]
        return record


def adopt_orphaned_processes() -> None:
    """Let descendants whose parent ended become children of this process: their processor time counts too."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchError(f"prctl failed: {os.strerror(ctypes.get_errno())}")


def run_timed(command: list[str], environment: dict[str, str], log: Path) -> tuple[float, float, str]:
    """Run `command`; wall seconds, processor seconds of all its descendants, and its standard output.

    Raises BenchError with the end of its messages where it fails.
    """
    before = _children_seconds()
    started = time.monotonic()
    with log.open("wb") as messages:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
        try:
            output, _ = process.communicate(timeout=RUN_TIMEOUT)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BenchError(f"{Path(command[0]).name} took more than {RUN_TIMEOUT:g} s") from None
            raise
    seconds = time.monotonic() - started
    _reap_orphans()
    text = output.decode("utf-8", "replace")
    if process.returncode != 0:
        end = " | ".join((log.read_text("utf-8", "replace") + text).strip().splitlines()[-4:])
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}: {end}")
    return seconds, _children_seconds() - before, text


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, make it end, and wait for all that it started."""
    process.terminate()
    try:
        process.wait(_ORPHAN_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _reap_orphans()


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _reap_orphans() -> None:
    """Wait for what a finished program left behind; end it where it does not end by itself."""
    deadline = time.monotonic() + _ORPHAN_TIMEOUT
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                if time.monotonic() > deadline:
                    _kill_children()
                time.sleep(0.02)


def _kill_children() -> None:
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


def run_official(project: Path, series: Series, log: Path) -> None:
    """One run of the official program with its defaults and two workers.

    Its script is started by node itself: npx would add half a second that is not the program's.
    """
    node = next(OFFICIAL.glob("node_modules/node-linux-*/bin/node"), None)
    if node is None:
        raise BenchError(f"the official program is not in {OFFICIAL}: run tests/bench/setup.sh")
    script = OFFICIAL / "node_modules" / "hyperframes" / "bin" / "hyperframes.mjs"
    command = [str(node), str(script), "render", str(project), "-o", str(series.output)]
    environment = {
        "PATH": f"{node.parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HYPERFRAMES_BROWSER_PATH": "/usr/bin/chromium-headless-shell",
        "HYPERFRAMES_TELEMETRY": "0",
    }
    series.output.unlink(missing_ok=True)
    seconds, processor, _ = run_timed([*command, "-w", "2", "--fps", str(FPS), "--quiet"], environment, log)
    if not series.output.is_file():
        raise BenchError(f"the official program wrote no video: {log.read_text('utf-8', 'replace')[-400:]}")
    series.seconds.append(seconds)
    series.processor_seconds.append(processor)


def run_ours(project: Path, series: Series, log: Path, *, capture: str) -> None:
    """One run of our command. `capture`: the path that pictures must take, "surface" or "screenshot"."""
    program = Path(sys.executable).with_name("hyperframes-render")
    command = [str(program), "render", str(project), "-o", str(series.output), "--fps", str(FPS), "--json"]
    environment = {"HYPERFRAMES_RENDER_CAPTURE": "screenshot"} if capture == "screenshot" else {}
    seconds, processor, output = run_timed(command, environment, log)
    series.seconds.append(seconds)
    series.processor_seconds.append(processor)
    series.results.append(json.loads(output))


def capture_paths(result: dict[str, Any]) -> str:
    """The paths that a run's pictures took, "surface" or "screenshot", one word for each that occurs."""
    return ", ".join(sorted({str(browser["path"]) for browser in result["capture"]}))


def forget(series: Series) -> None:
    """Drop the warm-up's figures."""
    series.seconds.clear()
    series.processor_seconds.clear()
    series.results.clear()


def copy_projects(composition: Path, scratch: Path) -> tuple[Path, Path]:
    """Two copies of the composition: for the official program, without CDNs, and for ours, as it is.

    The official program asks CDNs for GSAP and fails offline; ours answers those addresses itself.
    """
    official, ours = scratch / "official", scratch / "ours"
    gsap = OFFICIAL / "node_modules" / "gsap" / "dist"
    for copy in (official, ours):
        shutil.copytree(composition, copy)
    html = (official / "index.html").read_text("utf-8")
    for address in _CDN_SCRIPT.finditer(html):
        script = gsap / address[1]
        if not script.is_file():
            raise BenchError(f"{composition.name} wants {address[0]}, which the official program cannot reach")
        html = html.replace(address[0], script.name)
        shutil.copy(script, official)
    (official / "index.html").write_text(html, "utf-8")
    for copy in (official, ours):
        if _LOCAL_GSAP.search((copy / "index.html").read_text("utf-8")) and not (copy / "gsap.min.js").exists():
            shutil.copy(gsap / "gsap.min.js", copy)
    return official, ours
