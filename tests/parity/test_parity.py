"""A composition gives the same frames and sound as with the official renderer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.cases import Case, all_cases, run_case
from tests.parity.programs import OFFICIAL, node

CASES = all_cases()


def _parameters() -> list[object]:
    return [pytest.param(case, id=case.name, marks=() if case.fast else pytest.mark.slow) for case in CASES]


def test_each_case_has_a_promise_and_a_page() -> None:
    assert len(CASES) >= 15
    assert all(case.promise and (case.folder / "index.html").is_file() for case in CASES)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", _parameters())
def test_frames_and_sound_equal_the_official_ones(case: Case, tmp_path: Path) -> None:
    if node() is None:
        pytest.skip(f"THE OFFICIAL RENDERER IS NOT IN {OFFICIAL}: run tests/bench/setup.sh; nothing was compared")
    outcome = run_case(case, tmp_path)
    if case.differs:
        # An intended difference that no longer exists must be removed from the case.
        assert outcome.violations, f"{case.name} no longer differs: remove `differs` ({case.differs})"
    else:
        assert outcome.violations == []
