"""One text file of a project: its elements if it is HTML, and the line and column of each offset."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from pathlib import PurePosixPath

from hyperframes_render.composition.html import Document, Element
from hyperframes_render.problems import Patch, Problem, Severity


class SourceFile:
    """A text file. `name` is its path below the project's folder."""

    def __init__(self, name: str, text: str, document: Document | None = None) -> None:
        self.name, self.text, self._scanned = name, text, document
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    @cached_property
    def document(self) -> Document:
        """The file as HTML."""
        return self._scanned or Document(self.text)

    @property
    def is_html(self) -> bool:
        """Whether the file's name says that it is HTML."""
        return PurePosixPath(self.name).suffix.lower() in (".html", ".htm")

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, both from 1."""
        return self._line_starts[min(line, len(self._line_starts)) - 1] + column - 1

    def problem(
        self,
        offset: int,
        code: str,
        severity: Severity,
        message: str,
        fix: str = "",
        *,
        element: Element | None = None,
        patch: tuple[int, int, str] | None = None,
    ) -> Problem:
        """A fault at an offset. `patch` is (start, end, new text)."""
        line, column = self.place(offset)
        made = Patch(self.name, *patch) if patch else None
        return Problem(code, severity, message, fix, self.name, line, column, selector_of(element), made)

    def attribute_offset(self, element: Element, name: str) -> int:
        """Where an attribute of an element begins; the element's start if it is not found."""
        found = re.search(rf"(?<=\s){re.escape(name)}(?=[\s=/>])", self.document.tag_of(element), re.IGNORECASE)
        return element.start + found.start() if found else element.start

    def value_range(self, element: Element, name: str) -> tuple[int, int] | None:
        """The offsets of an attribute's value, without quotes."""
        tag = self.document.tag_of(element)
        found = re.search(rf"""(?<=\s){re.escape(name)}\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", tag, re.IGNORECASE)
        if not found:
            return None
        start, end = (element.start + at for at in found.span(1))
        return (start + 1, end - 1) if found[1][0] in "\"'" else (start, end)


def selector_of(element: Element | None) -> str:
    """A CSS selector that names the element, as far as its attributes allow."""
    if element is None:
        return ""
    if element.attributes.get("id"):
        return f"#{element.attributes['id']}"
    if element.attributes.get("data-composition-id"):
        return f'[data-composition-id="{element.attributes["data-composition-id"]}"]'
    return element.name
