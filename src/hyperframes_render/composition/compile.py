"""The composition as it is served to the page: sized, with its fonts and the page runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from hyperframes_render.composition.declared import (
    Declared,
    as_document,
    with_head_start,
    with_page_root,
    with_root_attributes,
)
from hyperframes_render.composition.fonts import resolve_fonts
from hyperframes_render.composition.scripts import delay_until_fonts_load
from hyperframes_render.composition.sub_compositions import inline_sub_compositions
from hyperframes_render.composition.variables import variable_markup, with_rules_last

#: Where the door serves pinned packages (browser/interceptor.py).
PACKAGES_URL = "/__hyperframes_render__/packages/"


#: The page runtime puts the root's clips in place one by one, and lays the page out anew after each that is not there
#: already: 20 s for 2,500 clips. Beyond so many the page begins with what the runtime would come to.
_MANY_CLIPS = 300
_ROOT = "[data-composition-id]:not([data-composition-id] [data-composition-id])"
_CLIPS_IN_PLACE = f"<style>:where({_ROOT} > [data-start]){{position:absolute}}</style>"


@dataclass(frozen=True)
class PageSpec:
    """What the page is asked for: size in CSS pixels, frames per second, and the caller's length in seconds."""

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
    #: What the page itself says of its length, in seconds.
    declared_duration: float | None = None
    #: For a page at an address elsewhere: its scripts run when a browser would run them, and their errors are warnings.
    lenient_scripts: bool = False

    @property
    def device_width(self) -> int:
        """Width of a picture in device pixels."""
        return max(1, round(self.width * self.scale))

    @property
    def device_height(self) -> int:
        """Height of a picture in device pixels."""
        return max(1, round(self.height * self.scale))


#: As the official renderer does for formats with alpha: what the composition paints on html and body is the page's.
_TRANSPARENT = "<style>html,body{background:transparent!important}</style>"


@dataclass(frozen=True)
class CompiledPage:
    """The markup to serve, and what was noticed on the way."""

    html: str
    warnings: tuple[str, ...]


def compile_page(html: str, declared: Declared, spec: PageSpec, *, project: Path, packages: Path) -> CompiledPage:
    """Give the root the caller's size and length, bring in sub-compositions of the folder `project`, resolve fonts,
    put the page runtime first in the head. Raises InvalidComposition, or InvalidOption for variables.
    """
    warnings = list(declared.warnings)
    for name, asked, said in (("width", spec.width, declared.width), ("height", spec.height, declared.height)):
        if said is not None and said != asked:
            warnings.append(
                f"The composition declares data-{name}={said} and is rendered at {asked}; nothing is scaled."
            )
    values = {"data-width": str(spec.width), "data-height": str(spec.height)}
    if spec.duration is not None:
        values["data-duration"] = f"{spec.duration:.12g}"
    if declared.rootless:
        html = with_page_root(html)
    document = as_document(with_root_attributes(html, values), rootless=declared.rootless)
    if not spec.lenient_scripts:
        document = delay_until_fonts_load(document)
    inlined = inline_sub_compositions(document, project)
    warnings += inlined.warnings
    whole, given = inlined.html, ""
    if spec.variables or "data-composition-variables" in html:
        variables = variable_markup(html, spec.variables, strict=spec.strict_variables)
        # Before the fonts are looked for: a variable may name one.
        whole, given = with_rules_last(whole, variables.style), variables.script
        warnings += variables.problems
    shown = json.dumps(spec.variables, ensure_ascii=False)
    fonts = resolve_fonts(
        whole, font_root=packages, url_prefix=PACKAGES_URL, also_shown=shown, of_shorthands=declared.rootless
    )
    warnings.extend(
        f'Font "{warning.family}" fell back to {warning.fallback}: {warning.reason}.' for warning in fonts.warnings
    )
    first = f'<script src="{PACKAGES_URL}hyperframes/dist/hyperframe.runtime.iife.js"></script>'
    if inlined.html.count("data-start") > _MANY_CLIPS:
        first += _CLIPS_IN_PLACE
    if spec.transparent:
        first += _TRANSPARENT
    return CompiledPage(with_head_start(fonts.html, given + first), tuple(warnings))
