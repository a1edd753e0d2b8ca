"""Which font file stands behind every font-family a composition names.

A picture must not hang on the fonts of the machine that draws it. So a list that begins with a generic family
gets the primary bundled family put before it, and every bundled family (or well-known name that one stands for)
that the page asks for gets @font-face rules. So does any other family that comes as a package: the official renderer
has it from a font host, where that can be reached. What counts as asking is deliberately narrow, because the official
renderer is: `font-family` declarations and custom properties in style elements and style attributes, and the
data-font-family attribute. The `font` shorthand, SVG attributes, scripts, templates and linked stylesheets do not
count, and a style sheet with a syntax error is left alone as a whole.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from html import escape, unescape
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

from hyperframes_render.composition.css import Kind, tokens, with_blank_comments
from hyperframes_render.composition.html import Document, Element
from hyperframes_render.packages.fonts import is_carried, letters_of, named_family_rules

_TEXT_RENDERING_MARK = "data-hyperframes-text-rendering"
_FONTS_MARK = "data-hyperframes-deterministic-fonts"
_TEXT_RENDERING_STYLE = f"<style {_TEXT_RENDERING_MARK}>html,body,*{{text-rendering:geometricPrecision}}</style>"


@dataclass(frozen=True)
class FontFace:
    """One @font-face rule we wrote: the family as the page names it, and the file behind it."""

    family: str
    weight: int
    style: str
    file: str


@dataclass(frozen=True)
class FontWarning:
    """A family the page asks for and does not get as asked."""

    family: str
    fallback: str
    reason: str

    def __str__(self) -> str:
        return f'font-family "{self.family}" falls back to {self.fallback}: {self.reason}'


@dataclass(frozen=True)
class FontOptions:
    """Where fonts come from, and which are looked for.

    `font_root` holds the bundled packages, which are served below `url_prefix`. `also_shown` is text that the document
    will show besides its own. `of_shorthands`: families that only a `font` shorthand names are brought as well, where
    the official renderer leaves them out.
    """

    font_root: Path
    url_prefix: str
    also_shown: str = ""
    of_shorthands: bool = False


def bring_in_fonts(document: Document, options: FontOptions) -> tuple[FontWarning, ...]:
    """Settle every font family that a whole document names; what fell back.

    Linked style sheets do not count: the official renderer never looks into them. A document without a head tag gets
    its lists rewritten but no faces, as there is no place for them.
    """
    html = document.text
    page = _read_page(document)
    declarations = [surface.declaration for surface in page.surfaces]
    shifts = _shifts(declarations)
    for edit in _surface_edits(html, page.surfaces, shifts):
        document.replace(*edit)
    taken = _families_with_faces(html)
    rewritten = [_rewritten(declaration, shifts) for declaration in declarations]
    expander = _Expander(_custom_properties(rewritten))
    if options.of_shorthands:
        rewritten += [_Declaration("font-family", families, 0) for families in page.shorthands]
    wanted = _wanted(rewritten, expander)
    pending = {key: want for key, want in wanted.items() if key not in taken}
    if page.head_end is None:
        return tuple(_unplaced(pending.values(), taken))
    resolver = _Resolver(html + options.also_shown, options.font_root, options.url_prefix, _declared_families(page))
    resolver.resolve(pending, taken)
    resolver.warnings += _only_in_shorthands(page.shorthands, wanted, taken, resolver)
    if expander.left_out:
        reason = f"variables of the page's lists are more than {_VARIABLE_TEXT:,} characters"
        resolver.warnings.append(FontWarning(expander.left_out[:_SHOWN], "the names after it", reason))
    if not page.has_text_rendering:
        document.insert(page.head_end, _TEXT_RENDERING_STYLE)
    if resolver.rules:
        place = page.head_end if page.stylesheet_end is None else page.stylesheet_end
        document.insert(place, f"<style {_FONTS_MARK}>{''.join(resolver.rules)}</style>")
    return tuple(resolver.warnings)


# --- The bundled families ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    weight: int
    style: str
    path: str


@dataclass(frozen=True)
class _Catalogue:
    """font_families.toml, with every name in lower case."""

    primary: str
    unicode_range: str
    generic: frozenset[str]
    keywords: frozenset[str]
    files: Mapping[str, tuple[_File, ...]]
    #: Those of them that go by their own name.
    bundled: frozenset[str]


@cache
def _catalogue() -> _Catalogue:
    text = resources.files("hyperframes_render.packages").joinpath("font_families.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    files: dict[str, tuple[_File, ...]] = {}
    for name, family in data["families"].items():
        files[name.lower()] = tuple(
            _File(face["weight"], face["style"], f"{family['package']}/{face['file']}") for face in family["faces"]
        )
    for name, aliases in data["aliases"].items():
        files.update(dict.fromkeys(aliases, files[name.lower()]))
    return _Catalogue(
        primary=data["primary"],
        unicode_range=data["unicode_range"],
        generic=frozenset(data["generic"]),
        keywords=frozenset(data["keywords"]),
        files=files,
        bundled=frozenset(name.lower() for name in data["families"]),
    )


# --- From wanted families to rules -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Want:
    """A family as first spelled, the names after it in that list, and whether only a var() fallback names it."""

    family: str
    after: tuple[str, ...]
    optional: bool


@dataclass
class _DeclaredFamily:
    """A family the page itself declares; without rules when it only links to a font service."""

    family: str
    rules: list[_FaceRule] = field(default_factory=list)


_UNKNOWN = (
    "it is neither bundled nor declared by the page, so only an installed font of that name can serve; "
    "link its font host's style sheet or bring the file with an @font-face rule"
)


@dataclass
class _Resolver:
    """Gathers the rules, faces and warnings of one page."""

    text: str
    font_root: Path
    url_prefix: str
    declared: Mapping[str, list[_DeclaredFamily]]
    rules: list[str] = field(default_factory=list)
    warnings: list[FontWarning] = field(default_factory=list)

    def resolve(self, wanted: Mapping[str, _Want], taken: frozenset[str]) -> None:
        """Collect rules in the order of asking, families that only a var() fallback names last."""
        unsettled: dict[str, _Want] = {}
        settled = set(taken)
        for key, want in sorted(wanted.items(), key=lambda item: item[1].optional):
            if self._bundled(key, want.family) or self._is_had(want.family):
                settled.add(key)
            else:
                unsettled[key] = want
        for key, want in unsettled.items():
            reason = "its files are missing" if key in _catalogue().files else _UNKNOWN
            self.warnings.append(FontWarning(want.family, _fallback(want.after, settled), reason))

    def _bundled(self, key: str, family: str) -> bool:
        files = _catalogue().files.get(key, ())
        present = [file for file in files if (self.font_root / file.path).is_file()]
        for file in present:
            face = FontFace(family, file.weight, file.style, file.path)
            self.rules.append(_face_rule(face, _data_address(self.font_root / file.path)))
        if present and len(present) < len(files):
            missing = ", ".join(file.path for file in files if file not in present)
            self.warnings.append(FontWarning(family, "its other weights", f"{missing} is missing"))
        return bool(present)

    def _is_had(self, family: str) -> bool:
        # Last a link: the answer to it tells what the font host has not.
        return self._respelled(family) or self._packaged(family) or self.is_linked(family)

    def is_linked(self, family: str) -> bool:
        return any(entry.family.lower() == family.lower() for entry in self.declared.get(_spelling(family), ()))

    @cached_property
    def _letters(self) -> list[int]:
        return letters_of(self.text)

    def _packaged(self, family: str) -> bool:
        quoted = _css_string(family)
        rules = named_family_rules(family, quoted, self._letters, self.font_root, self.url_prefix)
        self.rules += rules
        return bool(rules)

    def _respelled(self, family: str) -> bool:
        """Serve `OpenSans` or `open-sans` by the one declared family that differs only in spaces and the like."""
        alike = self.declared.get(_spelling(family), [])
        if len(alike) != 1 or alike[0].family.lower() == family.lower():
            return False
        declared = alike[0]
        self.rules += [rule.renamed(family) for rule in declared.rules]
        if not declared.rules and not self._bundled(declared.family.lower(), family):
            return False
        reason = "the page declares that name; correct the font-family"
        self.warnings.append(FontWarning(family, f'"{declared.family}"', reason))
        return True


_SHORTHAND = "only the font shorthand names it, which brings no font; name it in a font-family declaration too"


def _only_in_shorthands(
    lists: Iterable[str], wanted: Mapping[str, _Want], taken: frozenset[str], resolver: _Resolver
) -> Iterator[FontWarning]:
    """Families that would be brought if they stood in a font-family declaration. Others, such as Arial, the machine has
    or has another for.
    """
    told = {*wanted, *taken}
    for names in map(split_families, lists):
        for index, family in enumerate(names):
            key = family.lower()
            if key in told or not (key in _catalogue().bundled or is_carried(family, resolver.font_root)):
                continue
            told.add(key)
            if not resolver.is_linked(family):
                yield FontWarning(family, _fallback(names[index + 1 : index + 1 + _AFTER], taken), _SHORTHAND)


@lru_cache(maxsize=64)  # some 25 KB each
def _data_address(file: Path) -> str:
    """A font in its address: pages that copy their styles into an SVG picture, which loads nothing, have it there."""
    return f"data:font/woff2;base64,{b64encode(file.read_bytes()).decode()}"


def _face_rule(face: FontFace, address: str) -> str:
    return (
        f"@font-face{{font-family:{_css_string(face.family)};src:url({_css_string(address)}) format('woff2');"
        f"font-style:{face.style};font-weight:{face.weight};font-display:block;"
        f"unicode-range:{_catalogue().unicode_range}}}"
    )


def _css_string(text: str) -> str:
    return '"' + re.sub(r'["\\<\n\r\f]', lambda match: f"\\{ord(match[0]):x} ", text) + '"'


def _unplaced(wanted: Iterable[_Want], taken: frozenset[str]) -> Iterator[FontWarning]:
    for want in wanted:
        yield FontWarning(want.family, _fallback(want.after, taken), "the document has no head tag to put fonts in")


def _fallback(after: Iterable[str], settled: Collection[str]) -> str:
    for name in after:
        if name.lower() in settled:
            return f'"{name}"'
        if name.lower() in _catalogue().generic:
            return f"this machine's {name}"
    return "this machine's default font"


def _spelling(family: str) -> str:
    return re.sub(r"[\s_+-]+", "", family.lower())


# --- What a page asks for ----------------------------------------------------------------------------------------

_VARIABLE_DEPTH = 8  # of var() within var()
#: Characters that variables stand for, put in for var() in all lists of a page together. A hundred kilobytes of style
#: sheet can use a list of thousands of names a thousand times, each time within another list; people's pages come to
#: some kilobytes. What is beyond it is read without its variables: a family that only it names falls back.
_VARIABLE_TEXT = 1_000_000
_SHOWN = 60  # characters of a list that a warning shows
_AFTER = 16  # names looked at to tell what a missing family falls back to
_Names = list[tuple[str, bool]]


def _custom_properties(declarations: Iterable[_Declaration]) -> dict[str, str]:
    """Every custom property by name; the last one wins, wherever in the page it stands."""
    return {item.name: item.value for item in declarations if item.name.startswith("--")}


def _wanted(declarations: Iterable[_Declaration], expander: _Expander) -> dict[str, _Want]:
    """The named families of all lists, by lower-case name and in the order of asking."""
    catalogue = _catalogue()
    wanted: dict[str, _Want] = {}
    for value in dict.fromkeys(item.value for item in declarations if item.is_family_list):
        names = expander.expand(value)
        for index, (family, optional) in enumerate(names):
            key = family.lower()
            if key in catalogue.generic or key in catalogue.keywords or key.startswith("var("):
                continue
            known = wanted.get(key)
            if known is None:
                after = tuple(name for name, _ in names[index + 1 : index + 1 + _AFTER])
                wanted[key] = _Want(family, after, optional)
            elif known.optional and not optional:
                wanted[key] = replace(known, optional=False)
    return wanted


class _Expander:
    """The custom properties of a page, and how much of their text may still be put in for var()."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._properties = properties
        self._room = _VARIABLE_TEXT
        #: The first list that was read without its variable.
        self.left_out = ""

    def expand(self, value: str, optional: bool = False, depth: int = 0) -> _Names:
        """The families of a list, a leading var() replaced by what it stands for; True marks names of a fallback."""
        names = split_families(value)
        variable = _leading_variable(value) if depth < _VARIABLE_DEPTH else None
        if variable and self._room <= 0:
            self.left_out = self.left_out or value.strip()
            variable = None
        resolved = self._properties.get(variable.name) if variable else None
        source = resolved or (variable.fallback if variable else None)
        if source is None:
            return [(name, optional) for name in names]
        self._room -= len(source)
        first = self.expand(source, not resolved or depth > 0, depth + 1)
        return first + [(name, optional) for name in names[1:]] if first else []


