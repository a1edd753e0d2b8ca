"""The machine that attacks run on, and the table of how they ended."""

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
    """One machine, and one worker that gets attack after attack."""
    try:
        made = Machine()
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


@pytest.fixture(scope="session")
def golden(machine: Machine) -> list[str]:
    """The pictures of the harmless composition, from a worker that nobody has attacked yet."""
    first = machine.golden()
    assert first.ended == "rendered", first
    assert len(set(first.pictures)) > 1
    # A worker whose own memory is closed still reads the browser's.
    assert first.capture == ["surface"]
    return first.pictures


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how attacks ended; where several processes run them, the one that leads them is told of all."""
    if report.when == "call":
        _outcomes.extend(Outcome(**told) for name, told in report.user_properties if name == "attack")  # type: ignore[arg-type]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What is known at the end goes into the document that HYPERFRAMES_RENDER_ATTACK_TABLE names."""
    target = os.environ.get("HYPERFRAMES_RENDER_ATTACK_TABLE")
    if target and not hasattr(session.config, "workerinput"):
        write_table(Path(target), _outcomes)
