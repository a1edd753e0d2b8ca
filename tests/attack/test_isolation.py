"""Tests what a compromised browser could read, with a spy program in place of the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.machine import Machine, Unavailable

SPY = Path(__file__).parent / "parts" / "spy"
#: Names of the spy's attempts.
TRIES = {"own environment", "environments", "memory", "foreign memory", "internet", "runtime interface", "resolver"}


def spied(machine: Machine) -> dict[str, str]:
    """The spy's report: the result of each attempt."""
    report = machine.golden()
    assert report.ended == "rendered", report
    assert report.spied is not None
    found: dict[str, str] = json.loads(report.spied)
    assert set(found) == TRIES
    return found


@pytest.fixture(scope="module")
def compromised(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with the spy as its browser, without the controls of the parameter."""
    try:
        made = Machine(without=request.param, program=SPY)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


@pytest.mark.parametrize("compromised", [()], indirect=True)
def test_a_compromised_browser_finds_no_credentials_and_no_network(compromised: Machine) -> None:
    assert {what: got for what, got in spied(compromised).items() if got != "nothing"} == {}


@pytest.mark.slow
@pytest.mark.parametrize("compromised", [("environment",)], indirect=True)
def test_the_spy_sees_an_environment_that_is_passed_on(compromised: Machine) -> None:
    assert spied(compromised)["own environment"] == "canary"


@pytest.mark.slow
@pytest.mark.parametrize("compromised", [("privacy", "network")], indirect=True)
def test_the_spy_sees_a_worker_whose_memory_is_open(compromised: Machine) -> None:
    found = spied(compromised)
    assert (found["environments"], found["memory"]) == ("canary", "canary")


@pytest.mark.slow
@pytest.mark.parametrize("compromised", [("network",)], indirect=True)
def test_the_spy_reaches_a_network_that_is_open(compromised: Machine) -> None:
    found = spied(compromised)
    assert (found["internet"], found["runtime interface"], found["resolver"]) == ("reached", "reached", "reached")
