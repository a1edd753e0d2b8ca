"""Known vulnerabilities in what is locked: pip-audit over each requirements lock, npm audit over each package-lock.

    python tools/audit.py PIP_AUDIT

Ends with 0 where there are none, 1 where one was found, 3 where a service could not be asked: not all is known then.
A vulnerability that does no harm here, or has no mended version yet, is named in audit.toml with the reason and the
day from which on it counts again.
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
#: Seconds for one look-up of one file: some hundred packages are asked for one by one.
TIMEOUT = 900
NONE, FOUND, NOT_ASKED = 0, 1, 3


class NotAsked(Exception):
    """A service did not answer, or knows less than all."""


class Unreachable(NotAsked):
    """A service that need not be asked for other locks either."""


def accepted(today: date) -> dict[str, str]:
    """Ids of vulnerabilities that do not count today, each with its reason."""
    entries = tomllib.loads((PROJECT / "tools/audit.toml").read_text()).get("accepted", [])
    return {entry["id"]: entry["reason"] for entry in entries if entry["until"] > today}


def python_vulnerabilities(report: dict[str, Any]) -> Iterator[tuple[set[str], str]]:
    """Ids and a sentence for each vulnerability in a report of pip-audit. Raises NotAsked."""
    skipped = [one["name"] for one in report["dependencies"] if "skip_reason" in one]
    if skipped and len(skipped) == len(report["dependencies"]):
        raise Unreachable("nothing is known of any package")
    for one in report["dependencies"]:
        for found in one.get("vulns", []):
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            yield {found["id"], *found["aliases"]}, f"{one['name']} {one['version']}: {found['id']}, mended in {mended}"
    if skipped:  # last: what is known is told all the same
        raise NotAsked(f"nothing is known of {len(skipped)} packages, {skipped[0]} among them")


def npm_vulnerabilities(report: dict[str, Any]) -> Iterator[tuple[set[str], str]]:
    """Ids and a sentence for each vulnerability in a report of npm audit. Raises NotAsked."""
    if "vulnerabilities" not in report:
        raise Unreachable(str(report.get("message") or report.get("error") or "npm said nothing")[:200])
    for name, entry in report["vulnerabilities"].items():
        for via in entry["via"]:
            if isinstance(via, dict):  # else the name of the package that brings it, which has an entry of its own
                identifier = via["url"].rpartition("/")[2]
                yield {identifier}, f"{name} {via['range']}: {identifier} ({via['severity']}), {via['title']}"


def look_up(command: list[str], folder: Path) -> dict[str, Any]:
    """The report that `command` prints as JSON. Raises NotAsked."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        return dict(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        raise NotAsked(f"no answer within {TIMEOUT} s") from None
    except ValueError:
        raise NotAsked((done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]) from None


def python_lock(lock: Path, pip_audit: str) -> Iterator[tuple[set[str], str]]:
    """What is known of a requirements lock. Raises NotAsked."""
    options = ["--require-hashes", "--disable-pip", "--format=json", "--progress-spinner=off"]
    return python_vulnerabilities(look_up([pip_audit, *options, "--requirement", str(lock)], PROJECT))


def npm_lock(lock: Path) -> Iterator[tuple[set[str], str]]:
    """What is known of a package-lock. Raises NotAsked."""
    return npm_vulnerabilities(look_up(["npm", "audit", "--package-lock-only", "--json"], lock.parent))


def audit(readers: Mapping[str, Callable[[Path], Iterator[tuple[set[str], str]]]]) -> int:
    """Look up every lock that git tracks and print what is found; see the top for the number."""
    passed, found, not_asked = accepted(date.today()), 0, 0
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    silent: dict[str, str] = {}
    for ending, read in readers.items():
        for name in (name for name in tracked.splitlines() if name.endswith(ending)):
            try:
                if ending in silent:
                    raise NotAsked(silent[ending])
                for ids, sentence in read(PROJECT / name):
                    reason = next((passed[one] for one in ids if one in passed), None)
                    found += reason is None
                    print(f"{name}: {sentence}" + (f" (accepted: {reason})" if reason else ""), flush=True)
            except NotAsked as why:
                not_asked += 1
                print(f"{name}: NOT ASKED: {why}", flush=True)
                if isinstance(why, Unreachable):
                    silent[ending] = str(why)
    print(f"audit: {found} vulnerabilities found; {not_asked} lock files could not be looked up from here")
    return FOUND if found else NOT_ASKED if not_asked else NONE


if __name__ == "__main__":
    sys.exit(audit({".lock": lambda lock: python_lock(lock, sys.argv[1]), "package-lock.json": npm_lock}))
