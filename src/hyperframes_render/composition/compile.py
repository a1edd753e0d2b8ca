"""Compiles a composition into the markup that the page loads: sized, with sub-compositions, fonts and page runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from hyperframes_render.composition.declared import Declared
from hyperframes_render.composition.fonts import FontOptions, add_fonts, official_rule
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.integrity import remove_checksums
from hyperframes_render.composition.scripts import delay_until_fonts_load
from hyperframes_render.composition.shell import mark_page_root, set_root_attributes, whole_document
from hyperframes_render.composition.sub_compositions import insert_sub_compositions
from hyperframes_render.composition.variables import VariableMarkup, add_rules_last, variable_markup

#: Where the interceptor serves pinned packages (browser/interceptor.py).
PACKAGES_URL = "/__hyperframes_render__/packages/"


#: The page runtime places the root's clips one by one, and lays the page out after each: 20 s for 2,500 clips. Pages
#: with more clips than this get the final places in their markup.
_MANY_CLIPS = 300
#: The caret of a focused field blinks by the machine's clock, so it is hidden.
_NO_CARET = "<style>*{caret-color:transparent!important}</style>"
_ROOT = "[data-composition-id]:not([data-composition-id] [data-composition-id])"
_CLIPS_IN_PLACE = f"<style>:where({_ROOT} > [data-start]){{position:absolute}}</style>"


@dataclass(frozen=True)
class PageSpec:
    """The parameters of a page: size in CSS pixels, frames per second, and the caller's length in seconds."""

    width: int
    height: int
    fps: Fraction
    duration: float | None
    #: Device pixels for a CSS pixel.
    scale: float = 1.0
    transparent: bool = False
    #: The caller's values for the composition's variables.
    variables: Mapping[str, Any] = field(default_factory=dict)
    strict_variables: bool = False
    #: Whether the page has no composition root: its body is the composition.
    rootless: bool = False
    #: The length that the page declares, in seconds.
    declared_duration: float | None = None
    #: For a page at an address elsewhere: its scripts run when a browser would run them, and their errors are warnings.
    lenient_scripts: bool = False
    #: Whether elements say where they stand in the author's files (composition/marks.py).
    marks: bool = False

    @property
    def device_width(self) -> int:
        """Width of a frame in device pixels."""
        return max(1, round(self.width * self.scale))

    @property
    def device_height(self) -> int:
        """Height of a frame in device pixels."""
        return max(1, round(self.height * self.scale))


#: For formats with alpha, the backgrounds of html and body are removed, as in the official renderer.
_TRANSPARENT = "<style>html,body{background:transparent!important}</style>"


@dataclass(frozen=True)
class CompiledPage:
    """The markup to serve, and the warnings of the compile."""

    html: str
    warnings: tuple[str, ...]


def compile_page(
    document: Document,
    declared: Declared,
    spec: PageSpec,
    *,
    project: Path,
    packages: Path,
    entry: str = "index.html",
) -> CompiledPage:
    """Compile a page: size and length of its root, sub-compositions of the folder `project`, variables, fonts, runtime.

    `document` is used up. `entry` is its path below `project`.

    Raises InvalidComposition, LimitExceeded, or InvalidOption for variables.
    """
    warnings = [*declared.warnings, *_size_warnings(declared, spec)]
    document = whole_document(document, rootless=declared.rootless)
    if declared.rootless:
        mark_page_root(document)
    set_root_attributes(document, _root_values(spec))
    variables = _variables(document, spec)
    if not spec.lenient_scripts:
        delay_until_fonts_load(document)
    document, of_parts = insert_sub_compositions(document, project, marks=spec.marks)
    warnings += of_parts
    many_clips = document.text.count("data-start") > _MANY_CLIPS
    if variables.style:
        add_rules_last(document, variables.style)
        # A variable may name a font.
        document = document.applied()
    warnings += variables.problems
    shown = json.dumps(spec.variables, ensure_ascii=False)
    official = official_rule() and not declared.rootless
    fonts = FontOptions(packages, PACKAGES_URL, also_shown=shown, project=project, entry=entry, official=official)
    warnings += [warning.sentence for warning in add_fonts(document, fonts)]
    remove_checksums(document, packages)
    document.insert_first(
        document.head_start, variables.script + _first_in_head(spec, many_clips, _has_caret(document))
    )
    return CompiledPage(document.result(), tuple(warnings))


def _size_warnings(declared: Declared, spec: PageSpec) -> Iterator[str]:
    for name, asked, said in (("width", spec.width, declared.width), ("height", spec.height, declared.height)):
        if said is not None and said != asked:
            yield f"The composition declares data-{name}={said} and is rendered at {asked}; nothing is scaled."


def _root_values(spec: PageSpec) -> dict[str, str]:
    """The attributes that the root gets: size in CSS pixels, and length in seconds if the caller sets one."""
    values = {"data-width": str(spec.width), "data-height": str(spec.height)}
    if spec.duration is not None:
        values["data-duration"] = f"{spec.duration:.12g}"
    return values


def _variables(document: Document, spec: PageSpec) -> VariableMarkup:
    if not spec.variables and "data-composition-variables" not in document.text:
        return VariableMarkup("", "", ())
    return variable_markup(document, spec.variables, strict=spec.strict_variables)


def _has_caret(document: Document) -> bool:
    """Whether the page has a text field, in which a caret may blink."""
    return any(e.name in ("input", "textarea") or "contenteditable" in e.attributes for e in document.elements)


def _first_in_head(spec: PageSpec, many_clips: bool, has_caret: bool) -> str:
    """The markup before the author's scripts: the page runtime, and styles."""
    runtime = f'<script src="{PACKAGES_URL}hyperframes/dist/hyperframe.runtime.iife.js"></script>'
    styles = (many_clips, _CLIPS_IN_PLACE), (spec.transparent, _TRANSPARENT), (has_caret, _NO_CARET)
    return runtime + "".join(style for wanted, style in styles if wanted)
