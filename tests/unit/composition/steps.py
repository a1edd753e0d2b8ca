"""The steps of a compile on a text, as tests look at them: text in, text out."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperframes_render.composition import (
    declared,
    fonts,
    integrity,
    lint,
    scripts,
    shell,
    sub_compositions,
    variables,
)
from hyperframes_render.composition.html import Document, Element

_FACE = re.compile(
    r'@font-face\{font-family:"([^"]*)";src:url\("data:font/woff2;base64,([^"]*)"\)[^}]*?'
    r"font-style:(\w+);font-weight:(\d+)"
)


@dataclass(frozen=True)
class Face:
    """A font face that was put into a page; its file's content is its name."""

    family: str
    file: str
    style: str
    weight: int


@dataclass(frozen=True)
class Changed:
    """A page after a step, and what the step warned of."""

    html: str
    warnings: tuple[Any, ...] = ()

    @property
    def faces(self) -> tuple[Face, ...]:
        """The bundled faces in the page."""
        found = _FACE.findall(self.html)
        return tuple(
            Face(family, b64decode(data).decode(), style, int(weight)) for family, data, style, weight in found
        )


def scan(html: str) -> list[Element]:
    return Document(html).elements


def read_declared(html: str, *, name: str) -> declared.Declared:
    return declared.read_declared(Document(html), name=name)


def lint_text(html: str) -> list[lint.Problem]:
    return lint.lint(Document(html))


def whole_document(html: str, *, rootless: bool = False) -> str:
    return shell.whole_document(Document(html), rootless=rootless).result()


def with_page_root(html: str) -> str:
    document = Document(html)
    shell.mark_page_root(document)
    return document.result()


def with_root_attributes(html: str, values: Mapping[str, str]) -> str:
    document = Document(html)
    shell.set_root_attributes(document, values)
    return document.result()


def with_head_start(html: str, snippet: str) -> str:
    document = Document(html)
    document.insert_first(document.head_start, snippet)
    return document.result()


def delayed(html: str) -> str:
    document = Document(html)
    scripts.delay_until_fonts_load(document)
    return document.result()


def with_sub_compositions(html: str, root: Path) -> Changed:
    document, warnings = sub_compositions.insert_sub_compositions(Document(html), root)
    return Changed(document.result(), warnings)


def without_checksums(html: str, packages: Path) -> str:
    document = Document(html)
    integrity.remove_checksums(document, packages)
    return document.result()


def with_fonts(
    html: str,
    *,
    font_root: Path,
    url_prefix: str = "/fonts/",
    also_shown: str = "",
    project: Path | None = None,
    official: bool = False,
) -> Changed:
    document = Document(html)
    options = fonts.FontOptions(font_root, url_prefix, also_shown, project, official=official)
    warnings = fonts.add_fonts(document, options)
    return Changed(document.result(), warnings)


def variable_markup(html: str, values: Mapping[str, Any], *, strict: bool) -> variables.VariableMarkup:
    return variables.variable_markup(Document(html), values, strict=strict)


def with_rules_last(html: str, style: str) -> str:
    document = Document(html)
    variables.add_rules_last(document, style)
    return document.result()
