"""Problems for a terminal: grouped by severity, each with its place, what is wrong and how to mend it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

_COLOURS = {"error": "red", "warning": "yellow", "notice": "blue"}
#: Columns of text at most: longer lines are hard to read.
_WIDTH = 100
_INDENT = "    "


def problem_lines(problems: Sequence[Mapping[str, Any]], folder: Path | None) -> Iterator[str]:
    """The lines of records of problems, errors first, then a summary.

    `folder` is the project's: places are written so that a terminal can open them. click removes the colours where the
    output is no terminal.
    """
    for severity, colour in _COLOURS.items():
        for problem in (p for p in problems if p["severity"] == severity):
            place = _place(problem, folder)
            head = click.style(severity, fg=colour, bold=True)
            mends = " (--fix mends it)" if problem.get("patch") else ""
            yield f"{place}{head}: {problem['code']}"
            yield from _wrapped(str(problem["message"]))
            if problem["fix"]:
                yield from _wrapped(f"Fix: {problem['fix']}{mends}")
    yield summary(problems)


def summary(problems: Sequence[Mapping[str, Any]]) -> str:
    """One line with the number of problems of each severity."""
    counts = {severity: sum(p["severity"] == severity for p in problems) for severity in _COLOURS}
    if not any(counts.values()):
        return click.style("No problems.", fg="green")
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())


def _place(problem: Mapping[str, Any], folder: Path | None) -> str:
    if not problem["file"]:
        return ""
    path = str(problem["file"])
    if folder is not None:
        whole = str((folder / path).absolute())
        relative = os.path.relpath(whole)
        path = whole if relative.startswith("..") else relative
    return click.style(f"{path}:{problem['line']}:{problem['column']}", bold=True) + ": "


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False)