_FACE_OPENING = re.compile(r"@font-face\s*\{", re.IGNORECASE)
_FACE_NAME = re.compile(r"font-family\s*:(?!;)", re.IGNORECASE)


def _families_with_faces(text: str) -> frozenset[str]:
    """Families with an @font-face rule anywhere in the text, comments and scripts too.

    A name counts only if a semicolon ends it, and a rule without such a name takes the next one that follows it: a
    plain search, because the official one is.
    """
    families: set[str] = set()
    position = 0
    while (opening := _FACE_OPENING.search(text, position)) and (name := _FACE_NAME.search(text, opening.end())):
        semicolon = text.find(";", name.end())
        closing = text.find("}", semicolon)
        if semicolon < 0 or closing < 0:
            break
        families.add(_unquoted(text[name.end() : semicolon]).lower())
        position = closing + 1
    return frozenset(families)


def _unquoted(name: str) -> str:
    return re.sub(r"\A['\"]|['\"]\Z", "", name.strip()).strip()


@lru_cache(maxsize=1024)
def split_families(value: str) -> tuple[str, ...]:
    """The names of a font-family list, without their quotes; commas in quotes or brackets do not split."""
    pieces: list[str] = []
    start, depth, quote = 0, 0, ""
    for match in re.finditer(r"\\.|[\"'(),]", value, re.DOTALL):
        token = match[0]
        if quote:
            quote = "" if token == quote else quote
        elif token in "\"'":
            quote = token
        elif token == "(":
            depth += 1
        elif token == ")":
            depth = max(0, depth - 1)
        elif token == "," and depth == 0:
            pieces.append(value[start : match.start()])
            start = match.end()
    pieces.append(value[start:])
    return tuple(name for piece in pieces if (name := _unquoted(piece)))


