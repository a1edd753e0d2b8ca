"""Marks on elements that say where they stand in the author's files, for `check`.

A mark is an attribute. browser/js/marks.js takes it off each element before any script of the page runs, so that the
page is the same as without marks.
"""

from __future__ import annotations

from html import escape

from hyperframes_render.composition.html import Document

MARK = "data-hyperframes-render-place"
#: Elements that show nothing, or that scripts of the renderer rewrite.
_UNMARKED = frozenset({"html", "head", "base", "link", "meta", "noscript", "script", "style", "template", "title"})


def with_marks(text: str, file: str) -> str:
    """The HTML `text` of `file` with a mark, "file:line:column", on each element that can show something."""
    document = Document(text)
    name = escape(file)
    line, line_start, position = 1, 0, 0
    for element in sorted(document.elements, key=lambda element: element.start):
        if (breaks := text.count("\n", position, element.start)) > 0:
            line, line_start = line + breaks, text.rfind("\n", position, element.start) + 1
        position = element.start
        if element.name in _UNMARKED or element.within("head") or element.within("svg"):
            continue
        place = f"{name}:{line}:{element.start - line_start + 1}"
        document.insert(element.start + len("<") + len(element.name), f' {MARK}="{place}"')
    return document.result()
