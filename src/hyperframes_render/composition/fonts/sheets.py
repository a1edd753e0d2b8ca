"""What a style sheet says of fonts: declarations, faces, imports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from hyperframes_render.composition.css import Kind, tokens, with_blank_comments


def css_string(text: str) -> str:
    return '"' + re.sub(r'["\\<\n\r\f]', lambda match: f"\\{ord(match[0]):x} ", text) + '"'


def unquoted(name: str) -> str:
    return re.sub(r"\A['\"]|['\"]\Z", "", name.strip()).strip()


#: Characters of a `font` shorthand that is read.
_MAX_SHORTHAND = 1000
#: A word: functions (nested twice) and strings are not split.
_WORD = re.compile(r"""(?:[^\s"'()]|"[^"]*"|'[^']*'|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))+""")


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
    return tuple(name for piece in pieces if (name := unquoted(piece)))


def families_of_shorthand(value: str) -> str | None:
    """The family list of a `font` shorthand (CSS Fonts 4, 2.7): what follows the size and the line height.

    None if the value has no size or no families, such as one var() for the whole shorthand.
    """
    if len(value) > _MAX_SHORTHAND:
        return None
    words = [match for match in _WORD.finditer(value) if match[0]]
    at = next((index for index, word in enumerate(words) if _SIZE.match(word[0])), None)
    if at is None:
        # A size in a variable: "700 var(--size) Inter".
        variables = (index for index, word in enumerate(words) if word[0].lower().startswith("var("))
        at = next(variables, None)
    if at is None:
        return None
    if words[at][0].endswith("/"):
        at += 1
    elif at + 1 < len(words) and words[at + 1][0].startswith("/"):
        at += 2 if words[at + 1][0] == "/" else 1
    return value[words[at + 1].start() :].rstrip() if at + 1 < len(words) else None


class Edit(NamedTuple):
    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, text[position:]])


class Declaration(NamedTuple):
    """A font-family or custom property, with the offset of its value; comments are blanks of the same length."""

    name: str
    value: str
    start: int

    @property
    def is_family_list(self) -> bool:
        return not self.name.startswith("--")


@dataclass(frozen=True)
class FaceRule:
    """An @font-face rule of the page, and where in its text the family name stands."""

    text: str
    family: str
    names: tuple[tuple[int, int], ...]

    def renamed(self, family: str) -> str:
        return apply_edits(self.text, [Edit(start, end, css_string(family)) for start, end in self.names])


@dataclass
class Sheet:
    declarations: list[Declaration] = field(default_factory=list)
    faces: list[FaceRule] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    shorthands: list[str] = field(default_factory=list)


@dataclass
class _Block:
    start: int
    is_face: bool
    families: list[Declaration] = field(default_factory=list)


class _StyleSheetError(Exception):
    pass


OF_INTEREST = re.compile(r"font-family|--|@font-face|@import|\bfont\s*+:", re.IGNORECASE)


#: A size in a `font` shorthand, with or without the line height: a length, a percentage, a function, a script's
#: expression, or a keyword.
_SIZE = re.compile(
    r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[a-z]+|%)|(?:calc|clamp|min|max)\(.*\)|\$\{.*\}(?:[a-z]+|%)|(?:x{1,3}-)?(?:small|large)|medium|larger|smaller)"
    r"(?:/.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)


_NAME = re.compile(r"\s*[*_]?([^\s:]+)\s*:\s*")


_IMPORTANT = re.compile(r"!\s*important\Z", re.IGNORECASE)


_IMPORT = re.compile(r"""\s*+@import\s*+(?:url\(([^)]*+)\)|"([^"]*+)"|'([^']*+)')\s*+(?:all\s*+)?\Z""", re.IGNORECASE)


_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def read_css(css: str) -> Sheet | None:
    """The declarations of a style sheet, None if it has a syntax error or nothing about fonts."""
    if not OF_INTEREST.search(css):
        return None
    try:
        return _SheetReader(css).sheet
    except _StyleSheetError:
        return None


def read_inline_style(style: str) -> Sheet:
    """A style attribute, with offsets in the attribute's value."""
    sheet = read_css(f"*{{{style}}}") or Sheet()
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
        self.sheet = Sheet()
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
                self.sheet.faces.append(FaceRule(self._css[block.start : end], family, names))

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
        elif name.lower() == "font":
            families = families_of_shorthand(_IMPORTANT.sub("", text[match.end() :].rstrip()))
            if families:
                self.sheet.shorthands.append(families)

    def _declare(self, name: str, value: str, start: int, text: str) -> None:
        if name.startswith("--"):
            # A property that is set to nothing but space is set, and var() then takes no fallback.
            self.sheet.declarations.append(Declaration(name, value or " " * (text[-1:] != ":"), start))
        elif self._blocks and self._blocks[-1].is_face:
            self._blocks[-1].families.append(Declaration("font-family", value, start))
        else:
            self.sheet.declarations.append(Declaration("font-family", value, start))
