"""Where a page names font families: style sheets, attributes, links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from typing import NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from hyperframes_render.composition.fonts.catalogue import bundled_catalogue
from hyperframes_render.composition.fonts.sheets import (
    OF_INTEREST,
    Declaration,
    Edit,
    FaceRule,
    Sheet,
    apply_edits,
    read_css,
    read_inline_style,
)
from hyperframes_render.composition.html import Document, Element
from hyperframes_render.packages.font_hosts import LinkedFamily, is_font_sheet, linked_families

TEXT_RENDERING_MARK = "data-hyperframes-text-rendering"


@dataclass
class DeclaredFamily:
    """A family the page itself declares; without rules when it only links to a font service."""

    family: str
    rules: list[FaceRule] = field(default_factory=list)


def spelling(family: str) -> str:
    return re.sub(r"[\s_+-]+", "", family.lower())


class Attribute(NamedTuple):
    """The value of an attribute, where it stands in the page, quotes included, and the value itself."""

    start: int
    end: int
    value: str

    def edit(self, html: str, changes: Iterable[Edit]) -> Edit:
        changes = list(changes)
        raw = html[self.start : self.end]
        quote = raw[0] if raw[:1] in ("'", '"') else ""
        if quote and raw == f"{quote}{self.value}{quote}":
            return Edit(self.start, self.end, f"{quote}{apply_edits(self.value, changes)}{quote}")
        return Edit(self.start, self.end, f'"{escape(apply_edits(self.value, changes))}"')


class Surface(NamedTuple):
    """A declaration and what its offsets count from: a place in the page, or the value of an attribute."""

    declaration: Declaration
    where: int | Attribute


@dataclass
class Page:
    surfaces: list[Surface] = field(default_factory=list)
    head_end: int | None = None
    stylesheet_end: int | None = None
    has_text_rendering: bool = False
    plain_sheets: list[Sheet] = field(default_factory=list)
    plain_links: list[str] = field(default_factory=list)
    #: Family lists in `font` shorthands.
    shorthands: list[str] = field(default_factory=list)
    #: Style sheets that the official renderer does not read: in templates, or with a syntax error.
    unread_sheets: list[str] = field(default_factory=list)


_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>][^\s>]*))?""")


_OPAQUE = frozenset({"template", "title", "textarea", "xmp"})


def read_page(document: Document) -> Page:
    """Where families are named in a document; in templates and raw text never."""
    page = Page()
    of_attributes: list[Surface] = []
    of_data: list[Surface] = []
    for element in document.elements:
        if element.hidden or element.name in _OPAQUE:
            if element.name == "style" and element.within("template"):
                page.unread_sheets.append(document.content_of(element))
            continue
        if _names_family(element, document):
            _read_attributes(page, element, document.tag_of(element), of_attributes, of_data)
        if element.name == "head":
            page.head_end = page.head_end or element.open_end
        elif element.name == "style":
            page.has_text_rendering = page.has_text_rendering or TEXT_RENDERING_MARK in element.attributes
            _read_style(page, element, document)
        elif element.name == "link":
            _read_link(page, element)
    page.surfaces += of_attributes + of_data
    return page


def _read_link(page: Page, element: Element) -> None:
    rel = element.attributes.get("rel", "").lower().split()
    if "stylesheet" in rel:
        page.stylesheet_end = element.open_end
        if "alternate" not in rel and _is_unconditional(element.attributes):
            page.plain_links.append(element.attributes.get("href", ""))


def _read_style(page: Page, element: Element, document: Document) -> None:
    page.stylesheet_end = element.end
    css = document.content_of(element)
    sheet = read_css(css)
    if sheet is None:
        page.unread_sheets.append(css)
    else:
        page.surfaces += [Surface(declaration, element.open_end) for declaration in sheet.declarations]
        page.shorthands += sheet.shorthands
        if _is_unconditional(element.attributes):
            page.plain_sheets.append(sheet)


def _read_attributes(
    page: Page, element: Element, tag: str, of_attributes: list[Surface], of_data: list[Surface]
) -> None:
    for match in _ATTRIBUTE.finditer(tag):
        raw = match[2]
        if match[1] not in ("style", "data-font-family") or not raw:
            continue
        value = unescape(raw[1:-1] if raw[0] in "\"'" else raw)
        attribute = Attribute(element.start + match.start(2), element.start + match.end(2), value)
        if match[1] == "style":
            sheet = read_inline_style(value)
            of_attributes += [Surface(item, attribute) for item in sheet.declarations]
            page.shorthands += sheet.shorthands
        else:
            of_data.append(Surface(Declaration("font-family", value, 0), attribute))


def _names_family(element: Element, document: Document) -> bool:
    """Whether an attribute of the element may name a font family."""
    attributes = element.attributes
    if "data-font-family" in attributes:
        return True
    if "style" not in attributes:
        return False
    # Of an attribute that stands twice, the dictionary has the first alone.
    return OF_INTEREST.search(attributes["style"]) is not None or document.tag_of(element).count("style") > 1


def _is_unconditional(attributes: Mapping[str, str]) -> bool:
    return (
        attributes.get("media", "").strip().lower() in ("", "all")
        and attributes.get("type", "").strip().lower() in ("", "text/css")
        and not attributes.get("title", "").strip()
        and "disabled" not in attributes
    )


def declared_families(page: Page) -> dict[str, list[DeclaredFamily]]:
    """The families that the page brings along unconditionally, by @font-face or a link to Google Fonts, by spelling."""
    declared: dict[str, DeclaredFamily] = {}
    for sheet in page.plain_sheets:
        for url in sheet.imports:
            for family in _google_families(url):
                declared.setdefault(family.lower(), DeclaredFamily(family))
        for rule in sheet.faces:
            declared.setdefault(rule.family.lower(), DeclaredFamily(rule.family)).rules.append(rule)
    for url in page.plain_links:
        for family in _google_families(url):
            declared.setdefault(family.lower(), DeclaredFamily(family))
    spellings: dict[str, list[DeclaredFamily]] = {}
    for key, entry in declared.items():
        if key not in bundled_catalogue().generic and spelling(key):
            spellings.setdefault(spelling(key), []).append(entry)
    return spellings


def families_of_links(page: Page) -> dict[str, LinkedFamily]:
    """What the page's unconditional links and imports name of families of font hosts, by lower-case family."""
    found: dict[str, LinkedFamily] = {}
    for url in (*page.plain_links, *(url for sheet in page.plain_sheets for url in sheet.imports)):
        try:
            address = urljoin("https://document.invalid/", url.strip())
            families = linked_families(address)[0] if is_font_sheet(address) else {}
        except ValueError:
            continue
        for family, linked in families.items():
            known = found.setdefault(family.lower(), LinkedFamily())
            known.faces |= linked.faces
            known.axes |= linked.axes
    return found


def _google_families(url: str) -> list[str]:
    try:
        parts = urlsplit(urljoin("https://document.invalid/", url.strip()))
    except ValueError:
        return []
    if parts.hostname != "fonts.googleapis.com" or parts.path not in ("/css", "/css2"):
        return []
    entries = (entry for value in parse_qs(parts.query).get("family", []) for entry in value.split("|"))
    return [name for entry in entries if (name := entry.split(":")[0].strip())]
