"""The output of a finished task is bounded, whatever a renderer wrote."""

from __future__ import annotations

from hyperframes_render.tasks.finish import MAX_WARNING, MAX_WARNINGS, checked_output

PROBLEM = {
    "code": "a",
    "severity": "error",
    "message": "x",
    "line": 3,
    "column": 1,
    "patch": {"file": "a", "text": "b"},
}


def test_a_check_has_its_problems_in_the_output() -> None:
    output = checked_output({"ok": False, "problems": [PROBLEM]})
    assert output["ok"] is False and output["problems_total"] == 1
    assert output["problems"][0]["patch"] == PROBLEM["patch"] and output["problems"][0]["line"] == 3


def test_a_check_that_a_page_wrote_to_is_bounded() -> None:
    huge = {**PROBLEM, "message": "x" * 10**6, "line": "no", "patch": {"text": "y" * 10**6}}
    output = checked_output({"ok": "yes", "problems": [huge, "text", *[PROBLEM] * 1000]})
    assert output["ok"] is False and len(output["problems"]) == MAX_WARNINGS and output["problems_total"] == 1001
    first = output["problems"][0]
    assert len(first["message"]) <= MAX_WARNING and first["line"] == 0 and first["patch"] is None


def test_a_missing_report_is_no_success() -> None:
    assert checked_output(None)["ok"] is False
