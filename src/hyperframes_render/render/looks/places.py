"""Places in the author's files: of the elements that a look names, and of words that a message names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from hyperframes_render.composition.lint import Patch, Problem, Severity
from hyperframes_render.composition.lint.source_file import SourceFile

#: Files that are searched, and bytes of one.
_MAX_FILES, _MAX_BYTES = 200, 1024**2
_SUFFIXES = frozenset({".html", ".htm", ".css", ".js", ".mjs", ".json", ".svg"})


class Sources:
    """The text files of a project below `root`; `entry` comes first."""

    def __init__(self, root: Path, entry: str) -> None:
        self._root, self._entry = root, entry

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """The files that are searched."""
        return tuple(self._read())

    def _read(self) -> Iterator[SourceFile]:
        paths = (path for path in sorted(self._root.rglob("*")) if path.suffix.lower() in _SUFFIXES and path.is_file())
        names = [path.relative_to(self._root).as_posix() for _, path in zip(range(_MAX_FILES), paths, strict=False)]
        for name in sorted(names, key=lambda name: name != self._entry):
            path = self._root / name
            if path.stat().st_size <= _MAX_BYTES and "node_modules" not in path.parts:
                yield SourceFile(name, path.read_text("utf-8-sig", errors="replace"))

    def find(self, pattern: str) -> tuple[SourceFile, re.Match[str]] | None:
        """The first match of a regular expression in the files."""
        wanted = re.compile(pattern, re.IGNORECASE)
        for file in self.files:
            if found := wanted.search(file.text):
                return file, found
        return None

    def file(self, name: str) -> SourceFile | None:
        """The file of this name."""
        return next((file for file in self.files if file.name == name), None)

    def problem_at(self, pattern: str, code: str, severity: Severity, message: str, fix: str) -> Problem:
        """A problem at the first match of a regular expression, or without a place."""
        if (found := self.find(pattern)) is None:
            return Problem(code, severity, message, fix)
        file, match = found
        return file.problem(match.start(), code, severity, message, fix)


def problem_of(
    element: Mapping[str, Any],
    code: str,
    severity: Severity,
    message: str,
    fix: str = "",
    *,
    patch: Patch | None = None,
) -> Problem:
    """A problem at an element that browser/js/look.js described."""
    file, line, column = place_of(element)
    return Problem(code, severity, message, fix, file, line, column, str(element["selector"]), patch)


def place_of(element: Mapping[str, Any]) -> tuple[str, int, int]:
    """File, line and column of a described element; ("", 0, 0) if a script made it."""
    parts = str(element["place"]).rsplit(":", 2)
    return (parts[0], int(parts[1]), int(parts[2])) if len(parts) == 3 else ("", 0, 0)


def what(element: Mapping[str, Any]) -> str:
    """What a message calls a described element: its selector, and the text in it."""
    text = str(element.get("content") or element["text"])[:30]
    return f"{element['selector']} ({text})" if text else str(element["selector"])
