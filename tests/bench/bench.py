"""`make bench`: compares the official command line with ours on the same compositions.

Both run in turn on the same machine. README.md in this folder describes the measurements. The exit status is 1 only if
a program failed. Violated limits are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measure import (
    FPS,
    REPOSITORY,
    BenchError,
    Series,
    adopt_orphaned_processes,
    copy_projects,
    forget,
    run_official,
    run_ours,
)
from quality import against_official, shape, vmaf_and_psnr
from report import OFFICIAL, OURS, SCREENSHOT, Findings, Verdict, composition_table, verdict_table, verdicts

BENCH = Path(__file__).resolve().parent
COMPOSITIONS = (BENCH / "compositions", REPOSITORY / "events" / "compositions")
#: Seconds for the lossless reference of one composition.
_REFERENCE_TIMEOUT = 900.0


def main() -> int:
    """Measure, print and write the record. Returns 1 if a program failed."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by SIGTERM"))  # removes temporary folders
    adopt_orphaned_processes()
    record = {"machine": _machine(), "repetitions": options.repeat, "compositions": {}, "verdicts": [], "failures": {}}
    found: list[Verdict] = []
    for composition in [_find(name) for name in options.only or _default_names()]:
        try:
            findings = _bench(composition, options, record)
        except BenchError as error:
            record["failures"][composition.name] = str(error)
            print(f"== {composition.name}: did not run: {error}\n", flush=True)
            continue
        found += findings
    print(verdict_table(found))
    record["verdicts"] = [verdict.as_dict() for verdict in found]
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name, reason in record["failures"].items():
        print(f"error: {name} did not run: {reason}", file=sys.stderr)
    return 1 if record["failures"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render compositions with the official program and with this one.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="compositions by name, or folders")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="measured runs of each (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to FILE")
    parser.add_argument("--speed-only", action="store_true", help="leave out VMAF, PSNR and the comparison of frames")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    return options


def _default_names() -> list[str]:
    return sorted(page.parent.name for page in COMPOSITIONS[0].glob("*/index.html"))


def _find(name: str) -> Path:
    for folder in (*(root / name for root in COMPOSITIONS), Path(name)):
        if (folder / "index.html").is_file():
            return folder.resolve()
    sys.exit(f"error: there is no composition {name}; there are {', '.join(_default_names())}")


def _machine() -> dict[str, Any]:
    """Facts about the machine. Prints a note if it is busy."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    if load > 0.3 * cores:
        print(f"note: the machine is busy (load {load:.1f} on {cores} cores): times are unreliable\n", flush=True)
    return {"cores": cores, "load": round(load, 2), "architecture": platform.machine(), "started": int(time.time())}


def _bench(composition: Path, options: argparse.Namespace, record: dict[str, Any]) -> list[Verdict]:
    """Measure and print one composition. Returns its verdicts. Raises BenchError."""
    with TemporaryDirectory(prefix="hyperframes-bench-") as folder:
        findings = _measure(composition, Path(folder), options)
        print(composition_table(findings) + "\n", flush=True)
        record["compositions"][composition.name] = findings.as_dict()
        return verdicts(findings)


def _measure(composition: Path, scratch: Path, options: argparse.Namespace) -> Findings:
    series = _run_all(composition, scratch, options.repeat)
    shapes = {program: shape(runs.output) for program, runs in series.items()}
    findings = Findings(composition.name, series, shapes, {}, {})
    if options.speed_only:
        return findings
    sizes = {program: (found.width, found.height) for program, found in shapes.items()}
    if len(set(sizes.values())) > 1:
        raise BenchError(f"the videos differ in size: {sizes}")
    _say(f"{composition.name}: lossless reference")
    reference = _reference(scratch)
    for program, runs in series.items():
        _say(f"{composition.name}: VMAF and PSNR, {program}")
        findings.vmaf[program], findings.psnr[program] = vmaf_and_psnr(runs.output, reference)
    _say(f"{composition.name}: frames against the official ones")
    findings.likeness, findings.alignment = against_official(series[OURS].output, series[OFFICIAL].output, reference)
    return findings


def _run_all(composition: Path, scratch: Path, repetitions: int) -> dict[str, Series]:
    """One warm-up of each program, then `repetitions` rounds in which each runs once."""
    official_project, our_project = copy_projects(composition, scratch)
    series = {program: Series(scratch / f"{program}.mp4") for program in (OFFICIAL, OURS, SCREENSHOT)}
    for turn in range(repetitions + 1):
        for program, runs in series.items():
            _say(f"{composition.name}: {'warm-up' if turn == 0 else f'run {turn} of {repetitions}'}, {program}")
            log = scratch / f"{program}.log"
            if program == OFFICIAL:
                run_official(official_project, runs, log)
            else:
                run_ours(our_project, runs, log, capture="screenshot" if program == SCREENSHOT else "surface")
            if turn == 0:
                forget(runs)
    return series


def _reference(scratch: Path) -> Path:
    """Render the composition in `scratch` with our program to a lossless video. Raises BenchError."""
    output = scratch / "reference.mp4"
    command = [sys.executable, str(BENCH / "reference.py"), str(scratch / "ours"), str(output), str(FPS)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=_REFERENCE_TIMEOUT, check=False)
    if finished.returncode != 0:
        raise BenchError(finished.stderr.strip().splitlines()[-1] if finished.stderr.strip() else "no reference")
    profile = shape(output).profile
    if "4:4:4 Predictive" not in profile:
        raise BenchError(f'the reference is not lossless: its H.264 profile is "{profile}"')
    return output


def _say(text: str) -> None:
    """Print a progress line on stderr."""
    print(f"[bench] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
