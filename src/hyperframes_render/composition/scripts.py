"""Scripts that wait for the fonts: what they measure as they load is what will be drawn.

The official renderer marks the scripts of a page's body so, and the page runtime runs what is marked: in their order,
once the body is there and its fonts are, with the events that scripts wait for as a page loads.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from hyperframes_render.composition.html import Edits, Element, scan, with_attributes

#: Types that the page runtime looks for.
AFTER_FONTS = "text/hf-after-fonts"
AFTER_FONTS_MODULE = f"{AFTER_FONTS}+module"
#: What stands in a head also where no tag says so.
_OF_HEAD = {"html", "head", "title", "meta", "link", "style", "script", "base", "noscript", "template"}
#: The types of classic scripts (WHATWG MIME Sniffing, "JavaScript MIME type"), and none.
CLASSIC_TYPES = {
    "",
    *(f"application/{name}" for name in ("ecmascript", "javascript", "x-ecmascript", "x-javascript")),
    *(f"text/{name}" for name in ("ecmascript", "javascript", "jscript", "livescript", "x-ecmascript", "x-javascript")),
    *(f"text/javascript1.{minor}" for minor in range(6)),
}

#: What errors of a script name as its place: file and line in which it begins, before its own line and column.
PLACE_SCHEME = "composition:"
_NAMED = re.compile(r"^[ \t]*+//[#@] sourceURL=", re.MULTILINE)


def name_place(script: str, file: str, line: int) -> str:
    """`script`, which begins in this line of `file`, with the name of its place; the browser knows none of scripts that
    run late.
    """
    return script if _NAMED.search(script) else f"{script}\n//# sourceURL={PLACE_SCHEME}{quote(file)}@{line}\n"


def delay_until_fonts_load(html: str) -> str:
    """A whole document with the scripts of its body marked, and named as those of the page's own file."""
    edits = Edits(html)
    elements = scan(html)
    begin = _begin_of_body(elements, len(html))
    for element in elements:
        if element.start < begin or element.within("head") or not _mark(element, edits):
            continue
        script = html[element.open_end : element.close_start]
        if "src" not in element.attributes and script.strip():
            edits.replace(element.open_end, element.close_start, name_place(script, "", element.line))
    return edits.result()


def mark_delayed_scripts(html: str) -> str:
    """A piece of a body with its scripts marked."""
    edits = Edits(html)
    for element in scan(html):
        _mark(element, edits)
    return edits.result()


def _mark(element: Element, edits: Edits) -> bool:
    """Mark a script that waits; whether this is one."""
    marked = _marked_type(element)
    if marked is None:
        return False
    tag = edits.text[element.start : element.open_end]
    edits.replace(element.start, element.open_end, with_attributes(tag, "script", {"type": marked}))
    return True


def _begin_of_body(elements: list[Element], end: int) -> int:
    """Where the body begins: at its tag, or at the first element that no head has; `end` where there is neither."""
    return next((e.start for e in elements if e.name not in _OF_HEAD and not e.within("head")), end)


def _marked_type(element: Element) -> str | None:
    if element.name != "script" or any(map(element.within, ("noscript", "svg", "template"))):
        return None
    said = element.attributes.get("type", "").strip().lower()
    if said == "module":
        return AFTER_FONTS_MODULE
    return AFTER_FONTS if said in CLASSIC_TYPES and "nomodule" not in element.attributes else None
