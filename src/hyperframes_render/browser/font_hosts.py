"""Style sheets of the well-known font hosts, answered from the pinned font packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from hyperframes_render.composition.source import file_inside

_HOSTS = ("fonts.googleapis.com", "fonts.bunny.net")
_ADDRESS = re.compile(r"""url\((["']?)\./""")
_WEIGHTS = range(100, 1000, 100)


@dataclass(frozen=True)
class FontSheet:
    """A style sheet with the families that we carry, and the names of those that we do not."""

    css: str
    missing: tuple[str, ...]


def is_font_sheet(url: str) -> bool:
    """Whether this is the address of a font host's style sheet."""
    parts = urlsplit(url)
    return parts.hostname in _HOSTS and parts.path in ("/css", "/css2")


def font_sheet(url: str, packages: Path, packages_url: str) -> FontSheet:
    """The style sheet for a font host's address; its files are below `packages_url`."""
    sheets, missing = [], []
    for family, faces in _families(url):
        package = f"@fontsource/{re.sub(r'[^a-z0-9]+', '-', family.lower()).strip('-')}"
        names = [f"{package}/{weight}{'-italic' if italic else ''}.css" for italic, weight in faces]
        found = [file.read_text("utf-8") for name in names if (file := file_inside(packages, name)) is not None]
        if not found:
            missing.append(family)
        at = f"{packages_url}{package}/"
        sheets += [_ADDRESS.sub(rf"url(\g<1>{at}", css) for css in found]
    return FontSheet("\n".join(sheets), tuple(missing))


def _families(url: str) -> Iterator[tuple[str, list[tuple[bool, int]]]]:
    """(family, [(italic, weight), …]) of every family that the address names, in either of its two languages."""
    for name, value in parse_qsl(urlsplit(url).query):
        if name != "family":
            continue
        for part in value.split("|"):
            family, _, styles = part.partition(":")
            yield family.strip(), sorted(set(_faces(styles))) or [(False, 400)]


def _faces(styles: str) -> Iterator[tuple[bool, int]]:
    axes, at, values = styles.partition("@")
    if not at:  # "400,700italic,i"
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
                for weight in ([int(first)] if not last else _WEIGHTS)
                if int(first) <= weight <= int(last or first)
            )
