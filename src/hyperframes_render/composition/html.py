"""One HTML text: its elements with their offsets, and the edits that the steps of a compile make at those offsets.

The text is scanned once and never written anew: every edit replaces or inserts text at a known offset, so that what the
author wrote reaches the browser as written.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from html.parser import HTMLParser

_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param")
}


@dataclass
class Element:
    """One element, with the offsets of its start tag, of the end of its content, and of its end."""

    name: str
    attributes: dict[str, str]
    start: int
    open_end: int
    close_start: int
    end: int
    parent: Element | None
    #: Names of the elements that contain it. The set is shared with its parent where it is the same.
    around: frozenset[str]
    #: The line of the text in which its content begins, from 1.
    line: int
    #: Whether it is inside a template, a title or a text area: they do not show their content as markup.
    hidden: bool = False

    def within(self, name: str) -> bool:
        """Whether an element of that name contains it."""
        return name in self.around

    def holds(self, other: Element) -> bool:
        """Whether its content contains `other`."""
        return self.open_end <= other.start and other.end <= self.close_start


#: Elements that do not show their content as markup.
_HIDING = frozenset({"template", "title", "textarea", "xmp"})


class _Scanner(HTMLParser):
    """Collects the elements of a text in one pass."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.doctype_end = 0
        #: The text of the first title element, in pieces; None without one.
        self.title: list[str] | None = None
        self._in_title = False
        self._open: list[Element] = []
        #: The number of open elements by name, for the page and for each open template. It tells at once that an end
        #: tag ends none of them. An end tag never ends an element outside its template (WHATWG HTML, "has an element
        #: in scope").
        self._open_names: list[Counter[str]] = [Counter()]
        self._hiding: list[str] = []
        self._hiding_names: Counter[str] = Counter()
        self._html = html
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", html))]
        self.feed(html)
        self.close()
        while self._open:
            self._close_last(len(html), len(html))

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start, tag_text = self._offset(), self.get_starttag_text() or ""
        open_end, line = start + len(tag_text), self.getpos()[0] + tag_text.count("\n")
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")
        hidden = bool(self._hiding)
        element = Element(tag, attributes, start, open_end, open_end, open_end, *self._place(), line, hidden)
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)
            self._open_names[-1][tag] += 1
        if tag == "template":
            self._open_names.append(Counter())
        if tag in _HIDING:
            self._hiding.append(tag)
            self._hiding_names[tag] += 1
        if tag == "title" and self.title is None:
            self._in_title, self.title = True, []

    def _place(self) -> tuple[Element | None, frozenset[str]]:
        if not self._open:
            return None, frozenset()
        parent = self._open[-1]
        return parent, parent.around if parent.name in parent.around else parent.around | {parent.name}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        # "<div/>" opens a div in HTML; only in SVG and MathML it ends there.
        names = self._open_names[-1]
        if tag not in _VOID and tag != "template" and (names["svg"] or names["math"]):
            names[self._open.pop().name] -= 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._hiding_names[tag]:
            self._close_hiding(tag)
        if not (len(self._open_names) > 1 if tag == "template" else self._open_names[-1][tag]):
            return
        at = self._offset()
        while self._open[-1].name != tag:
            self._close_last(at, at)
        self._close_last(at, self._html.find(">", at) + 1 or len(self._html))

    def _close_hiding(self, tag: str) -> None:
        name = ""
        while name != tag:
            name = self._hiding.pop()
            self._hiding_names[name] -= 1

    def _close_last(self, close_start: int, end: int) -> None:
        element = self._open.pop()
        if element.name == "template":
            self._open_names.pop()
        self._open_names[-1][element.name] -= 1
        element.close_start, element.end = close_start, end

    def handle_data(self, data: str) -> None:
        if self._in_title and self.title is not None:
            self.title.append(data)

    def handle_decl(self, decl: str) -> None:
        if not self.doctype_end:
            self.doctype_end = self._offset() + len(decl) + len("<!>")


