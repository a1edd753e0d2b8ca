"""What a page declares of itself: its root, size, frame rate and length."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hyperframes_render.composition.html import Document, Element
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import parse_frame_rate

#: The composition id that a page without a composition root gets. The brackets keep it apart from authors' own ids.
PAGE_ID = "(page)"
#: Elements that show nothing in a body.
_NO_CONTENT = frozenset({"base", "link", "meta", "noscript", "script", "style", "template", "title"})
_FRAME = frozenset({"body", "head", "html"})


@dataclass(frozen=True)
class Declared:
    """What the root element of a composition declares; None for what it does not declare.

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


def read_declared(document: Document, *, name: str) -> Declared:
    """Read what the composition root in `document` declares, or what a page without one says of itself.

    `name` is what errors call the file. A value that cannot be read is left out, with a warning.
    Raises InvalidComposition where there is no element, where the page is a sub-composition's file, or needs WebGPU.
    """
    if not document.text.strip():
        raise InvalidComposition(
            f"{name} is empty: there is no composition in it.",
            'Give an HTML file with a root element that has a "data-composition-id" attribute.',
        )
    if not document.elements:
        raise InvalidComposition(
            f"{name} is not HTML: there is no element in it.",
            "Give the markup of a page, or of a part of one: <h1>Hello</h1> is enough.",
        )
    title = (document.title or "").strip() or None
    root = root_of(document)
    if root is None:
        return _declared_without_root(document, title=title, name=name)
    if "data-requires-webgpu" in root.attributes:
        raise needs_webgpu(name)
    return _declared_by(root.attributes, title=title)


def root_of(document: Document) -> Element | None:
    """The composition's root: the first element with a data-composition-id outside of templates."""
    compositions = (element for element in document.elements if "data-composition-id" in element.attributes)
    return next((element for element in compositions if not element.within("template")), None)


def _declared_without_root(document: Document, *, title: str | None, name: str) -> Declared:
    """What a page without a composition root declares: by its one outermost element, else
    its body, else its html element. Raises InvalidComposition for a sub-composition's file.
    """
    elements = document.elements
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
    """The one element of the body that contains all others; None if there are several, or none."""
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


def box_of_page(document: Document) -> Element | None:
    """The element that is the composition of a page without a root in all but its id: the one outermost element, where
    it says width and height and is no clip. None: the body is the composition.
    """
    outermost = outermost_element(document.elements)
    if outermost is None or is_clip(outermost):
        return None
    sizes = (leading_integer(outermost.attributes.get(name, "")) for name in ("data-width", "data-height"))
    return outermost if all(sizes) else None


def needs_webgpu(name: str) -> InvalidComposition:
    """The error for a composition that declares that it needs WebGPU. The official renderer refuses it, too."""
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
