"""What a composition's HTML declares, and the few position-exact edits that a render makes to it.

The page is never parsed and written again: every edit replaces or inserts text at a known offset, so that
whatever the author wrote reaches the browser as written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from html.parser import HTMLParser

from hyperframes_render.composition.html import Edits, Element, scan, with_attributes
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import parse_frame_rate

#: The composition id that a page without a composition root gets. The brackets keep it apart from authors' own ids.
PAGE_ID = "(page)"
#: Elements that are no content of a body, wherever they stand.
_NO_CONTENT = frozenset({"base", "link", "meta", "noscript", "script", "style", "template", "title"})
_FRAME = frozenset({"body", "head", "html"})
_LEADING_COMMENTS = r"\s*(?:<!--.*?-->\s*)*"


@dataclass(frozen=True)
class Declared:
    """What the root element of a composition says of itself; None where it says nothing.

    Sizes in CSS pixels, duration in seconds.
    """

    composition_id: str
    #: Whether the page has no composition root, so that its body is the composition.
    rootless: bool = False
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
            f"{name} is not HTML: there is no element in it.",
            "Give the markup of a page, or of a part of one: <h1>Hello</h1> is enough.",
        )
    title = (outline.title or "").strip() or None
    if outline.root is None:
        return _declared_without_root(html, title=title, name=name)
    if "data-requires-webgpu" in outline.root.attributes:
        raise needs_webgpu(name)
    return _declared_by(outline.root.attributes, title=title)


def _declared_without_root(html: str, *, title: str | None, name: str) -> Declared:
    """What a page without a composition root says of its size, frame rate and length: its one outermost element, else
    its body, else its html element. Raises InvalidComposition for a sub-composition's file.
    """
    elements = scan(html)
    if any("data-composition-id" in element.attributes for element in elements if element.within("template")):
        raise InvalidComposition(
            f"{name} is a part: its root stands in a <template>, which no browser shows.",
            "Show it in a page with data-composition-src; the option `composition` then renders it by itself.",
        )
    said: dict[str, str] = {}
    frame = [element for element in elements if element.name in ("html", "body")]
    outermost = outermost_element(elements)
    for element in (*frame, *((outermost,) if outermost else ())):
        attributes = element.attributes
        if element is outermost and is_clip(outermost):
            # A clip's own times are not the page's.
            attributes = {key: value for key, value in attributes.items() if key not in _TIMES}
        said |= attributes
    if "data-requires-webgpu" in said:
        raise needs_webgpu(name)
    return replace(_declared_by({**said, "data-composition-id": PAGE_ID}, title=title), rootless=True)


#: Attributes that say a composition's length on a root, and a clip's on a clip.
_TIMES = ("data-duration", "data-composition-duration")


def outermost_element(elements: Sequence[Element]) -> Element | None:
    """The one element of the body that all others stand in; None where there are several, or none."""
    found = [
        element
        for element in elements
        if element.name not in _NO_CONTENT
        and element.name not in _FRAME
        and not element.within("head")
        and (element.parent is None or element.parent.name in _FRAME)
    ]
    return found[0] if len(found) == 1 else None


def is_clip(element: Element) -> bool:
    """Whether an element is timed by itself: it has the class "clip", or starts later than the page."""
    start = element.attributes.get("data-start", "").strip()
    return "clip" in element.attributes.get("class", "").split() or start not in ("", "0")


def box_of_page(html: str) -> Element | None:
    """The element that is the composition of a page without a root in all but its id: the one outermost element, where
    it says width and height and is no clip. None: the body is the composition.
    """
    outermost = outermost_element(scan(html))
    if outermost is None or is_clip(outermost):
        return None
    sizes = (leading_integer(outermost.attributes.get(name, "")) for name in ("data-width", "data-height"))
    return outermost if all(sizes) else None


def without_outer_template(html: str) -> str:
    """`html` without a <template> that stands around all of it, which no browser would show; offsets stay as they are.

    A sub-composition's file, whose template holds a composition root, is left as it is.
    """
    if re.match(rf"{_LEADING_COMMENTS}<template\b", html, re.IGNORECASE | re.DOTALL) is None:
        return html
    elements = scan(html)
    template = elements[0] if elements else None
    if template is None or html[template.end :].strip():
        return html
    if any("data-composition-id" in element.attributes for element in elements):
        return html
    edits = Edits(html)
    for start, end in ((template.start, template.open_end), (template.close_start, template.end)):
        edits.replace(start, end, " " * (end - start))
    return edits.result()


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


def _declared_by(attributes: Mapping[str, str], *, title: str | None) -> Declared:
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


def as_document(html: str, *, rootless: bool = False) -> str:
    """`html` itself where it begins as a document does, else as the body of one: black, without margins, in Inter.

    A page without a composition root looks as in a browser: it gets a doctype, and a head for its fonts, and no style.
    """
    if rootless:
        return _with_head(html)
    if re.match(r"\s*<(!doctype\s+html|html)", html, re.IGNORECASE):
        return html
    # The body's own style wins over the markup's rules, as it does there.
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_FRAGMENT_STYLE}</style></head>'
        f'<body style="margin:0;overflow:hidden">{html}'
    )


def _with_head(html: str) -> str:
    if not re.match(rf"{_LEADING_COMMENTS}<(!doctype\s+html|html)", html, re.IGNORECASE | re.DOTALL):
        html = f"<!doctype html>{html}"
    outline = _OutlineParser(html).outline
    if outline.head_end is not None:
        return html
    # What belongs in a head and follows it is moved into it by the browser.
    position = outline.html_end or outline.doctype_end
    return f"{html[:position]}<head></head>{html[position:]}"


def with_page_root(html: str) -> str:
    """A page without a composition root whose outermost element is the root in all but its id, with that id. Where the
    body is to be the root, the page's own scripts of the renderer make it that: a body need not have a tag.
    """
    box = box_of_page(html)
    if box is None:
        return html
    tag = with_attributes(html[box.start : box.open_end], box.name, {"data-composition-id": PAGE_ID})
    return html[: box.start] + tag + html[box.open_end :]


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
