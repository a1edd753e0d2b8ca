"""A short run of the checks of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import QUICK, REAL, schedule
from tests.chaos.run import chaos_stack, run
from tests.integration.workflow.stack import composition


def test_a_seed_gives_one_schedule_with_every_kind_of_fault() -> None:
    first, again = (schedule(7, 240, len(QUICK), list(QUICK)) for _ in range(2))
    assert first == again != schedule(8, 240, len(QUICK), list(QUICK))
    assert {fault.kind for fault in first} == set(QUICK)
    assert len(QUICK) >= 15 and {"kill -9 of a browser", "kill -9 of ffmpeg"} <= set(REAL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_task_has_one_end_despite_faults(tmp_path: Path) -> None:
    figures = run(tmp_path, seed=3, tasks=60, seconds=30, faults=15, say=print)
    # On a busy machine, some faults find no process to hit.
    assert figures["kinds of fault that hit something"] >= 6


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_tasks_beyond_the_concurrency_wait_and_do_not_fail(tmp_path: Path) -> None:
    """The last task is refused an environment more often than a failing call is retried."""
    with chaos_stack(tmp_path, seed=1, real=False, tasks=12, wait_seconds=0.5) as chaos:
        tasks = [chaos.stack.submit(composition("queued", frames=10, seconds_per_frame=0.5)) for _ in range(12)]
        assert {chaos.stack.final(task, seconds=200)["status"]["N"] for task in tasks} == {"10"}
