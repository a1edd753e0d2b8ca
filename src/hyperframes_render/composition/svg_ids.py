"""Names of gradients, clips, symbols and their like in a sub-composition: in a page `url(#paint)` finds the first one,
which may be another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hyperframes_render.composition.html import Element

#: A reference by address, up to the name and with it.
_ADDRESS = re.compile(r"""(url\(\s*+["']?+#)([^"')\s]++)""", re.IGNORECASE)
_LINKS = ("href", "xlink:href")
_OF_NAMES = re.compile(r"[^A-Za-z0-9_-]")


def own_svg_ids(elements: Iterable[Element], css: str, part: str, taken: set[str]) -> dict[str, str]:
    """New names for what a part's SVG refers to by an id that something else in the page has: old to new.

    `part` is the part's own name in the page. All its ids are added to `taken`, as they will be.
    """
    elements = list(elements)
    names = {e.attributes["id"] for e in elements if e.attributes.get("id") and (e.name == "svg" or e.within("svg"))}
    referred = {name for e in elements for name in _referred(e)}
    referred.update(match[2] for match in _ADDRESS.finditer(css))
    renamed = {}
    for name in sorted(names & referred & taken):
        new = base = f"{_OF_NAMES.sub('-', part)}--{name}"
        number = 2
        while new in taken:
            new, number = f"{base}-{number}", number + 1
        taken.add(new)
        renamed[name] = new
    taken.update(e.attributes["id"] for e in elements if e.attributes.get("id"))
    return renamed


def _referred(element: Element) -> Iterable[str]:
    for name, value in element.attributes.items():
        if name in _LINKS and value.startswith("#"):
            yield value[1:]
        elif "#" in value:
            yield from (match[2] for match in _ADDRESS.finditer(value))


def with_new_names(text: str, renamed: Mapping[str, str]) -> str:
    """A style sheet or an attribute's value with its addresses changed."""
    return _ADDRESS.sub(lambda match: match[1] + renamed.get(match[2], match[2]), text)


def _link_with_new_name(value: str, renamed: Mapping[str, str]) -> str:
    """The value of a link with a new name where it is one of a name in the page."""
    return f"#{renamed[value[1:]]}" if value[:1] == "#" and value[1:] in renamed else value


def changed_attributes(element: Element, renamed: Mapping[str, str]) -> dict[str, str]:
    """An element's attributes that have or refer to a name that is new, as they become; not its id."""
    changed = {}
    for name, value in element.attributes.items():
        new = _link_with_new_name(value, renamed) if name in _LINKS else with_new_names(value, renamed)
        if new != value:
            changed[name] = new
    return changed
