"""One record for every fault: what is wrong, where, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

#: error: the video is wrong for certain; warning: it may be; notice: what was taken for granted.
Severity = Literal["error", "warning", "notice"]
#: The page with all codes.
_DOC = "docs/reference/checks.md"


@dataclass(frozen=True)
class Patch:
    """Replace the characters `start` to `end` of `file` by `text`. `file` is a path below the project's folder."""

    file: str
    start: int
    end: int
    text: str


#: The place that an error of a script ends with.
_PLACE = re.compile(r"\(in (?P<file>[^():]+):(?P<line>\d+):(?P<column>\d+)\)")


@dataclass(frozen=True)
class Problem:
    """One fault. `file` is a path below the project's folder, `line` and `column` count from 1; 0 is unknown.

    `patch` is set where a program can mend the fault without guessing what the author meant.
    """

    code: str
    severity: Severity
    message: str
    fix: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    selector: str = ""
    patch: Patch | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Problem:
        """Read a record from the dict of `as_dict`."""
        patch = values.get("patch")
        names = [field.name for field in fields(cls) if field.name != "patch"]
        return cls(**{name: values[name] for name in names}, patch=Patch(**patch) if patch else None)

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON."""
        return {**asdict(self), "doc": f"{_DOC}#{self.code}"}


def with_place(problem: Problem) -> Problem:
    """The problem with the place that its message names, as errors of scripts do."""
    found = _PLACE.search(problem.message)
    if problem.file or not found:
        return problem
    return replace(problem, file=found["file"], line=int(found["line"]), column=int(found["column"]))
