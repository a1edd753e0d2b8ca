"""The cost is the arithmetic of the price table, nothing hidden."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from hyperframes_render.api.cost import PRICES, Spent, cost_of

WORKFLOW = Path(__file__).parents[3] / "src" / "workflow" / "render.asl.json"


def test_counters_become_gigabyte_seconds_and_calls() -> None:
    spent = Spent.of_task({"render": 2048 * 10_000, "render_calls": 3, "plan": 1024 * 500, "plan_calls": 1})
    assert spent.gb_seconds == {"render": 20.0, "plan": 0.5} and spent.calls == {"render": 3, "plan": 1}


def test_compute_is_gigabyte_seconds_times_the_price_of_the_architecture() -> None:
    spent = Spent({"render": 600.0}, {"render": 1})
    x86 = cost_of(spent, chunks=1, render_seconds=60, architecture="x86_64", memory_gb=10)
    arm = cost_of(spent, chunks=1, render_seconds=60, architecture="arm64", memory_gb=10)
    # A minute of 10 GB: about a cent on x86_64 (reference: $0.010), a fifth less on arm64.
    assert x86["by_kind"]["compute"] == pytest.approx(0.0100042, rel=1e-3)
    assert arm["by_kind"]["compute"] / x86["by_kind"]["compute"] == pytest.approx(0.8, rel=1e-3)
    assert x86["usd"] == pytest.approx(sum(x86["by_kind"].values()), abs=1e-7)


def test_storage_beyond_what_is_free_is_counted_for_the_time_it_is_there() -> None:
    spent = Spent({"render": 100.0}, {"render": 1})
    cost = cost_of(spent, chunks=1, render_seconds=50, memory_gb=2, extra_storage_gb=3.5)
    assert cost["by_kind"]["storage"] == pytest.approx(50 * 3.5 * PRICES.storage_gb_second, abs=1e-8)


def test_a_map_of_express_children_costs_requests_and_of_standard_ones_transitions() -> None:
    spent = Spent({"render": 1000.0}, {"render": 100})
    whole = cost_of(spent, chunks=1, render_seconds=1000)
    express = cost_of(spent, chunks=100, render_seconds=1000, map_child="EXPRESS")
    standard = cost_of(spent, chunks=100, render_seconds=1000, map_child="STANDARD")
    assert whole["transitions"] < express["transitions"] < standard["transitions"]
    assert standard["by_kind"]["workflow"] == pytest.approx(standard["transitions"] * 0.025 / 1000, abs=1e-8)
    assert express["by_kind"]["workflow"] < standard["by_kind"]["workflow"] / 3


def test_transitions_are_those_of_the_workflow_file() -> None:
    states: dict[str, Any] = json.loads(WORKFLOW.read_text())["States"]

    def path(start: str, at_choice: str) -> int:
        """States from `start` to the end where all goes well."""
        state = states[start]
        following = at_choice if state["Type"] == "Choice" else state.get("Next")
        return 1 + (path(following, at_choice) if following else 0)

    spent = Spent({}, {})
    assert cost_of(spent, chunks=1, render_seconds=0)["transitions"] == path("Plan", "RenderWhole") + 2
    child = states["RenderChunks"]["ItemProcessor"]
    assert child["ProcessorConfig"]["ExecutionType"] == inspect.signature(cost_of).parameters["map_child"].default
    expected = path("Plan", "RenderChunks") + 2 + 10 * (len(child["States"]) + 2)
    assert cost_of(spent, chunks=10, render_seconds=0)["transitions"] == expected
