"""@font-face rules of the font families in pinned packages (`@fontsource/…`)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from hyperframes_render.paths import file_inside

#: (italic, weight).
Face = tuple[bool, int]
WEIGHTS = range(100, 1000, 100)
#: The faces that the official renderer requests from the font host for a family whose faces the page does not declare.
USUAL_FACES: tuple[Face, ...] = (*((False, weight) for weight in WEIGHTS), (True, 400), (True, 700))

_FILE_ADDRESS = re.compile(r"""url\((["']?)\./""")
_RULE = re.compile(r"@font-face\s*{[^}]*}")
_RULE_FAMILY = re.compile(r"font-family:[^;]*;")
_RULE_RANGE = re.compile(r"unicode-range:\s*([^;}]*)")
_RANGE = re.compile(r"U\+([0-9A-F]{1,6})(?:-([0-9A-F]{1,6}))?", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?:[ +][A-Za-z0-9]+)*")
#: Code points that scripts and variables may add to the page. All other code points are those in the page.
_LATIN = range(0x20, 0x100)


def face_sheets(family: str, faces: Iterable[Face], packages: Path, packages_url: str) -> dict[Path, str]:
    """The style sheets of a family's faces, by file; empty if the family is in no package.

    A package has one style sheet for each weight and style, with one rule for each script. The URLs of its font files
    begin with `packages_url`.
    """
    package = _package_name(family)
    # Without file access: a page may name a hundred thousand families.
    if package not in _packaged_families(packages):
        return {}
    names = [f"{package}/{weight}{'-italic' if italic else ''}.css" for italic, weight in faces if weight in WEIGHTS]
    found = [file for name in names if (file := file_inside(packages, name)) is not None]
    return {file: _sheet(file, f"{packages_url}{package}/") for file in found}


def named_family_rules(
    family: str, quoted: str, letters: Sequence[int], packages: Path, packages_url: str
) -> list[str]:
    """The rules for a family that a page uses but neither declares nor links; empty if it is in no package.

    `quoted` is the family's name in the rules. `letters` are the sorted code points of the page. Each font file is
    loaded before the first frame, so rules without any of these code points are left out.
    """
    if not is_packaged(family, packages):
        return []
    return [
        _RULE_FAMILY.sub(lambda _: f"font-family:{quoted};", rule, count=1)
        for sheet in face_sheets(family, USUAL_FACES, packages, packages_url).values()
        for rule in _RULE.findall(sheet)
        if _covers_any(rule, letters)
    ]


def is_packaged(family: str, packages: Path) -> bool:
    """Whether a family is in a package. Names with other characters than letters, digits, space and + never are."""
    return bool(_PLAIN_NAME.fullmatch(family)) and _package_name(family) in _packaged_families(packages)


def letters_of(page: str) -> list[int]:
    """The sorted code points of a page, and of Latin-1, which its scripts and variables may add."""
    return sorted({*_LATIN, *map(ord, set(page))})


@lru_cache(maxsize=256)  # a page may name one family in a hundred spellings
def _sheet(file: Path, files_url: str) -> str:
    return _FILE_ADDRESS.sub(rf"url(\g<1>{files_url}", file.read_text("utf-8"))


@lru_cache(maxsize=4)
def _packaged_families(packages: Path) -> frozenset[str]:
    return frozenset(f"@fontsource/{folder.name}" for folder in packages.glob("@fontsource/*"))


def _package_name(family: str) -> str:
    return f"@fontsource/{re.sub(r'[^a-z0-9]+', '-', family.lower()).strip('-')}"


def _covers_any(rule: str, letters: Sequence[int]) -> bool:
    """Whether one of the sorted code points is in the rule's unicode-range. A rule without it covers all."""
    ranges = _RULE_RANGE.search(rule)
    if ranges is None:
        return True
    for first, last in _RANGE.findall(ranges[1]):
        at = bisect_left(letters, int(first, 16))
        if at < len(letters) and letters[at] <= int(last or first, 16):
            return True
    return False
