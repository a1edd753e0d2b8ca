"""What a composition's HTML declares, and the few position-exact edits that a render makes to it.

The page is never parsed and written again: every edit replaces or inserts text at a known offset, so that
whatever the author wrote reaches the browser as written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from html.parser import HTMLParser

from hyperframes_render.composition.markup import with_attributes
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.task import parse_frame_rate


@dataclass(frozen=True)
class Declared:
    """What the root element of a composition says of itself; None where it says nothing.

    Sizes in CSS pixels, duration in seconds.
    """

    composition_id: str
    width: int | None = None
    height: int | None = None
    fps: Fraction | None = None
    duration: float | None = None
    title: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass
class _Tag:
    start: int
    end: int
    name: str
    attributes: dict[str, str]


@dataclass
class _Outline:
    root: _Tag | None = None
    head_end: int | None = None
    html_end: int | None = None
    doctype_end: int = 0
    title: str | None = None
    tags: int = 0


class _OutlineParser(HTMLParser):
    """One pass over the text that remembers where the few interesting tags stand."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.outline = _Outline()
        self._template_depth = 0
        self._in_title = False
        #: In pieces: a text that grows by each of a hundred thousand is copied as often.
        self._title: list[str] = []
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", html))]
        self.feed(html)
        self.close()
        if self.outline.title is not None:
            self.outline.title = "".join(self._title)

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text() or ""
        start = self._offset()
        found = _Tag(start, start + len(text), tag, {})
        for name, value in attrs:
            found.attributes.setdefault(name, value or "")
        outline = self.outline
        outline.tags += 1
        if tag == "head" and outline.head_end is None:
            outline.head_end = found.end
        elif tag == "html" and outline.html_end is None:
            outline.html_end = found.end
        elif tag == "title" and outline.title is None:
            self._in_title = True
            outline.title = ""
        elif tag == "template":
            self._template_depth += 1
        if "data-composition-id" in found.attributes and outline.root is None and not self._template_depth:
            outline.root = found

    def handle_endtag(self, tag: str) -> None:
        if tag == "template" and self._template_depth:
            self._template_depth -= 1
        elif tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)

    def handle_decl(self, decl: str) -> None:
        if not self.outline.doctype_end:
            self.outline.doctype_end = self._offset() + len(decl) + len("<!>")


def read_declared(html: str, *, name: str) -> Declared:
    """Read what the composition root in `html` declares.

    `name` is what the error calls the file. Raises InvalidComposition where there is no root.
    A value that cannot be read is left out, with a warning.
    """
    if not html.strip():
        raise InvalidComposition(
            f"{name} is empty: there is no composition in it.",
            'Give an HTML file with a root element that has a "data-composition-id" attribute.',
        )
    outline = _OutlineParser(html).outline
    if outline.tags == 0:
        raise InvalidComposition(
            f"{name} is not HTML: there is no composition in it.",
            'Give an HTML file with a root element that has a "data-composition-id" attribute.',
        )
    if outline.root is None and re.search(r"<template\b", html, re.IGNORECASE) and "data-composition-id" in html:
        raise InvalidComposition(
            f"{name} is a part: its root stands in a <template>, which no browser shows.",
            "Show it in a page with data-composition-src; the option `composition` then renders it by itself.",
        )
    if outline.root is None:
        raise InvalidComposition(
            f"{name} has no composition root.",
            'Give the outermost element of the composition a "data-composition-id" attribute.',
        )
    if "data-requires-webgpu" in outline.root.attributes:
        raise needs_webgpu(name)
    return _declared_by(outline.root, title=(outline.title or "").strip() or None)


def needs_webgpu(name: str) -> InvalidComposition:
    """The error for a composition that says that it needs WebGPU; the official renderer refuses it alike."""
    return InvalidComposition(
        f"{name} says that it needs WebGPU (data-requires-webgpu), which there is not without a graphics processor.",
        "WebGL and HTML in canvases work: take effects that use them.",
    )


def leading_integer(text: str) -> int | None:
    """The integer of at most nine digits that `text` begins with, as the official renderer reads sizes: 1080 of
    "1080px". None where there is none, or a sign.
    """
    found = re.match(r"\s*(\d{1,9})(?!\d)", text, re.ASCII)
    return int(found[1]) if found else None


def _declared_by(root: _Tag, *, title: str | None) -> Declared:
    attributes = root.attributes
    warnings: list[str] = []

    def number(name: str) -> float | None:
        text = attributes.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value <= 0:
            warnings.append(f'The root declares {name}="{text}", which is not a positive number: ignored.')
            return None
        return value

    def size(name: str) -> int | None:
        text = attributes.get(name)
        value = None if text is None else leading_integer(text)
        if text is not None and not value:
            warnings.append(f'The root declares {name}="{text}", which is not a positive number: ignored.')
        return value or None

    width, height = size("data-width"), size("data-height")
    fps = None
    if "data-fps" in attributes:
        try:
            fps = parse_frame_rate(attributes["data-fps"])
        except ValueError:
            warnings.append(f'The root declares data-fps="{attributes["data-fps"]}", which is no frame rate: ignored.')
    duration = number("data-duration")
    if duration is None:
        duration = number("data-composition-duration")
    return Declared(
        composition_id=attributes["data-composition-id"],
        width=width,
        height=height,
        fps=fps,
        duration=duration,
        title=title,
        warnings=tuple(warnings),
    )


#: What the official renderer (0.8.170) puts around markup that is no whole document.
_FRAGMENT_STYLE = (
    "*{margin:0;padding:0;box-sizing:border-box}body{overflow:hidden;background:#000;font-family:Inter,sans-serif}"
)


def as_document(html: str) -> str:
    """`html` itself where it begins as a document does, else as the body of one: black, without margins, in Inter."""
    if re.match(r"\s*<(!doctype\s+html|html)", html, re.IGNORECASE):
        return html
    # The body's own style wins over the markup's rules, as it does there.
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_FRAGMENT_STYLE}</style></head>'
        f'<body style="margin:0;overflow:hidden">{html}'
    )


def with_root_attributes(html: str, values: Mapping[str, str]) -> str:
    """`html` with these attributes set on the composition root, in place of what it says there."""
    root = _OutlineParser(html).outline.root
    if root is None:
        return html
    tag = with_attributes(html[root.start : root.end], root.name, values)
    return html[: root.start] + tag + html[root.end :]


def with_head_start(html: str, snippet: str) -> str:
    """`html` with `snippet` as the first thing in its head, before any script of the author's."""
    outline = _OutlineParser(html).outline
    position = outline.head_end or outline.html_end or outline.doctype_end
    return html[:position] + snippet + html[position:]
