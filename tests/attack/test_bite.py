"""Without a control, the attacks that it stops get through: the sensors see them, so the tests can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.catalog import Fixture, fixtures
from tests.attack.machine import Machine, Report, Unavailable

#: Each set of controls that some attack depends on.
SETS = sorted({one.needs for one in fixtures() if one.needs})
#: One attack for each set is enough in `make test`.
FIRST = {needs: next(one.name for one in fixtures() if one.needs == needs) for needs in SETS}


@pytest.fixture(scope="module")
def careless(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine whose worker lacks these controls."""
    try:
        made = Machine(without=request.param)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


def got_through(report: Report, fixture: Fixture) -> bool:
    """Whether the test of the attack would have failed."""
    return bool(report.touched or report.left or report.ended not in fixture.ends or "STOLEN" in "\n".join(report.says))


DEPENDENT = [
    pytest.param(one.needs, one, id=f"{one.name} without {' and '.join(one.needs)}", marks=pytest.mark.slow)
    for one in sorted(fixtures(), key=lambda one: one.needs)
    if one.needs
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("careless", "fixture"), DEPENDENT, indirect=["careless"])
def test_an_attack_gets_through_without_its_controls(careless: Machine, fixture: Fixture, tmp_path: Path) -> None:
    report = careless.attack(fixture, tmp_path)
    if report.ended == "lost":
        careless.start()
    assert got_through(report, fixture), report


BOTH = [one for one in fixtures() if "network" in one.needs and "interception" in one.needs]
ALONE = [
    pytest.param((control,), one, id=f"{one.name} without {control}", marks=pytest.mark.slow)
    for control in ("interception", "network")
    for one in BOTH
]


@pytest.mark.parametrize(("careless", "fixture"), ALONE, indirect=["careless"])
def test_either_of_the_two_layers_holds_alone(careless: Machine, fixture: Fixture, tmp_path: Path) -> None:
    assert not careless.attack(fixture, tmp_path).touched
