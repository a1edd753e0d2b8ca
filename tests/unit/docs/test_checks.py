"""docs/reference/checks.md has every code that `check` can report, and its examples are right."""

from __future__ import annotations

import pytest
from tools import check_reference
from tools.check_reference import MARKUP, OPENED, Check

from hyperframes_render.composition.html import Document
from hyperframes_render.composition.lint import lint
from hyperframes_render.errors import error_tree


def _reported(markup: str) -> set[tuple[str, str]]:
    return {(problem.code, problem.severity) for problem in lint(Document(markup))}


def test_the_page_is_up_to_date() -> None:
    assert check_reference.PAGE.read_text() == check_reference.page(), "run python -m tools.check_reference"


def test_every_code_of_the_source_is_in_the_page_with_its_severity() -> None:
    described = {(check.code, check.severity) for check in (*MARKUP, *OPENED)}
    in_source = check_reference.reported() | {("no_composition_root", "notice")}
    assert in_source <= described
    # A composition that cannot be opened is reported with the code of its error.
    assert {code for code, _ in described - in_source} <= {error.code for error in error_tree()}


@pytest.mark.parametrize("check", MARKUP, ids=lambda check: check.code)
def test_an_example_has_its_problem_and_its_fix_has_not(check: Check) -> None:
    assert (check.code, check.severity) in _reported(check.example)
    assert check.code not in {code for code, _ in _reported(check.fix)}
