"""Problems in a terminal: places that can be opened, errors first, one summary."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hyperframes_render.cli.problems import problem_lines
from hyperframes_render.composition.lint import Patch, Problem

ERROR = Problem("a", "error", "It is wrong.", "Mend it.", "index.html", 3, 5, patch=Patch("index.html", 0, 1, "x"))
WARNING = Problem("b", "warning", "It may be wrong.", "Look at it.", "scenes/a.html", 1, 1)
NOTICE = Problem("c", "notice", "It was assumed.")


def lines(*problems: Problem, folder: Path | None) -> list[str]:
    return [click.unstyle(line) for line in problem_lines([p.as_dict() for p in problems], folder)]


def test_errors_come_first_and_the_last_line_counts() -> None:
    assert lines(NOTICE, WARNING, ERROR, folder=None) == [
        "index.html:3:5: error: a",
        "    It is wrong.",
        "    Fix: Mend it. (--fix mends it)",
        "scenes/a.html:1:1: warning: b",
        "    It may be wrong.",
        "    Fix: Look at it.",
        "notice: c",
        "    It was assumed.",
        "1 error, 1 warning, 1 notice",
    ]


def test_a_place_is_a_path_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lines(WARNING, folder=Path("project"))[0] == "project/scenes/a.html:1:1: warning: b"


def test_a_place_outside_the_current_folder_is_a_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert lines(ERROR, folder=tmp_path / "project")[0] == f"{tmp_path}/project/index.html:3:5: error: a"


def test_a_project_without_problems_says_so() -> None:
    assert lines(folder=None) == ["No problems."]
