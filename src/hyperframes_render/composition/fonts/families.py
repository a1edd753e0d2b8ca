"""Which font families a page asks for, through variables and fallbacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from hyperframes_render.composition.fonts.catalogue import bundled_catalogue
from hyperframes_render.composition.fonts.sheets import Declaration, split_families, unquoted


@dataclass(frozen=True)
class Want:
    """A family as first spelled, the names after it in that list, and whether only a var() fallback names it."""

    family: str
    after: tuple[str, ...]
    optional: bool


VARIABLE_DEPTH = 8  # of var() within var()


#: Characters that variables stand for, put in for var() in all lists of a page together. A hundred kilobytes of style
#: sheet can use a list of thousands of names a thousand times, each time within another list; people's pages come to
#: some kilobytes. What is beyond it is read without its variables: a family that only it names falls back.
VARIABLE_TEXT = 1_000_000


SHOWN = 60  # characters of a list that a warning shows


AFTER = 16  # names that are looked at to report what a missing family falls back to


_Names = list[tuple[str, bool]]


def custom_properties(declarations: Iterable[Declaration]) -> dict[str, str]:
    """Every custom property by name; the last one wins, wherever in the page it stands."""
    return {item.name: item.value for item in declarations if item.name.startswith("--")}


def wanted_families(declarations: Iterable[Declaration], expander: Expander) -> dict[str, Want]:
    """The named families of all lists, by lower-case name and in the order of asking."""
    catalogue = bundled_catalogue()
    wanted: dict[str, Want] = {}
    for value in dict.fromkeys(item.value for item in declarations if item.is_family_list):
        names = expander.expand(value)
        for index, (family, optional) in enumerate(names):
            key = family.lower()
            if key in catalogue.generic or key in catalogue.keywords or key.startswith("var("):
                continue
            known = wanted.get(key)
            if known is None:
                after = tuple(name for name, _ in names[index + 1 : index + 1 + AFTER])
                wanted[key] = Want(family, after, optional)
            elif known.optional and not optional:
                wanted[key] = replace(known, optional=False)
    return wanted


class Expander:
    """The custom properties of a page, and how much of their text may still be put in for var()."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._properties = properties
        self._room = VARIABLE_TEXT
        #: The first list that was read without its variable.
        self.left_out = ""

    def expand(self, value: str, optional: bool = False, depth: int = 0) -> _Names:
        """The families of a list, a leading var() replaced by what it stands for; True marks names of a fallback."""
        names = split_families(value)
        variable = leading_variable(value) if depth < VARIABLE_DEPTH else None
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


def families_with_faces(text: str) -> frozenset[str]:
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
        families.add(unquoted(text[name.end() : semicolon]).lower())
        position = closing + 1
    return frozenset(families)


@dataclass(frozen=True)
class _Variable:
    name: str
    fallback: str | None
    fallback_at: int


@lru_cache(maxsize=1024)
def leading_variable(value: str) -> _Variable | None:
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