@dataclass(frozen=True)
class _Variable:
    name: str
    fallback: str | None
    fallback_at: int


@lru_cache(maxsize=1024)
def _leading_variable(value: str) -> _Variable | None:
    """The var() a value begins with, and where in the value its fallback stands."""
    opening = re.match(r"\s*var\(", value, re.IGNORECASE)
    if opening is None:
        return None
    depth = 1
    for match in re.finditer(r"[()]", value[opening.end() :]):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            inner = value[opening.end() : opening.end() + match.start()]
            name, comma, fallback = inner.partition(",")
            if not re.fullmatch(r"--[A-Za-z0-9_-]+", name.strip()):
                return None
            return _Variable(name.strip(), fallback if comma else None, opening.end() + len(name) + 1)
    return None


# --- Rewriting lists that begin with a generic family ------------------------------------------------------------


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def _apply(text: str, edits: Iterable[_Edit]) -> str:
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


def _primary_at(value: str, properties: Mapping[str, str], depth: int = 0) -> int | None:
    """Where in a list the primary family must be put, None if the list does not begin with a generic family."""
    variable = _leading_variable(value)
    if variable:
        if properties.get(variable.name) or variable.fallback is None or depth == _VARIABLE_DEPTH:
            return None
        inner = _primary_at(variable.fallback, properties, depth + 1)
        return None if inner is None else variable.fallback_at + inner
    names = split_families(value)
    if not names or names[0].lower() not in _catalogue().generic:
        return None
    return len(value) - len(value.lstrip())


