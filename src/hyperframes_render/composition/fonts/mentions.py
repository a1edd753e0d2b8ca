"""Font families that a page names where the official renderer does not look.

These are the `font` shorthand, linked style sheets of the project, style sheets with a syntax error, templates, SVG
attributes, custom properties, classes of Tailwind, and scripts. In CSS every family counts, as in a font-family
declaration. In scripts and classes, a text may be anything: a family counts only if the renderer has it by this name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hyperframes_render.composition.css import without_comments
from hyperframes_render.composition.fonts.catalogue import bundled_catalogue
from hyperframes_render.composition.fonts.families import families_with_faces
from hyperframes_render.composition.fonts.files import ProjectTexts
from hyperframes_render.composition.fonts.page import Page
from hyperframes_render.composition.fonts.sheets import (
    OF_INTEREST,
    Declaration,
    families_of_shorthand,
    read_css,
    read_inline_style,
    split_families,
    unquoted,
)
from hyperframes_render.composition.html import Document, Element
from hyperframes_render.packages.fonts import is_packaged

#: Characters of a value or string that is searched for families.
_MAX_LIST = 300
_FAMILY_VALUE = re.compile(r"""font-?family["']?\s*+[:=]\s*+([^;{}<>\n]{1,300})""", re.IGNORECASE)
_FONT_VALUE = re.compile(r"""\bfont["']?\s*+[:=]\s*+([^;{}<>\n]{1,300})""", re.IGNORECASE)
_STRING = re.compile(r""""([^"\\\n]{2,300})"|'([^'\\\n]{2,300})'|`([^`\\\n]{2,300})`""")
_SCRIPT_FACE = re.compile(r"""new\s+FontFace\s*\(\s*(["'`])([^"'`\n]{1,100})\1""")
#: A class of Tailwind that sets a family: font-['Open_Sans'], md:font-[Lora], font-[family-name:'Lora'].
_TAILWIND = re.compile(r"""(?:^|[\s:])font-\[(?:family-name:)?["']?([A-Za-z][^\]"'\s]{1,80})""")
#: The beginning of a string that follows a size: `"700 " + size + "px Lato"`.
_UNIT = re.compile(r"\A\s*(?:px|pt|r?em|v[wh])\s+")


@dataclass
class Mentions:
    """Families that are named in such places."""

    #: Family lists and custom properties of CSS.
    declarations: list[Declaration] = field(default_factory=list)
    #: Strings and values that may be a family, a family list, or a `font` shorthand.
    candidates: list[str] = field(default_factory=list)
    #: Families with a face of the page's own, by lower-case name.
    faces: set[str] = field(default_factory=set)
    #: The texts of the project's files.
    texts: list[str] = field(default_factory=list)

    def known_families(self, packages: Path) -> Iterator[str]:
        """The families among the candidates that are bundled under their own name, or come as a package."""
        for candidate in dict.fromkeys(self.candidates):
            for name in _names(candidate):
                plain = name.lower() in bundled_catalogue().bundled or is_packaged(name, packages)
                if plain and (name[:1].isupper() or name != candidate):
                    yield name


def read_mentions(document: Document, page: Page, files: ProjectTexts, also_shown: str) -> Mentions:
    """Search the page, the text files of the project that it uses, and the values of its variables."""
    found = Mentions(texts=list(files.texts.values()))
    for css in page.unread_sheets:
        _read_sheet(found, css)
    for css in files.of_type(".css"):
        found.faces |= families_with_faces(css)
        _read_sheet(found, css)
    _add_shorthands(found, page.shorthands)
    _read_elements(found, document.elements)
    scripts = [document.content_of(element) for element in document.elements if element.name == "script"]
    scripts += [*files.of_type("js", ".json", ".html", ".htm", ".svg"), also_shown]
    # One script may hold the name, and another one set the font.
    if any("font" in script.lower() for script in scripts):
        for script in scripts:
            _read_script(found, script)
    own = [surface.declaration for surface in page.surfaces]
    found.candidates += [item.value for item in (*own, *found.declarations) if not item.is_family_list]
    return found


def _read_sheet(found: Mentions, css: str) -> None:
    if not OF_INTEREST.search(css):
        return
    sheet = read_css(css)
    if sheet is not None:
        found.declarations += sheet.declarations
        _add_shorthands(found, sheet.shorthands)
        return
    # A browser goes on after a syntax error.
    plain = without_comments(css)
    found.declarations += [Declaration("font-family", value.strip(), 0) for value in _FAMILY_VALUE.findall(plain)]
    _add_shorthands(found, filter(None, map(families_of_shorthand, _FONT_VALUE.findall(plain))))


def _add_shorthands(found: Mentions, lists: Iterable[str]) -> None:
    found.declarations += [Declaration("font-family", families, 0) for families in dict.fromkeys(lists)]


def _read_elements(found: Mentions, elements: Iterable[Element]) -> None:
    styles: dict[str, None] = {}
    for element in elements:
        if element.within("title") or element.within("textarea") or element.within("xmp"):
            continue
        attributes = element.attributes
        if "style" in attributes and OF_INTEREST.search(attributes["style"]):
            styles[attributes["style"]] = None
        found.candidates += [name.replace("_", " ") for name in _TAILWIND.findall(attributes.get("class", ""))]
        named = [attributes.get("font-family", ""), attributes.get("face", "") if element.name == "font" else ""]
        found.declarations += [Declaration("font-family", value, 0) for value in named if value]
        for name, value in attributes.items():
            if name == "data-composition-variables":
                _read_script(found, value)
            elif name.startswith("data-") and "font" in name and len(value) <= _MAX_LIST:
                found.candidates.append(value)
    for style in styles:
        sheet = read_inline_style(style)
        found.declarations += sheet.declarations
        _add_shorthands(found, sheet.shorthands)


def _read_script(found: Mentions, text: str) -> None:
    found.faces |= {name.lower() for _, name in _SCRIPT_FACE.findall(text)}
    for pattern in (_FAMILY_VALUE, _FONT_VALUE):
        found.candidates += map(_without_end, pattern.findall(text))
    found.candidates += ["".join(groups) for groups in _STRING.findall(text)]


def _without_end(value: str) -> str:
    """A value in a script up to the quote that ends it."""
    value = value.strip()
    quote = value[:1]
    return value[1:].partition(quote)[0] if quote in ("'", '"', "`") and quote else re.split(r"[\"`]", value)[0]


def _names(candidate: str) -> Iterator[str]:
    candidate = _UNIT.sub("", candidate)
    families = families_of_shorthand(candidate)
    for name in split_families(candidate if families is None else families):
        yield unquoted(name)
