"""A small run of every promise that `make chaos` proves at length."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.faults import QUICK, REAL, schedule
from tests.chaos.run import run


def test_the_same_seed_makes_the_same_schedule_and_every_kind_comes() -> None:
    first, again = (schedule(7, 240, len(QUICK), list(QUICK)) for _ in range(2))
    assert first == again != schedule(8, 240, len(QUICK), list(QUICK))
    assert {fault.kind for fault in first} == set(QUICK)
    assert len(QUICK) >= 15 and {"kill -9 of a browser", "kill -9 of ffmpeg"} <= set(REAL)


def test_each_task_comes_to_one_end_whatever_fails(tmp_path: Path) -> None:
    figures = run(tmp_path, seed=3, tasks=60, seconds=12, faults=12, say=print)
    assert figures["kinds of fault"] >= 10
