"""Scripts that wait for the fonts, so that they measure text as it will be drawn.

The official renderer marks the scripts of a page's body so, and the page runtime runs what is marked: in their order,
once the body is there and its fonts are, with the events that scripts wait for as a page loads.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from hyperframes_render.composition.html import Document, Element

#: Types that the page runtime looks for.
AFTER_FONTS = "text/hf-after-fonts"
AFTER_FONTS_MODULE = f"{AFTER_FONTS}+module"
#: Elements that the browser puts into the head without a head tag.
_OF_HEAD = {"html", "head", "title", "meta", "link", "style", "script", "base", "noscript", "template"}
#: The types of classic scripts (WHATWG MIME Sniffing, "JavaScript MIME type"), and none.
CLASSIC_TYPES = {
    "",
    *(f"application/{name}" for name in ("ecmascript", "javascript", "x-ecmascript", "x-javascript")),
    *(f"text/{name}" for name in ("ecmascript", "javascript", "jscript", "livescript", "x-ecmascript", "x-javascript")),
    *(f"text/javascript1.{minor}" for minor in range(6)),
}

#: The scheme of the place that errors of a script name: the file and the line in which the script begins.
PLACE_SCHEME = "composition:"
_NAMED = re.compile(r"^[ \t]*+//[#@] sourceURL=", re.MULTILINE)


def name_place(script: str, file: str, line: int) -> str:
    """`script` with a comment that gives the browser its file and first line, for error messages.

    The comment is the first line, so that it is known where the script does not parse.
    """
    return script if _NAMED.search(script) else f"//# sourceURL={PLACE_SCHEME}{quote(file)}@{line - 1}\n{script}"


def delay_until_fonts_load(document: Document) -> None:
    """Mark the scripts of a whole document's body, and name them as those of the page's own file."""
    begin = _begin_of_body(document)
    for element in document.elements:
        if element.start < begin or element.within("head"):
            continue
        marked = _marked_type(element)
        if marked is None:
            continue
        script = document.content_of(element)
        if "src" not in element.attributes and script.strip():
            document.replace(element.open_end, element.close_start, name_place(script, "", element.line))
        document.set_attributes(element, {"type": marked})


def delayed_type(kind: str) -> str:
    """The type of a script that waits, for a script of the type `kind`."""
    return AFTER_FONTS_MODULE if kind == "module" else AFTER_FONTS


def _begin_of_body(document: Document) -> int:
    """The offset of the body: of its tag, or of the first element that cannot be in a head, or of the end."""
    found = (e.start for e in document.elements if e.name not in _OF_HEAD and not e.within("head"))
    return next(found, len(document.text))


def _marked_type(element: Element) -> str | None:
    if element.name != "script" or any(map(element.within, ("noscript", "svg", "template"))):
        return None
    said = element.attributes.get("type", "").strip().lower()
    waits = said == "module" or (said in CLASSIC_TYPES and "nomodule" not in element.attributes)
    return delayed_type(said) if waits else None
