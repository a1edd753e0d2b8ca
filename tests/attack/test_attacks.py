"""Every attack ends in bounded time with an allowed result, causes no alarm, and leaves the worker unchanged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.attack.catalog import Fixture, fixtures
from tests.attack.machine import Machine
from tests.attack.sensors import CANARY
from tests.attack.table import Outcome

#: Limit in MB for all processes of a job: 1.5 times the worker's memory (ground.py), since shared pages count in each.
MOST_MB = 4500
#: File descriptors that a worker may keep open after its jobs, for caches.
FEW_FILES = 10

EVERY = [pytest.param(attack, id=attack.name, marks=() if attack.quick else pytest.mark.slow) for attack in fixtures()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fixture", EVERY)
def test_an_attack_fails_and_the_next_job_is_unaffected(
    fixture: Fixture,
    machine: Machine,
    golden: list[str],
    record_property: Callable[[str, object], None],
    tmp_path: Path,
) -> None:
    started = time.monotonic()
    report = machine.attack(fixture, tmp_path)
    took = time.monotonic() - started
    outcome = Outcome(fixture.name, fixture.tries, report.ended, bool(report.touched), took, report.peak_mb)
    record_property("attack", asdict(outcome))
    if report.ended == "lost":
        machine.start()
    messages = "\n".join(report.says)
    assert report.ended in fixture.ends, messages
    assert not report.touched
    assert "STOLEN" not in messages
    assert CANARY not in messages
    assert not report.left
    assert report.peak_mb < MOST_MB
    assert fixture.says in messages
    assert messages or fixture.quiet, "the result has no warning and no error"
    after = machine.golden()
    assert after.frames == golden
    assert after.says == []


def test_a_worker_that_was_attacked_keeps_no_files_open(machine: Machine, golden: list[str]) -> None:
    files_after_attacks = machine.golden().files_open
    machine.start()
    assert files_after_attacks <= machine.golden().files_open + FEW_FILES


def test_fixtures_have_a_description_and_unique_names() -> None:
    found = fixtures()
    assert len({one.name for one in found}) == len(found) >= 80
    assert all(one.tries for one in found)
    assert 15 <= sum(one.quick for one in found) <= 40