def _shifts(declarations: Iterable[_Declaration]) -> dict[str, int]:
    """Where the primary family must be put, for those values that need it."""
    declarations = list(declarations)
    properties = _custom_properties(declarations)
    places = {value: _primary_at(value, properties) for value in {item.value for item in declarations}}
    return {value: at for value, at in places.items() if at is not None}


def _insertions(declarations: Iterable[_Declaration], shifts: Mapping[str, int]) -> Iterator[_Edit]:
    for declaration in declarations:
        if declaration.value in shifts:
            at = declaration.start + shifts[declaration.value]
            yield _Edit(at, at, f"{_catalogue().primary}, ")


def _rewritten(declaration: _Declaration, shifts: Mapping[str, int]) -> _Declaration:
    at = shifts.get(declaration.value)
    if at is None:
        return declaration
    value = declaration.value
    return declaration._replace(value=f"{value[:at]}{_catalogue().primary}, {value[at:]}")


def _surface_edits(html: str, surfaces: Iterable[_Surface], shifts: Mapping[str, int]) -> list[_Edit]:
    """The same insertions as places in the page; all those of one attribute are one edit."""
    edits: list[_Edit] = []
    attributes: dict[_Attribute, list[_Edit]] = {}
    for declaration, where in surfaces:
        for edit in _insertions([declaration], shifts):
            if isinstance(where, int):
                edits.append(_Edit(where + edit.start, where + edit.end, edit.text))
            else:
                attributes.setdefault(where, []).append(edit)
    return edits + [attribute.edit(html, changes) for attribute, changes in attributes.items()]


