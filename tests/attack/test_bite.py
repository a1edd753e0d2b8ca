"""Without a control, the attacks that it stops get through: the sensors see them, so the tests can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.catalog import Fixture, fixtures
from tests.attack.machine import Machine, Report, Unavailable


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


#: Interception by itself misses web sockets and requests of workers, and whatever is no request: WebRTC, QUIC.
ALONE = [
    pytest.param(("interception", other), one, id=f"{one.name}, the {layer} alone", marks=pytest.mark.slow)
    for layer, other in (("filter", "flags"), ("flags", "filter"))
    for one in fixtures()
    if "network" in one.needs
]


@pytest.mark.parametrize(("careless", "fixture"), ALONE, indirect=["careless"])
def test_the_kernels_filter_and_the_browsers_flags_hold_each_alone(
    careless: Machine, fixture: Fixture, tmp_path: Path
) -> None:
    assert not careless.attack(fixture, tmp_path).touched
