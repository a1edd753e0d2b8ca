"""The tokenizer of style sheets: comments, strings, addresses, escapes, and marks such as braces.

A style sheet comes from a caller and may have megabytes. A pattern for "opening, anything, end" looks through the
whole rest for each opening that has no end. Here what has no end is looked for once: the time grows with the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

_STRINGS = {
    '"': re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL),
    "'": re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+'", re.DOTALL),
}


class Kind(Enum):
    """The kind of a token."""

    COMMENT = auto()
    STRING = auto()
    #: url(…) without quotes.
    ADDRESS = auto()
    #: A backslash and the character that it escapes.
    ESCAPE = auto()
    #: One of the characters that the caller asked for.
    MARK = auto()


class Token(NamedTuple):
    """A token from offset `start` to `end`; one that is not `closed` is only its opening."""

    kind: Kind
    start: int
    end: int
    closed: bool = True


@lru_cache(maxsize=8)
def _openings(marks: str) -> re.Pattern[str]:
    opening = r"""/\*|["']|\\.|(?i:url)\((?!\s*+["'])"""
    return re.compile(f"{opening}|[{re.escape(marks)}]" if marks else opening, re.DOTALL)


def tokens(css: str, marks: str = "") -> Iterator[Token]:
    """The tokens of `css` in order. Text between them is left out."""
    openings, position = _openings(marks), 0
    ends = _Ends(css)
    while match := openings.search(css, position):
        opening, start, position = match[0], match.start(), match.end()
        if opening == "/*":
            kind, end = Kind.COMMENT, ends.of_comment(position)
        elif opening in _STRINGS:
            kind, end = Kind.STRING, ends.of_string(opening, position)
        elif opening[0] == "\\":
            kind, end = Kind.ESCAPE, position
        elif opening[0] in "uU" and opening[-1] == "(":
            kind, end = Kind.ADDRESS, ends.of_address(position)
        else:
            kind, end = Kind.MARK, position
        closed = end is not None
        position = position if end is None else end
        yield Token(kind, start, position, closed)


class _Ends:
    """The ends of comments, strings and addresses of one text, looked up from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last_comment_end = text.rfind("*/")
        self._last_bracket = text.rfind(")")
        #: Quotes that have no end: no later quote of the kind has one either.
        self._endless: set[str] = set()

    def of_comment(self, position: int) -> int | None:
        # Looked up once: each look goes through the whole rest.
        return self._text.find("*/", position) + 2 if position <= self._last_comment_end else None

    def of_string(self, quote: str, position: int) -> int | None:
        if quote in self._endless:
            return None
        match = _STRINGS[quote].match(self._text, position)
        if match is None:
            self._endless.add(quote)
            return None
        return match.end()

    def of_address(self, position: int) -> int | None:
        return self._text.find(")", position) + 1 if position <= self._last_bracket else None


def without_comments(css: str) -> str:
    """`css` without its comments, also those in strings. A comment without an end stays."""
    parts, position = [], 0
    while (start := css.find("/*", position)) >= 0 and (end := css.find("*/", start + 2)) >= 0:
        parts.append(css[position:start])
        position = end + 2
    return "".join([*parts, css[position:]])


def with_blank_comments(css: str) -> str:
    """`css` with spaces in place of its comments, so that offsets stay. Comments in strings are text."""
    if "/*" not in css:
        return css
    parts, position = [], 0
    for token in tokens(css):
        if token.kind is Kind.COMMENT and token.closed:
            parts += [css[position : token.start], " " * (token.end - token.start)]
            position = token.end
    return "".join([*parts, css[position:]])
