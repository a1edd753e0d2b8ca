"""A small run of every promise that `make chaos` proves at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import QUICK, REAL, schedule
from tests.chaos.run import chaos_stack, run
from tests.integration.workflow.stack import composition


def test_the_same_seed_makes_the_same_schedule_and_every_kind_comes() -> None:
    first, again = (schedule(7, 240, len(QUICK), list(QUICK)) for _ in range(2))
    assert first == again != schedule(8, 240, len(QUICK), list(QUICK))
    assert {fault.kind for fault in first} == set(QUICK)
    assert len(QUICK) >= 15 and {"kill -9 of a browser", "kill -9 of ffmpeg"} <= set(REAL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_task_comes_to_one_end_whatever_fails(tmp_path: Path) -> None:
    figures = run(tmp_path, seed=3, tasks=60, seconds=30, faults=15, say=print)
    # What takes one process finds none of its kind now and then, on a machine that has other things to do.
    assert figures["kinds of fault that hit something"] >= 6


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_more_than_the_functions_can_do_at_once_waits_and_fails_nothing(tmp_path: Path) -> None:
    """The last of them is refused an environment more often than a failing call is tried again."""
    with chaos_stack(tmp_path, seed=1, real=False, tasks=12, wait_seconds=0.5) as chaos:
        tasks = [chaos.stack.submit(composition("queued", frames=10, seconds_per_frame=0.5)) for _ in range(12)]
        assert {chaos.stack.final(task, seconds=200)["status"]["N"] for task in tasks} == {"10"}
