"""The planner's choice is near the model's best, and more chunks are never cheaper."""

from __future__ import annotations

import pytest

from hyperframes_render.cost.estimate import Stack, Workload, frame_seconds, predict, predict_planned

LENGTHS = [10, 60, 600, 3600]


def video(seconds: int, *, capture: float = 0.03) -> Workload:
    return Workload(frames=30 * seconds, fps=30, width=1920, height=1080, capture=capture)


@pytest.mark.parametrize("seconds", LENGTHS)
@pytest.mark.parametrize("memory", [1769, 3008, 10240])
@pytest.mark.parametrize("parallel", [6, 100, 800])
def test_the_planners_choice_is_within_a_tenth_of_the_best_at_its_price(
    seconds: int, memory: int, parallel: int
) -> None:
    work, stack = video(seconds), Stack(memory, parallel)
    chosen = predict_planned(work, stack)
    others = [predict(work, stack, chunks) for chunks in range(1, min(parallel * 4, seconds) + 1)]
    # Chunks that exceed the time limit of a function do not count.
    others = [other for other in others if work.frames / other.chunks * frame_seconds(work, stack) <= 240]
    best = min(other.seconds for other in others if other.usd <= chosen.usd * 1.001)
    assert chosen.seconds <= 1.1 * best


@pytest.mark.parametrize("seconds", LENGTHS)
def test_more_chunks_cost_more(seconds: int) -> None:
    costs = [predict(video(seconds), Stack(parallel=100), chunks).usd for chunks in (1, 2, 5, 20)]
    assert costs == sorted(costs)


def test_ten_minutes_of_720p24_take_half_a_minute_and_five_cents() -> None:
    work = Workload(frames=14_400, fps=24, width=1280, height=720, capture=0.025)
    predicted = predict_planned(work, Stack(3008, 100))
    assert predicted.seconds <= 30
    assert predicted.usd <= 0.05
