"""Runs both programs, and measures their wall and processor times in the same way."""

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
#: Timeout of one run in seconds.
RUN_TIMEOUT = 900.0
#: Seconds for a browser to end after its program.
_ORPHAN_TIMEOUT = 10.0
_PR_SET_CHILD_SUBREAPER = 36
#: Frames per second of every run.
FPS = 30
_CDN_SCRIPT = re.compile(r"""https?://[^"'\s<>]+/([\w.-]+\.min\.js)""")
_LOCAL_GSAP = re.compile(r"""src=["'](?:\./)?(gsap\.min\.js)["']""")


class BenchError(Exception):
    """A program failed. The text gives the reason."""


@dataclass
class Series:
    """The runs of one program on one composition. Times in seconds."""

    output: Path
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    #: The `--json` result of each run; empty for the official program.
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median wall time in seconds."""
        return statistics.median(self.seconds)

    def first_frame(self) -> float:
        """Median seconds from the start of the render to its first captured frame."""
        return statistics.median(float(result["timings"]["first_frame"]) for result in self.results)

    def first_frame_from_launch(self) -> float:
        """Upper limit of the median seconds from the command's launch to the first frame, with the command's end."""
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
    """Make orphaned descendants children of this process, so that their processor time is counted."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchError(f"prctl failed: {os.strerror(ctypes.get_errno())}")


def run_timed(command: list[str], environment: dict[str, str], log: Path) -> tuple[float, float, str]:
    """Run `command`. Returns wall seconds, processor seconds of all descendants, and standard output.

    Raises BenchError with the end of its messages if it fails.
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
    """Terminate a program, kill it after a timeout, and wait for its descendants."""
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
    """Wait for the descendants of a finished program, and kill them after a timeout."""
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

    Node starts the script directly, since npx would add half a second.
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
    """One run of our command. `capture` is the capture path: "surface" or "screenshot"."""
    program = Path(sys.executable).with_name("hyperframes-render")
    command = [str(program), "render", str(project), "-o", str(series.output), "--fps", str(FPS), "--json"]
    environment = {"HYPERFRAMES_RENDER_CAPTURE": "screenshot"} if capture == "screenshot" else {}
    seconds, processor, output = run_timed(command, environment, log)
    series.seconds.append(seconds)
    series.processor_seconds.append(processor)
    series.results.append(json.loads(output))


def capture_paths(result: dict[str, Any]) -> str:
    """The capture paths of a run, separated by commas."""
    return ", ".join(sorted({str(browser["path"]) for browser in result["capture"]}))


def forget(series: Series) -> None:
    """Remove the measurements of the warm-up."""
    series.seconds.clear()
    series.processor_seconds.clear()
    series.results.clear()


def copy_projects(composition: Path, scratch: Path) -> tuple[Path, Path]:
    """Copy the composition twice: with local scripts for the official program, and unchanged for ours.

    The official program loads GSAP from CDNs and fails offline. Ours serves those addresses from its packages.
    """
    official, ours = scratch / "official", scratch / "ours"
    gsap = OFFICIAL / "node_modules" / "gsap" / "dist"
    for copy in (official, ours):
        shutil.copytree(composition, copy)
    html = (official / "index.html").read_text("utf-8")
    for address in _CDN_SCRIPT.finditer(html):
        script = gsap / address[1]
        if not script.is_file():
            raise BenchError(f"{composition.name} needs {address[0]}, which the official program cannot reach")
        html = html.replace(address[0], script.name)
        shutil.copy(script, official)
    (official / "index.html").write_text(html, "utf-8")
    for copy in (official, ours):
        if _LOCAL_GSAP.search((copy / "index.html").read_text("utf-8")) and not (copy / "gsap.min.js").exists():
            shutil.copy(gsap / "gsap.min.js", copy)
    return official, ours
