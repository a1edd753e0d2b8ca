"""Without a control, the attacks that it stops succeed and the sensors detect them. So test_attacks.py can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.catalog import Fixture, fixtures
from tests.attack.machine import Machine, Report, Unavailable


@pytest.fixture(scope="module")
def weakened(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine whose worker lacks the controls of the parameter."""
    try:
        made = Machine(without=request.param)
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))
    yield made
    made.close()


def succeeded(report: Report, fixture: Fixture) -> bool:
    """Whether the test in test_attacks.py would fail."""
    return bool(report.touched or report.left or report.ended not in fixture.ends or "STOLEN" in "\n".join(report.says))


DEPENDENT = [
    pytest.param(one.needs, one, id=f"{one.name} without {' and '.join(one.needs)}", marks=pytest.mark.slow)
    for one in sorted(fixtures(), key=lambda one: one.needs)
    if one.needs
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("weakened", "fixture"), DEPENDENT, indirect=["weakened"])
def test_an_attack_succeeds_without_its_controls(weakened: Machine, fixture: Fixture, tmp_path: Path) -> None:
    report = weakened.attack(fixture, tmp_path)
    if report.ended == "lost":
        weakened.start()
    assert succeeded(report, fixture), report


#: The interceptor does not see web sockets, requests of workers, WebRTC and QUIC. Each of two other layers stops them.
ONE_LAYER = [
    pytest.param(("interception", other), one, id=f"{one.name}, only the {layer}", marks=pytest.mark.slow)
    for layer, other in (("filter", "flags"), ("flags", "filter"))
    for one in fixtures()
    if "network" in one.needs
]


@pytest.mark.parametrize(("weakened", "fixture"), ONE_LAYER, indirect=["weakened"])
def test_each_of_kernel_filter_and_browser_flags_is_sufficient(
    weakened: Machine, fixture: Fixture, tmp_path: Path
) -> None:
    assert not weakened.attack(fixture, tmp_path).touched