# --- Reading the page --------------------------------------------------------------------------------------------


class _Attribute(NamedTuple):
    """The value of an attribute, where it stands in the page, quotes included, and the value itself."""

    start: int
    end: int
    value: str

    def edit(self, html: str, changes: Iterable[_Edit]) -> _Edit:
        changes = list(changes)
        raw = html[self.start : self.end]
        quote = raw[0] if raw[:1] in ("'", '"') else ""
        if quote and raw == f"{quote}{self.value}{quote}":
            return _Edit(self.start, self.end, f"{quote}{_apply(self.value, changes)}{quote}")
        return _Edit(self.start, self.end, f'"{escape(_apply(self.value, changes))}"')


class _Surface(NamedTuple):
    """A declaration and what its offsets count from: a place in the page, or the value of an attribute."""

    declaration: _Declaration
    where: int | _Attribute


@dataclass
class _Page:
    surfaces: list[_Surface] = field(default_factory=list)
    head_end: int | None = None
    stylesheet_end: int | None = None
    has_text_rendering: bool = False
    plain_sheets: list[_Sheet] = field(default_factory=list)
    plain_links: list[str] = field(default_factory=list)
    #: Family lists in `font` shorthands.
    shorthands: list[str] = field(default_factory=list)


_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>][^\s>]*))?""")
_OPAQUE = frozenset({"template", "title", "textarea", "xmp"})


def _read_page(document: Document) -> _Page:
    """Where families are named in a document; in templates and raw text never."""
    page = _Page()
    of_attributes: list[_Surface] = []
    of_data: list[_Surface] = []
    for element in document.elements:
        if element.hidden or element.name in _OPAQUE:
            continue
        if _names_family(element, document):
            _read_attributes(page, element, document.tag_of(element), of_attributes, of_data)
        if element.name == "head":
            page.head_end = page.head_end or element.open_end
        elif element.name == "style":
            page.has_text_rendering = page.has_text_rendering or _TEXT_RENDERING_MARK in element.attributes
            _read_style(page, element, document)
        elif element.name == "link":
            _read_link(page, element)
    page.surfaces += of_attributes + of_data
    return page


def _read_link(page: _Page, element: Element) -> None:
    rel = element.attributes.get("rel", "").lower().split()
    if "stylesheet" in rel:
        page.stylesheet_end = element.open_end
        if "alternate" not in rel and _is_unconditional(element.attributes):
            page.plain_links.append(element.attributes.get("href", ""))


def _read_style(page: _Page, element: Element, document: Document) -> None:
    page.stylesheet_end = element.end
    if sheet := _read_css(document.content_of(element)):
        page.surfaces += [_Surface(declaration, element.open_end) for declaration in sheet.declarations]
        page.shorthands += sheet.shorthands
        if _is_unconditional(element.attributes):
            page.plain_sheets.append(sheet)


def _read_attributes(
    page: _Page, element: Element, tag: str, of_attributes: list[_Surface], of_data: list[_Surface]
) -> None:
    for match in _ATTRIBUTE.finditer(tag):
        raw = match[2]
        if match[1] not in ("style", "data-font-family") or not raw:
            continue
        value = unescape(raw[1:-1] if raw[0] in "\"'" else raw)
        attribute = _Attribute(element.start + match.start(2), element.start + match.end(2), value)
        if match[1] == "style":
            sheet = _read_inline_style(value)
            of_attributes += [_Surface(item, attribute) for item in sheet.declarations]
            page.shorthands += sheet.shorthands
        else:
            of_data.append(_Surface(_Declaration("font-family", value, 0), attribute))


def _names_family(element: Element, document: Document) -> bool:
    """Whether an attribute of the element may name a font family."""
    attributes = element.attributes
    if "data-font-family" in attributes:
        return True
    if "style" not in attributes:
        return False
    # Of an attribute that stands twice, the dictionary has the first alone.
    return _OF_INTEREST.search(attributes["style"]) is not None or document.tag_of(element).count("style") > 1


def _is_unconditional(attributes: Mapping[str, str]) -> bool:
    return (
        attributes.get("media", "").strip().lower() in ("", "all")
        and attributes.get("type", "").strip().lower() in ("", "text/css")
        and not attributes.get("title", "").strip()
        and "disabled" not in attributes
    )


def _declared_families(page: _Page) -> dict[str, list[_DeclaredFamily]]:
    """The families that the page brings along unconditionally, by @font-face or a link to Google Fonts, by spelling."""
    declared: dict[str, _DeclaredFamily] = {}
    for sheet in page.plain_sheets:
        for url in sheet.imports:
            for family in _google_families(url):
                declared.setdefault(family.lower(), _DeclaredFamily(family))
        for rule in sheet.faces:
            declared.setdefault(rule.family.lower(), _DeclaredFamily(rule.family)).rules.append(rule)
    for url in page.plain_links:
        for family in _google_families(url):
            declared.setdefault(family.lower(), _DeclaredFamily(family))
    spellings: dict[str, list[_DeclaredFamily]] = {}
    for key, entry in declared.items():
        if key not in _catalogue().generic and _spelling(key):
            spellings.setdefault(_spelling(key), []).append(entry)
    return spellings


def _google_families(url: str) -> list[str]:
    try:
        parts = urlsplit(urljoin("https://document.invalid/", url.strip()))
    except ValueError:
        return []
    if parts.hostname != "fonts.googleapis.com" or parts.path not in ("/css", "/css2"):
        return []
    entries = (entry for value in parse_qs(parts.query).get("family", []) for entry in value.split("|"))
    return [name for entry in entries if (name := entry.split(":")[0].strip())]


# --- Reading style sheets ----------------------------------------------------------------------------------------
# Not with a library: tinycss2 mends a broken style sheet, as browsers do, where the official renderer leaves it alone
# as a whole, and takes 60 ms for 100 kB.


class _Declaration(NamedTuple):
    """A font-family or custom property, with the offset of its value; comments are blanks of the same length."""

    name: str
    value: str
    start: int

    @property
    def is_family_list(self) -> bool:
        return not self.name.startswith("--")


@dataclass(frozen=True)
class _FaceRule:
    """An @font-face rule of the page, and where in its text the family name stands."""

    text: str
    family: str
    names: tuple[tuple[int, int], ...]

    def renamed(self, family: str) -> str:
        return _apply(self.text, [_Edit(start, end, _css_string(family)) for start, end in self.names])


@dataclass
class _Sheet:
    declarations: list[_Declaration] = field(default_factory=list)
    faces: list[_FaceRule] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    shorthands: list[str] = field(default_factory=list)


@dataclass
class _Block:
    start: int
    is_face: bool
    families: list[_Declaration] = field(default_factory=list)


class _StyleSheetError(Exception):
    pass


_OF_INTEREST = re.compile(r"font-family|--|@font-face|@import|\bfont\s*+:", re.IGNORECASE)
#: What stands before the families of a `font` shorthand: a size in numbers, and a height of lines.
_SIZE = re.compile(r"[\d.](?:[a-z]{2,4}|%)(?:\s*+/\s*+[\w.%]++)?\s++", re.IGNORECASE)
_NAME = re.compile(r"\s*[*_]?([^\s:]+)\s*:\s*")
_IMPORTANT = re.compile(r"!\s*important\Z", re.IGNORECASE)
_IMPORT = re.compile(r"""\s*+@import\s*+(?:url\(([^)]*+)\)|"([^"]*+)"|'([^']*+)')\s*+(?:all\s*+)?\Z""", re.IGNORECASE)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def _read_css(css: str) -> _Sheet | None:
    """The declarations of a style sheet, None if it has a syntax error or nothing about fonts."""
    if not _OF_INTEREST.search(css):
        return None
    try:
        return _SheetReader(css).sheet
    except _StyleSheetError:
        return None


