"""Which font file stands behind every font family that a composition names.

A frame must not depend on the fonts of the machine that draws it. A list that begins with a generic family gets the
primary bundled family before it. Every bundled family, every well-known name that a bundled family replaces, and every
family that comes as a package gets @font-face rules, wherever the page names it.

The official renderer looks into few places: `font-family` declarations and custom properties in style elements and
style attributes, and the data-font-family attribute. It ignores the `font` shorthand, SVG attributes, scripts,
templates, linked style sheets, and style sheets with a syntax error. It has three weights and the Latin letters of a
family. For comparisons, the environment variable HYPERFRAMES_RENDER_FONTS=official selects its rule.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hyperframes_render.composition.fonts.families import (
    SHOWN,
    VARIABLE_TEXT,
    Expander,
    Want,
    custom_properties,
    families_with_faces,
    wanted_families,
)
from hyperframes_render.composition.fonts.files import ProjectTexts, texts_of_project
from hyperframes_render.composition.fonts.mentions import Mentions, read_mentions
from hyperframes_render.composition.fonts.page import (
    TEXT_RENDERING_MARK,
    Page,
    declared_families,
    families_of_links,
    read_page,
)
from hyperframes_render.composition.fonts.resolve import (
    FontWarning,
    Resolver,
    UnreadFiles,
    of_steps,
    only_in_shorthands,
    unplaced,
)
from hyperframes_render.composition.fonts.rewrite import primary_places, surface_edits, with_primary
from hyperframes_render.composition.fonts.weights import weights_of
from hyperframes_render.composition.html import Document

_FONTS_MARK = "data-hyperframes-deterministic-fonts"

#: Loads the faces of these families (in lower case), for scripts that draw text once the page's fonts are there.
_LOAD = (
    "<script>{const n=%s;document.fonts.forEach(f=>n.includes(f.family.replace(/[\"']/g,'').toLowerCase())"
    "&&f.load().catch(()=>{}))}</script>"
)
_TEXT_RENDERING_STYLE = f"<style {TEXT_RENDERING_MARK}>html,body,*{{text-rendering:geometricPrecision}}</style>"


@dataclass(frozen=True)
class FontOptions:
    """Where fonts come from, and which are looked for.

    `font_root` has the packages, which are served below `url_prefix`. `also_shown` is text that the document will show
    besides its own. `project` is the folder with the files that the page `entry` uses; None if there is none.
    `official`: the rule of the official renderer.
    """

    font_root: Path
    url_prefix: str
    also_shown: str = ""
    project: Path | None = None
    entry: str = "index.html"
    official: bool = False


def official_rule() -> bool:
    """Whether the environment selects the official renderer's rule, for comparisons with it."""
    return os.environ.get("HYPERFRAMES_RENDER_FONTS") == "official"


def add_fonts(document: Document, options: FontOptions) -> tuple[FontWarning | UnreadFiles, ...]:
    """Put @font-face rules for the families that a whole document names into it. Returns the families that fall back.

    A document without a head tag gets its lists rewritten but no faces, as there is no place for them.
    """
    html = document.text
    page = read_page(document)
    declarations = [surface.declaration for surface in page.surfaces]
    shifts = primary_places(declarations)
    for edit in surface_edits(html, page.surfaces, shifts):
        document.replace(*edit)
    named = [with_primary(declaration, shifts) for declaration in declarations]
    files = _files(document, options)
    found = Mentions() if options.official else read_mentions(document, page, files, options.also_shown)
    taken = families_with_faces(html) | found.faces
    expander = Expander(custom_properties([*found.declarations, *named]))
    wanted = wanted_families([*named, *found.declarations], expander)
    of_scripts = [name for name in found.known_families(options.font_root) if name.lower() not in wanted]
    wanted |= {name.lower(): Want(name, (), optional=True) for name in of_scripts}
    pending = {key: want for key, want in wanted.items() if key not in taken}
    if page.head_end is None:
        return tuple(unplaced(pending.values(), taken))
    texts = [html, options.also_shown, *found.texts]
    weights = None if options.official else weights_of(texts)
    declared = declared_families(page)
    linked = {} if options.official else families_of_links(page)
    resolver = Resolver("".join(texts), options.font_root, options.url_prefix, declared, weights, linked)
    resolver.resolve(pending, taken)
    resolver.warnings += of_steps(resolver, pending, bool(taken))
    if options.official:
        resolver.warnings += only_in_shorthands(page.shorthands, wanted, taken, resolver)
    if expander.left_out:
        reason = f"variables of the page's lists are more than {VARIABLE_TEXT:,} characters"
        resolver.warnings.append(FontWarning(expander.left_out[:SHOWN], "the names after it", reason))
    _insert(document, page, resolver.rules, of_scripts)
    return (*resolver.warnings, *([UnreadFiles(tuple(files.left_out))] if files.left_out else []))


def _files(document: Document, options: FontOptions) -> ProjectTexts:
    if options.project is None or options.official:
        return ProjectTexts()
    return texts_of_project(document, options.project, options.entry)


def _insert(document: Document, page: Page, rules: list[str], of_scripts: list[str]) -> None:
    """Put the rules into the document. Families that only scripts name are loaded at once: no text needs them yet."""
    assert page.head_end is not None
    if not page.has_text_rendering:
        document.insert(page.head_end, _TEXT_RENDERING_STYLE)
    if rules:
        load = _LOAD % json.dumps([name.lower() for name in of_scripts]) if of_scripts else ""
        place = page.head_end if page.stylesheet_end is None else page.stylesheet_end
        document.insert(place, f"<style {_FONTS_MARK}>{''.join(rules)}</style>{load}")
