"""docs/reference/checks.md has every code that `check` can report, and its examples are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tools import check_reference
from tools.check_reference import FILES, MARKUP, OPENED, RENDERED, Check

from hyperframes_render.composition.lint import lint_project
from hyperframes_render.composition.lint.official import rules, severity_of
from hyperframes_render.errors import error_tree
from hyperframes_render.packages.root import packages_root
from tests.template import PROJECT


def _reported(markup: str, folder: Path) -> set[tuple[str, str]]:
    (folder / "index.html").write_text(markup)
    return {(problem.code, problem.severity) for problem in lint_project(folder, "index.html")}


def test_the_page_is_up_to_date() -> None:
    assert check_reference.PAGE.read_text() == check_reference.page(), "run python -m tools.check_reference"


def test_every_code_of_the_source_is_in_the_page_with_its_severity() -> None:
    described = {(check.code, check.severity) for check in (*MARKUP, *FILES, *OPENED)}
    in_source = check_reference.reported() | {("no_composition_root", "notice")}
    assert in_source <= described
    # A composition that cannot be opened is reported with the code of its error.
    assert {code for code, _ in described - in_source} <= {error.code for error in error_tree()}


@pytest.mark.parametrize("check", MARKUP, ids=lambda check: check.code)
def test_an_example_has_its_problem_and_its_fix_has_not(check: Check, tmp_path: Path) -> None:
    assert (check.code, check.severity) in _reported(check.example, tmp_path)
    assert check.code not in {code for code, _ in _reported(check.fix, tmp_path)}


@pytest.mark.parametrize("check", FILES, ids=lambda check: check.code)
def test_every_code_of_the_files_has_a_broken_project(check: Check) -> None:
    expected = [json.loads(file.read_text()) for file in PROJECT.glob("tests/broken/projects/*/expected.json")]
    assert check.severity in {found["severity"] for found in expected if found["code"] == check.code}


def test_every_rule_of_the_official_lint_is_kept_replaced_or_left_out() -> None:
    bundle = (packages_root() / "@hyperframes/lint/dist/lint.cjs").read_text("utf-8")
    listed = [code for group in rules().values() for code in group]
    assert set(re.findall(r'code:"([a-z0-9_]+)"', bundle)) == set(listed)
    assert len(listed) == len(set(listed))


def test_every_official_rule_that_is_kept_has_a_broken_project() -> None:
    expected = [json.loads(file.read_text()) for file in PROJECT.glob("tests/broken/projects/*/expected.json")]
    assert set(rules()["kept"]) <= {found["code"] for found in expected}
    assert all(severity_of(found["code"]) in (None, found["severity"]) for found in expected)


def test_every_code_of_a_renders_warnings_is_in_the_page() -> None:
    folder = PROJECT / "src/hyperframes_render"
    texts = "\n".join((folder / name).read_text() for name in ("render/opened.py", "render/session.py"))
    texts += "\n".join(path.read_text() for path in (folder / "tasks").glob("*.py"))
    used = set(re.findall(r'(?:\bwarn\(|\byield |\bProblem\(\s*)\(?\s*"([a-z_]+)",', texts))
    described = {check.code for check in (*MARKUP, *FILES, *OPENED, *RENDERED)}
    assert used <= described and {check.code for check in RENDERED} <= used
