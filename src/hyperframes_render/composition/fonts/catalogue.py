"""The families that the renderer bundles: font_families.toml of the packages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


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
def bundled_catalogue() -> _Catalogue:
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
