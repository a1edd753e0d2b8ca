"""Where the elements of a piece of HTML stand in its text, and edits at those places."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param")
}


@dataclass
class Element:
    """One element: offsets of its start tag, of its content's end and of its own end."""

    name: str
    attributes: dict[str, str]
    start: int
    open_end: int
    close_start: int
    end: int
    parent: Element | None
    #: Names of the elements around it: few, and mostly the same set as its parent's.
    around: frozenset[str]
    #: The line of the text in which its content begins, from 1.
    line: int

    def within(self, name: str) -> bool:
        """Whether an element of that name is around it."""
        return name in self.around

    def holds(self, other: Element) -> bool:
        """Whether `other` stands in its content."""
        return self.open_end <= other.start and other.end <= self.close_start


class _Scanner(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        #: How many elements of each name are open: an end tag of none of them must not look through all.
        self._open_names: Counter[str] = Counter()
        self._length = len(html)
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", html))]
        self.feed(html)
        self.close()
        while self._open:
            self._close_last(self._length, self._length)

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start, tag_text = self._offset(), self.get_starttag_text() or ""
        open_end, line = start + len(tag_text), self.getpos()[0] + tag_text.count("\n")
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")
        element = Element(tag, attributes, start, open_end, open_end, open_end, *self._place(), line)
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)
            self._open_names[tag] += 1

    def _place(self) -> tuple[Element | None, frozenset[str]]:
        if not self._open:
            return None, frozenset()
        parent = self._open[-1]
        return parent, parent.around if parent.name in parent.around else parent.around | {parent.name}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        # "<div/>" opens a div in HTML; only in SVG and MathML it ends there, where nothing follows that matters.
        if tag not in _VOID and (self._open_names["svg"] or self._open_names["math"]):
            self._open_names[self._open.pop().name] -= 1

    def handle_endtag(self, tag: str) -> None:
        if not self._open_names[tag]:
            return
        at = self._offset()
        while self._open[-1].name != tag:
            self._close_last(at, at)
        self._close_last(at, at + len(tag) + len("</>"))

    def _close_last(self, close_start: int, end: int) -> None:
        element = self._open.pop()
        self._open_names[element.name] -= 1
        element.close_start, element.end = close_start, end


def scan(html: str) -> list[Element]:
    """All elements of `html` in document order, those in templates among them."""
    return _Scanner(html).elements


def file_of_host(element: Element) -> str:
    """The file whose sub-composition `element` shows, below the root of the project; "" where it names none."""
    source = element.attributes.get("data-composition-src", "").strip()
    return posixpath.normpath(source.lstrip("/").split("?")[0]) if source else ""


def read_json(text: str) -> object:
    """The JSON that an attribute holds; None where it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@dataclass
class Edits:
    """Replacements in one text, given in any order and not overlapping."""

    text: str
    _edits: list[tuple[int, int, str]] = field(default_factory=list)

    def replace(self, start: int, end: int, new: str) -> None:
        """Put `new` in place of what stands from `start` to `end`."""
        self._edits.append((start, end, new))

    def insert(self, at: int, new: str) -> None:
        """Put `new` before what stands at `at`."""
        self.replace(at, at, new)

    def result(self) -> str:
        """The text with all replacements made."""
        parts, position = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [self.text[position:start], new]
            position = end
        return "".join([*parts, self.text[position:]])


def with_attributes(tag: str, name: str, values: Mapping[str, str | None]) -> str:
    """The start tag `tag` of an element `name` with these attributes set, or removed where the value is None."""
    for attribute in values:
        tag = re.sub(
            rf"""\s{re.escape(attribute)}(\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+))?(?=[\s/>])""",
            "",
            tag,
            flags=re.IGNORECASE,
        )
    at = len("<") + len(name)
    added = "".join(f' {key}="{escape(value)}"' for key, value in values.items() if value is not None)
    return tag[:at] + added + tag[at:]
