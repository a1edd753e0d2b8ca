"""Answers the style sheets of well-known font hosts from the pinned font packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from hyperframes_render.packages.fonts import WEIGHTS, face_sheets

_HOSTS = ("fonts.googleapis.com", "fonts.bunny.net")
#: Most families of one URL (docs/reference/limits.md): each family has up to 18 files.
MAX_FAMILIES = 100


@dataclass(frozen=True)
class FontSheet:
    """A style sheet with the packaged families, and the names of the missing families."""

    css: str
    missing: tuple[str, ...]


def is_font_sheet(url: str) -> bool:
    """Whether `url` is a style sheet of a font host."""
    parts = urlsplit(url)
    return parts.hostname in _HOSTS and parts.path in ("/css", "/css2")


def font_sheet(url: str, packages: Path, packages_url: str) -> FontSheet:
    """The style sheet for a font host's URL. The URLs of its font files begin with `packages_url`."""
    # By file, to answer each family once: a URL of a megabyte may repeat a family a hundred thousand times.
    sheets: dict[Path, str] = {}
    missing = []
    families, left_out = _families(url)
    for family, faces in families.items():
        found = face_sheets(family, sorted(faces), packages, packages_url)
        sheets.update(found)
        if not found:
            missing.append(family)
    if left_out:
        missing.append(f"{left_out} more")
    return FontSheet("\n".join(sheets.values()), tuple(missing))


def _families(url: str) -> tuple[dict[str, set[tuple[bool, int]]], int]:
    """Parse the URL, in the syntax of /css or /css2, to {family: {(italic, weight), …}} of at most MAX_FAMILIES.

    The second value is the number of occurrences of further families, which are left out.
    """
    families: dict[str, set[tuple[bool, int]]] = {}
    left_out = 0
    for name, value in parse_qsl(urlsplit(url).query):
        for part in value.split("|") if name == "family" else ():
            family, _, styles = part.partition(":")
            family = family.strip()
            if family not in families and len(families) >= MAX_FAMILIES:
                left_out += 1
            else:
                families.setdefault(family, set()).update(set(_faces(styles)) or {(False, 400)})
    return families, left_out


def _faces(styles: str) -> Iterator[tuple[bool, int]]:
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
