"""@font-face rules of the font families in pinned packages (`@fontsource/…`, `@fontsource-variable/…`)."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from html import unescape
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


#: Escapes of HTML and CSS, and of scripts, that stand for a code point.
_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})|\\([0-9a-fA-F]{2,6})(?![0-9a-fA-F])")
_FOLDER = "@fontsource"
_VARIABLE_FOLDER = "@fontsource-variable"
#: The style sheets of a variable package: with the weight alone first, or with most axes first.
_WEIGHT_SHEETS = ("wght", "index", "standard", "full")
_AXES_SHEETS = tuple(reversed(_WEIGHT_SHEETS))


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


def variable_sheets(
    family: str, axes: Collection[str], *, italic: bool, packages: Path, packages_url: str
) -> dict[Path, str]:
    """The style sheets of a family's variable font with these axes ("wght"), by file.

    They are empty if the packages do not have the font. The rules have the family's plain name ("Inter", where the
    package says "Inter Variable").
    """
    package = _package_name(family, _VARIABLE_FOLDER)
    if not _PLAIN_NAME.fullmatch(family) or package not in _packaged_families(packages):
        return {}
    names = _WEIGHT_SHEETS if set(axes) <= {"wght"} else _AXES_SHEETS
    found: dict[Path, str] = {}
    for end in ("", "-italic") if italic else ("",):
        files = (file_inside(packages, f"{package}/{name}{end}.css") for name in names)
        if (file := next(filter(None, files), None)) is not None:
            sheet = _sheet(file, f"{packages_url}{package}/")
            found[file] = _RULE_FAMILY.sub(lambda _: f"font-family: '{family.replace('+', ' ')}';", sheet)
    return found


@lru_cache(maxsize=256)
def variable_axes(family: str, packages: Path) -> frozenset[str]:
    """The axes that the family's variable font has on the font host ("wght"), by the metadata of its package.

    They are empty for a family without a variable font, or in no package.
    """
    if not is_packaged(family, packages):
        return frozenset()
    file = file_inside(packages, f"{_package_name(family)}/metadata.json")
    axes = json.loads(file.read_text("utf-8")).get("variable") if file is not None else None
    return frozenset(axes) - {"ital"} if isinstance(axes, dict) else frozenset()


def has_variable_font(family: str, packages: Path) -> bool:
    """Whether the family's variable font is in the packages."""
    return _package_name(family, _VARIABLE_FOLDER) in _packaged_families(packages)


def packaged_weights(family: str, packages: Path) -> frozenset[int]:
    """The weights of the upright faces in a family's package."""
    if not is_packaged(family, packages):
        return frozenset()
    package = _package_name(family)
    return frozenset(w for w in WEIGHTS if file_inside(packages, f"{package}/{w}.css") is not None)


def named_family_rules(
    family: str,
    quoted: str,
    letters: Sequence[int],
    packages: Path,
    packages_url: str,
    *,
    faces: Iterable[Face] = USUAL_FACES,
) -> list[str]:
    """The rules for a family that a page uses but neither declares nor links; empty if it is in no package.

    `quoted` is the family's name in the rules. `letters` are the sorted code points of the page. Each font file is
    loaded before the first frame, so rules without any of these code points are left out.
    """
    if not is_packaged(family, packages):
        return []
    return _rules(face_sheets(family, faces, packages, packages_url), quoted, letters)


def variable_family_rules(
    family: str,
    quoted: str,
    letters: Sequence[int],
    packages: Path,
    packages_url: str,
    *,
    axes: Collection[str],
    italic: bool,
) -> list[str]:
    """As `named_family_rules`, for the family's variable font."""
    sheets = variable_sheets(family, axes, italic=italic, packages=packages, packages_url=packages_url)
    return _rules(sheets, quoted, letters)


def _rules(sheets: dict[Path, str], quoted: str, letters: Sequence[int]) -> list[str]:
    return [
        _RULE_FAMILY.sub(lambda _: f"font-family:{quoted};", rule, count=1)
        for sheet in sheets.values()
        for rule in _RULE.findall(sheet)
        if _covers_any(rule, letters)
    ]


def is_packaged(family: str, packages: Path) -> bool:
    """Whether a family is in a package. Names with other characters than letters, digits, space and + never are."""
    return bool(_PLAIN_NAME.fullmatch(family)) and _package_name(family) in _packaged_families(packages)


def letters_of(page: str) -> list[int]:
    """The sorted code points of a page, and of Latin-1, which its scripts and variables may add.

    Escapes count (`&scaron;`, `\\0161`, `\\u0161`), and letters in upper and lower case, as styles may change the case.
    """
    characters = set(unescape(page) if "&" in page else page)
    characters |= {letter for it in tuple(characters) if not it.isascii() for letter in it.upper() + it.lower()}
    escaped = {int(first or second, 16) for first, second in _ESCAPE.findall(page)}
    return sorted({*_LATIN, *map(ord, characters), *escaped})


def letters_outside(letters: Iterable[int], ranges: str) -> list[int]:
    """The sorted letters that are not in `ranges`, a unicode-range."""
    covered = [range(int(first, 16), int(last or first, 16) + 1) for first, last in _RANGE.findall(ranges)]
    return sorted(letter for letter in letters if not any(letter in part for part in covered))


@lru_cache(maxsize=256)  # a page may name one family in a hundred spellings
def _sheet(file: Path, files_url: str) -> str:
    return _FILE_ADDRESS.sub(rf"url(\g<1>{files_url}", file.read_text("utf-8"))


@lru_cache(maxsize=4)
def _packaged_families(packages: Path) -> frozenset[str]:
    folders = (_FOLDER, _VARIABLE_FOLDER)
    return frozenset(f"{folder}/{package.name}" for folder in folders for package in packages.glob(f"{folder}/*"))


def _package_name(family: str, folder: str = _FOLDER) -> str:
    return f"{folder}/{re.sub(r'[^a-z0-9]+', '-', family.lower()).strip('-')}"


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