def _read_inline_style(style: str) -> _Sheet:
    """A style attribute, with offsets in the attribute's value."""
    sheet = _read_css(f"*{{{style}}}") or _Sheet()
    return replace(sheet, declarations=[item._replace(start=item.start - 2) for item in sheet.declarations])


def _import_address(match: re.Match[str]) -> str:
    """The address of an @import, without its quotes."""
    if match[1] is None:
        return match[2] or match[3] or ""
    address = match[1].lstrip()
    address = (address[1:] if address[:1] in ("'", '"') else address).rstrip()
    return address[:-1] if address[-1:] in ("'", '"') else address


class _SheetReader:
    """Walks over statements and blocks; nesting of rules to any depth."""

    def __init__(self, css: str) -> None:
        self.sheet = _Sheet()
        self._css = css
        self._start = 0
        self._blocks: list[_Block] = []
        self._brackets: list[str] = []
        for token in tokens(css, "{};()[]"):
            if not token.closed:
                raise _StyleSheetError
            if token.kind is Kind.MARK:
                self._take(css[token.start], token.start)
        self._end_statement(len(css))
        if self._blocks or self._brackets:
            raise _StyleSheetError

    def _take(self, token: str, at: int) -> None:
        if self._brackets and token == self._brackets[-1]:
            self._brackets.pop()
        elif token in "([" or (token == "{" and (self._brackets or self._is_custom_property(at))):
            self._brackets.append(_CLOSERS[token])
        elif token in ")]" or self._brackets:
            return
        elif token == "{":
            prelude = with_blank_comments(self._css[self._start : at])
            is_face = prelude.strip().lower() == "@font-face"
            self._blocks.append(_Block(self._start + len(prelude) - len(prelude.lstrip()), is_face))
            self._start = at + 1
        else:
            self._end_statement(at)
            if token == "}":
                self._end_block(at + 1)

    def _is_custom_property(self, at: int) -> bool:
        match = _NAME.match(with_blank_comments(self._css[self._start : at]))
        return match is not None and match[1].startswith("--")

    def _end_block(self, end: int) -> None:
        if not self._blocks:
            raise _StyleSheetError
        block = self._blocks.pop()
        if block.is_face and not self._blocks and block.families:
            begins = [(item.start - block.start, len(item.value)) for item in block.families]
            names = tuple((begin, begin + length) for begin, length in begins)
            family = (split_families(block.families[-1].value) or ("",))[0]
            if family:
                self.sheet.faces.append(_FaceRule(self._css[block.start : end], family, names))

    def _end_statement(self, end: int) -> None:
        start, self._start = self._start, end + 1
        text = with_blank_comments(self._css[start:end])
        if not text or text.isspace():
            return
        if text.lstrip().startswith("@"):
            if not self._blocks and (match := _IMPORT.match(text)):
                self.sheet.imports.append(_import_address(match))
            return
        match = _NAME.match(text)
        if match is None:
            raise _StyleSheetError
        name = match[1]
        if name.startswith("--") or name.lower() == "font-family":
            self._declare(name, _IMPORTANT.sub("", text[match.end() :].rstrip()).rstrip(), start + match.end(), text)
        elif name.lower() == "font" and (size := _SIZE.search(text, match.end())):
            self.sheet.shorthands.append(_IMPORTANT.sub("", text[size.end() :].rstrip()).rstrip())

    def _declare(self, name: str, value: str, start: int, text: str) -> None:
        if name.startswith("--"):
            # A property that is set to nothing but space is set, and var() then takes no fallback.
            self.sheet.declarations.append(_Declaration(name, value or " " * (text[-1:] != ":"), start))
        elif self._blocks and self._blocks[-1].is_face:
            self._blocks[-1].families.append(_Declaration("font-family", value, start))
        else:
            self.sheet.declarations.append(_Declaration("font-family", value, start))
