"""Every attack ends in time and in order, touches nothing, and leaves the worker as it was."""

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

#: Megabytes of all processes of a job, shared pages counted in each: what a worker has (ground.py), and a half more.
MOST_MB = 4500
#: Descriptors that a worker may gain over its first job: caches and the like, once.
FEW_FILES = 10

EVERY = [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in fixtures()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fixture", EVERY)
def test_an_attack_gets_nothing_and_the_next_job_is_rendered_as_ever(
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
    said = "\n".join(report.says)
    assert report.ended in fixture.ends, said
    assert not report.touched
    assert "STOLEN" not in said
    assert CANARY not in said
    assert not report.left
    assert report.peak_mb < MOST_MB
    assert fixture.says in said
    assert said or fixture.quiet, "it ended without a word"
    after = machine.golden()
    assert after.pictures == golden
    assert after.says == []


def test_a_worker_that_was_attacked_keeps_no_files_open(machine: Machine, golden: list[str]) -> None:
    worn = machine.golden().files_open
    machine.start()
    assert worn <= machine.golden().files_open + FEW_FILES


def test_fixtures_say_what_they_try_and_how_they_end() -> None:
    found = fixtures()
    assert len({one.name for one in found}) == len(found) >= 80
    assert all(one.tries for one in found)
    assert 15 <= sum(one.quick for one in found) <= 40
