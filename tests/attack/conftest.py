"""The machine for attacks, and the table of their results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.machine import Machine, Unavailable
from tests.attack.table import Outcome, write_table

_outcomes: list[Outcome] = []


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine with one worker, which gets all attacks in turn."""
    try:
        made = Machine()
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


@pytest.fixture(scope="session")
def golden(machine: Machine) -> list[str]:
    """The frames of the harmless composition, from a new worker."""
    first = machine.golden()
    assert first.ended == "rendered", first
    assert len(set(first.frames)) > 1
    # The worker can read the browser's memory although its memory is private.
    assert first.capture == ["surface"]
    return first.frames


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the results of attacks. With several test processes, the controller gets all reports."""
    if report.when == "call":
        _outcomes.extend(Outcome(**values) for name, values in report.user_properties if name == "attack")  # type: ignore[arg-type]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table into the document that HYPERFRAMES_RENDER_ATTACK_TABLE names."""
    target = os.environ.get("HYPERFRAMES_RENDER_ATTACK_TABLE")
    if target and not hasattr(session.config, "workerinput"):
        write_table(Path(target), _outcomes)
