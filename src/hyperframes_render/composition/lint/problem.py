"""One record for every fault: what is wrong, where, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON."""
        return {**asdict(self), "doc": f"{_DOC}#{self.code}"}
