"""Where comments, strings and addresses of a style sheet end.

A pattern for "opening, anything, end" looks through the whole rest for each opening that has no end: hours for a
megabyte of openings. Here what has no end is looked for once.
"""

from __future__ import annotations

import re

_STRINGS = {
    '"': re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL),
    "'": re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+'", re.DOTALL),
}
_IN_ADDRESS = re.compile(r"[^\"')]*+")


class OpaqueRanges:
    """The ends of stretches of one text. Ask from the text's beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last_comment_end = text.rfind("*/")
        #: Kinds of quotes of which one had no end: none after it has one, as its own string would end there.
        self._endless: set[str] = set()
        #: No address that begins before this place has an end.
        self._broken_until = 0

    def end_of_comment(self, position: int) -> int | None:
        """Where a comment ends whose content begins at `position`; None where it has no end."""
        # Not looked for where there is none: each look would go through the whole rest.
        return self._text.find("*/", position) + 2 if position <= self._last_comment_end else None

    def end_of_string(self, quote: str, position: int) -> int | None:
        """The same for a string between two `quote`."""
        if quote in self._endless:
            return None
        match = _STRINGS[quote].match(self._text, position)
        if match is None:
            self._endless.add(quote)
            return None
        return match.end()

    def end_of_address(self, position: int) -> int | None:
        """The same for an address without quotes in url()."""
        if position < self._broken_until:
            return None
        match = _IN_ADDRESS.match(self._text, position)
        end = match.end() if match else position
        if self._text.startswith(")", end):
            return end + 1
        self._broken_until = end
        return None


def without_comments(css: str) -> str:
    """`css` without its comments; one without an end is left where it is."""
    parts, position = [], 0
    while (start := css.find("/*", position)) >= 0 and (end := css.find("*/", start + 2)) >= 0:
        parts.append(css[position:start])
        position = end + 2
    return "".join([*parts, css[position:]])
