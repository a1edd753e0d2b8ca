"""Answers the style sheets of well-known font hosts from the pinned font packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from hyperframes_render.packages.fonts import WEIGHTS, Face, face_sheets, variable_sheets
from hyperframes_render.packages.store import store_in

_HOSTS = ("fonts.googleapis.com", "fonts.bunny.net")
#: Most families of one URL (docs/reference/limits.md): each family has up to 18 files.
MAX_FAMILIES = 100


@dataclass(frozen=True)
class FontSheet:
    """A style sheet with the packaged families, and the names of the missing families."""

    css: str
    missing: tuple[str, ...]


@dataclass
class LinkedFamily:
    """What a URL names of a family."""

    faces: set[Face] = field(default_factory=set)
    #: The variable axes: "wght" if it has a range, and all others but "ital".
    axes: set[str] = field(default_factory=set)

    @property
    def italic(self) -> bool:
        return any(italic for italic, _ in self.faces)


def is_font_sheet(url: str) -> bool:
    """Whether `url` is a style sheet of a font host."""
    parts = urlsplit(url)
    return parts.hostname in _HOSTS and parts.path in ("/css", "/css2", "/icon")


def font_sheet(url: str, packages: Path, packages_url: str) -> FontSheet:
    """The style sheet for a font host's URL. The URLs of its font files begin with `packages_url`.

    A family with axes gets its variable font if the packages have it, otherwise the faces of the multiples of 100.
    """
    # By file, to answer each family once: a URL of a megabyte may repeat a family a hundred thousand times.
    sheets: dict[Path, str] = {}
    missing = []
    families, left_out = linked_families(url)
    for family, linked in families.items():
        found = _icon_sheet(family, packages, packages_url)
        if not found and linked.axes:
            axes = linked.axes
            found = variable_sheets(family, axes, italic=linked.italic, packages=packages, packages_url=packages_url)
        found = found or face_sheets(family, sorted(linked.faces), packages, packages_url)
        sheets.update(found)
        if not found:
            missing.append(family)
    if left_out:
        missing.append(f"{left_out} more")
    return FontSheet("\n".join(sheets.values()), tuple(missing))


def _icon_sheet(family: str, packages: Path, packages_url: str) -> dict[Path, str]:
    """The style sheet of an icon font of the package store, by its file. It has the font's rule and its class."""
    file = store_in(packages).family(family)
    if file is None:
        return {}
    folder = packages_url + file.parent.relative_to(packages.resolve()).as_posix()
    return {file: re.sub(r"""url\(\s*(["']?)\./""", rf"url(\1{folder}/", file.read_text("utf-8"))}


def linked_families(url: str) -> tuple[dict[str, LinkedFamily], int]:
    """Parse the URL, in the syntax of /css or /css2: at most MAX_FAMILIES families by name.

    The second value is the number of occurrences of further families, which are left out.
    """
    families: dict[str, LinkedFamily] = {}
    left_out = 0
    for name, value in parse_qsl(urlsplit(url).query):
        for part in value.split("|") if name == "family" else ():
            family, _, styles = part.partition(":")
            family = family.strip()
            if family not in families and len(families) >= MAX_FAMILIES:
                left_out += 1
            else:
                linked = families.setdefault(family, LinkedFamily())
                linked.faces.update(set(_faces(styles)) or {(False, 400)})
                linked.axes.update(_axes(styles))
    return families, left_out


def _axes(styles: str) -> Iterator[str]:
    names, at, values = styles.partition("@")
    if at:
        for number, name in enumerate(names.split(",")):
            if name not in ("ital", "wght") or any(".." in value for value in _column(values, number)):
                yield name


def _column(values: str, number: int) -> Iterator[str]:
    for value in values.split(";"):
        yield (value.split(",") + [""] * number)[number]


def _faces(styles: str) -> Iterator[Face]:
    axes, at, values = styles.partition("@")
    if not at:  # /css syntax: "400,700italic,i"
        for style in filter(None, styles.split(",")):
            weight = re.search(r"\d{1,4}", style)
            yield "i" in style.lower().replace("regular", ""), int(weight[0]) if weight else 400
        return
    names = axes.split(",")
    for value in values.split(";"):
        found = dict(zip(names, value.split(","), strict=False))
        first, _, last = found.get("wght", "400").partition("..")
        if re.fullmatch(r"\d{1,4}", first) and re.fullmatch(r"\d{0,4}", last):
            italic = found.get("ital", "0") == "1"
            yield from (
                (italic, weight)
                for weight in ([int(first)] if not last else WEIGHTS)
                if int(first) <= weight <= int(last or first)
            )