class Document:
    """One HTML text, scanned once, and the edits that were made to it so far.

    `elements` are those of the text in its order, the ones in templates among them; their attributes follow the edits.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        scanner = _Scanner(text)
        self.elements = scanner.elements
        self.doctype_end = scanner.doctype_end
        self.title = None if scanner.title is None else "".join(scanner.title)
        #: (start, end, rank among those of one place, new text)
        self._edits: list[tuple[int, int, int, str]] = []
        self._rank = 0

    def first(self, name: str) -> Element | None:
        """The first element of that name."""
        return next((element for element in self.elements if element.name == name), None)

    def tag_of(self, element: Element) -> str:
        """The element's start tag as the author wrote it."""
        return self.text[element.start : element.open_end]

    def content_of(self, element: Element) -> str:
        """The text between the element's tags."""
        return self.text[element.open_end : element.close_start]

    @property
    def head_start(self) -> int:
        """The offset for the first content of the head: after the tag of head, else of html, else after the doctype."""
        place = self.first("head") or self.first("html")
        return place.open_end if place is not None else self.doctype_end

    def replace(self, start: int, end: int, new: str) -> None:
        """Replace the text from `start` to `end` by `new`."""
        self._rank += 1
        self._edits.append((start, end, self._rank, new))

    def replace_all(self, start: int, end: int, new: str) -> None:
        """Replace the text from `start` to `end`, with all edits in it, by `new`."""
        self._edits = [edit for edit in self._edits if not (start <= edit[0] and edit[1] <= end)]
        self.replace(start, end, new)

    def insert(self, at: int, new: str) -> None:
        """Insert `new` at the offset `at`, after earlier insertions there."""
        self.replace(at, at, new)

    def insert_first(self, at: int, new: str) -> None:
        """Insert `new` at the offset `at`, before earlier insertions there."""
        self._rank += 1
        self._edits.append((at, at, -self._rank, new))

    def set_attributes(self, element: Element, values: Mapping[str, str | None]) -> None:
        """Set these attributes of an element. None removes an attribute."""
        tag = self.tag_of(element)
        for name in values:
            for match in attribute_pattern(name).finditer(tag):
                self.replace(element.start + match.start(), element.start + match.end(), "")
        added = "".join(f' {name}="{escape(value)}"' for name, value in values.items() if value is not None)
        self.insert_first(element.start + len("<") + len(element.name), added)
        for name, value in values.items():
            if value is None:
                element.attributes.pop(name, None)
            else:
                element.attributes[name] = value

    @property
    def edited(self) -> bool:
        """Whether there are edits."""
        return bool(self._edits)

    def result(self, start: int = 0, end: int | None = None) -> str:
        """The text from `start` to `end` with the edits in it."""
        parts, position = [], start
        last = len(self.text) if end is None else end
        for begin, to, _, new in sorted(self._edits, key=lambda edit: edit[:3]):
            if start <= begin and to <= last:
                parts += [self.text[position:begin], new]
                position = to
        return "".join([*parts, self.text[position:last]])

    def applied(self) -> Document:
        """The document with its edits made, as a new document."""
        return Document(self.result()) if self._edits else self


def file_of_host(element: Element) -> str:
    """The file of the sub-composition that `element` shows, below the project's root; "" if it names none."""
    source = element.attributes.get("data-composition-src", "").strip()
    return posixpath.normpath(source.lstrip("/").split("?")[0]) if source else ""


def read_json(text: str) -> object:
    """The value of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=256)  # authors may name attributes as they like
def attribute_pattern(name: str) -> re.Pattern[str]:
    """An attribute of this name in a start tag, with its value and the space before it."""
    return re.compile(rf"""\s{re.escape(name)}(\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+))?(?=[\s/>])""", re.IGNORECASE)


def with_attributes(tag: str, name: str, values: Mapping[str, str | None]) -> str:
    """The start tag `tag` of an element `name` with these attributes set. None removes an attribute."""
    for attribute in values:
        tag = attribute_pattern(attribute).sub("", tag)
    at = len("<") + len(name)
    added = "".join(f' {key}="{escape(value)}"' for key, value in values.items() if value is not None)
    return tag[:at] + added + tag[at:]
