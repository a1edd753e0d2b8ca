"""The cost is the usage times the price table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyperframes_render.cost.prices import PRICES, Architecture, Usage, cost_of, usage_counters

WORKFLOW = Path(__file__).parents[3] / "src" / "workflow" / "render.asl.json"


def usage_of(function: str, *, seconds: float, memory_mb: int, storage_mb: int = 512, calls: int = 1) -> Usage:
    """The usage that `calls` equal calls report."""
    once = usage_counters(function, seconds, memory_mb, storage_mb)
    return Usage.of_task({name: calls * value for name, value in once.items()})


def test_counters_of_many_calls_become_gigabyte_seconds() -> None:
    usage = usage_of("render", seconds=10, memory_mb=2048, storage_mb=1536, calls=3)
    assert usage.gb_seconds == {"render": 60.0} and usage.seconds == {"render": 30.0}
    assert usage.storage_gb_seconds == {"render": 30.0} and usage.calls == {"render": 3}


def test_compute_is_gigabyte_seconds_times_the_price_of_the_architecture() -> None:
    usage = usage_of("render", seconds=60, memory_mb=10240)
    kinds: tuple[Architecture, ...] = ("x86_64", "arm64")
    x86, arm = (cost_of(usage, chunks=1, architecture=kind) for kind in kinds)
    # A minute of 10 GB: a cent on x86_64, a fifth less on arm64.
    assert x86["by_kind"]["compute"] == pytest.approx(0.0100042, rel=1e-3)
    assert arm["by_kind"]["compute"] / x86["by_kind"]["compute"] == pytest.approx(0.8, rel=1e-3)
    assert x86["usd"] == pytest.approx(sum(x86["by_kind"].values()), abs=1e-7)


def test_storage_beyond_the_free_part_is_counted_by_time() -> None:
    cost = cost_of(usage_of("assemble", seconds=50, memory_mb=2048, storage_mb=4096), chunks=1)
    assert cost["by_kind"]["storage"] == pytest.approx(50 * 3.5 * PRICES.storage_gb_second, abs=1e-8)


def test_the_children_of_a_map_cost_transitions() -> None:
    usage = usage_of("render", seconds=10, memory_mb=1024, calls=100)
    whole, chunked = cost_of(usage, chunks=1), cost_of(usage, chunks=100)
    assert whole["transitions"] < chunked["transitions"]
    assert chunked["by_kind"]["workflow"] == pytest.approx(chunked["transitions"] * 0.025 / 1000, abs=1e-8)


def test_transitions_are_those_of_the_workflow_file() -> None:
    states: dict[str, Any] = json.loads(WORKFLOW.read_text())["States"]

    def path(start: str, at_choice: str) -> int:
        """The number of states from `start` to the end of a successful task."""
        state = states[start]
        following = at_choice if state["Type"] == "Choice" else state.get("Next")
        return 1 + (path(following, at_choice) if following else 0)

    usage = Usage.of_task({})
    assert cost_of(usage, chunks=1)["transitions"] == path("Plan", "RenderWhole") + 2
    child = states["RenderChunks"]["ItemProcessor"]
    assert child["ProcessorConfig"]["ExecutionType"] == "STANDARD", "an express child costs a request and time"
    expected = path("Plan", "RenderChunks") + 2 + 10 * (len(child["States"]) + 2)
    assert cost_of(usage, chunks=10)["transitions"] == expected
