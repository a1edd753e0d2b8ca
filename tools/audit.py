"""Reports known vulnerabilities of locked packages: pip-audit for requirements locks, npm audit for package-locks.

    python tools/audit.py PIP_AUDIT

Exit status: 0 if there are none, 1 if one was found, 3 if a lock could not be looked up, so that the result is
incomplete. audit.toml lists accepted vulnerabilities (not exploitable here, or not fixed yet), each with its reason and
the day on which the acceptance ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
#: Seconds for the look-up of one file: about a hundred packages are looked up one by one.
TIMEOUT = 900
NONE, FOUND, INCOMPLETE = 0, 1, 3


class LookUpFailed(Exception):
    """A service did not respond, or does not know all packages."""


class Unreachable(LookUpFailed):
    """A service is unreachable, so other locks of this kind are skipped."""


def accepted(today: date) -> dict[str, str]:
    """Accepted vulnerabilities on the day `today`: reasons by id."""
    entries = tomllib.loads((PROJECT / "tools/audit.toml").read_text()).get("accepted", [])
    return {entry["id"]: entry["reason"] for entry in entries if entry["until"] > today}


def python_vulnerabilities(report: dict[str, Any]) -> Iterator[tuple[set[str], str]]:
    """Ids and a sentence for each vulnerability in a report of pip-audit. Raises LookUpFailed."""
    skipped = [one["name"] for one in report["dependencies"] if "skip_reason" in one]
    if skipped and len(skipped) == len(report["dependencies"]):
        raise Unreachable("no package could be looked up")
    for one in report["dependencies"]:
        for found in one.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            yield {found["id"], *found["aliases"]}, f"{one['name']} {one['version']}: {found['id']}, fixed in {fixed}"
    if skipped:  # last, so that known vulnerabilities are reported
        raise LookUpFailed(f"{len(skipped)} packages could not be looked up, such as {skipped[0]}")


def npm_vulnerabilities(report: dict[str, Any]) -> Iterator[tuple[set[str], str]]:
    """Ids and a sentence for each vulnerability in a report of npm audit. Raises LookUpFailed."""
    if "vulnerabilities" not in report:
        raise Unreachable(str(report.get("message") or report.get("error") or "no output from npm")[:200])
    for name, entry in report["vulnerabilities"].items():
        for via in entry["via"]:
            if isinstance(via, dict):  # else the name of a dependency, which has a separate entry
                identifier = via["url"].rpartition("/")[2]
                yield {identifier}, f"{name} {via['range']}: {identifier} ({via['severity']}), {via['title']}"


def look_up(command: list[str], folder: Path) -> dict[str, Any]:
    """The report that `command` prints as JSON. Raises LookUpFailed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        return dict(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        raise LookUpFailed(f"no response within {TIMEOUT} s") from None
    except ValueError:
        raise LookUpFailed((done.stderr.strip().splitlines() or ["no output"])[-1][:200]) from None


def python_lock(lock: Path, pip_audit: str) -> Iterator[tuple[set[str], str]]:
    """The vulnerabilities of a requirements lock. Raises LookUpFailed."""
    options = ["--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
    return python_vulnerabilities(look_up([pip_audit, *options, "--requirement", str(lock)], PROJECT))


def npm_lock(lock: Path) -> Iterator[tuple[set[str], str]]:
    """The vulnerabilities of a package-lock. Raises LookUpFailed."""
    return npm_vulnerabilities(look_up(["npm", "audit", "--package-lock-only", "--json"], lock.parent))


def audit(readers: Mapping[str, Callable[[Path], Iterator[tuple[set[str], str]]]]) -> int:
    """Look up every lock that git tracks and print the vulnerabilities. Returns the exit status."""
    passed, found, not_looked_up = accepted(date.today()), 0, 0
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    unreachable: dict[str, str] = {}
    for ending, read in readers.items():
        for name in (name for name in tracked.splitlines() if name.endswith(ending)):
            try:
                if ending in unreachable:
                    raise LookUpFailed(unreachable[ending])
                for ids, sentence in read(PROJECT / name):
                    reason = next((passed[one] for one in ids if one in passed), None)
                    found += reason is None
                    print(f"{name}: {sentence}" + (f" (accepted: {reason})" if reason else ""), flush=True)
            except LookUpFailed as why:
                not_looked_up += 1
                print(f"{name}: not looked up: {why}", flush=True)
                if isinstance(why, Unreachable):
                    unreachable[ending] = str(why)
    print(f"audit: {found} vulnerabilities found; {not_looked_up} lock files could not be looked up")
    return FOUND if found else INCOMPLETE if not_looked_up else NONE


if __name__ == "__main__":
    sys.exit(audit({".lock": lambda lock: python_lock(lock, sys.argv[1]), "package-lock.json": npm_lock}))
