"""What a browser that was taken over could read: it is replaced here by a program that looks around first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.machine import Machine, Unavailable

SPY = Path(__file__).parent / "parts" / "spy"
#: What the spy tries, as it calls it.
TRIES = {"own environment", "environments", "memory", "foreign memory", "internet", "runtime interface", "resolver"}


def spied(machine: Machine) -> dict[str, str]:
    """What the spy reports, by what it tried; in a file."""
    report = machine.golden()
    assert report.ended == "rendered", report
    assert report.spied is not None
    found: dict[str, str] = json.loads(report.spied)
    assert set(found) == TRIES
    return found


@pytest.fixture(scope="module")
def taken_over(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine whose browser is the spy, without the controls of the parameter."""
    try:
        made = Machine(without=request.param, program=SPY)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


@pytest.mark.parametrize("taken_over", [()], indirect=True)
def test_a_browser_that_was_taken_over_finds_no_credentials_and_no_network(taken_over: Machine) -> None:
    assert {what: got for what, got in spied(taken_over).items() if got != "nothing"} == {}


@pytest.mark.slow
@pytest.mark.parametrize("taken_over", [("environment",)], indirect=True)
def test_the_spy_sees_an_environment_that_is_passed_on(taken_over: Machine) -> None:
    assert spied(taken_over)["own environment"] == "canary"


@pytest.mark.slow
@pytest.mark.parametrize("taken_over", [("privacy", "network")], indirect=True)
def test_the_spy_sees_a_worker_whose_memory_is_open(taken_over: Machine) -> None:
    found = spied(taken_over)
    assert (found["environments"], found["memory"]) == ("canary", "canary")


@pytest.mark.slow
@pytest.mark.parametrize("taken_over", [("network",)], indirect=True)
def test_the_spy_reaches_a_network_that_is_open(taken_over: Machine) -> None:
    found = spied(taken_over)
    assert (found["internet"], found["runtime interface"], found["resolver"]) == ("reached", "reached", "reached")
