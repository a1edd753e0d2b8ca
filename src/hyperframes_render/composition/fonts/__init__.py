"""Which font file stands behind every font-family a composition names.

A picture must not hang on the fonts of the machine that draws it. So a list that begins with a generic family
gets the primary bundled family put before it, and every bundled family (or well-known name that one stands for)
that the page asks for gets @font-face rules. So does any other family that comes as a package: the official renderer
has it from a font host, where that can be reached. What counts as asking is deliberately narrow, because the official
renderer is: `font-family` declarations and custom properties in style elements and style attributes, and the
data-font-family attribute. The `font` shorthand, SVG attributes, scripts, templates and linked stylesheets do not
count, and a style sheet with a syntax error is left alone as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hyperframes_render.composition.fonts.families import (
    SHOWN,
    VARIABLE_TEXT,
    Expander,
    custom_properties,
    families_with_faces,
    wanted_families,
)
from hyperframes_render.composition.fonts.page import TEXT_RENDERING_MARK, declared_families, read_page
from hyperframes_render.composition.fonts.resolve import FontWarning, Resolver, only_in_shorthands, unplaced
from hyperframes_render.composition.fonts.rewrite import primary_places, surface_edits, with_primary
from hyperframes_render.composition.fonts.sheets import Declaration
from hyperframes_render.composition.html import Document

_FONTS_MARK = "data-hyperframes-deterministic-fonts"


_TEXT_RENDERING_STYLE = f"<style {TEXT_RENDERING_MARK}>html,body,*{{text-rendering:geometricPrecision}}</style>"


@dataclass(frozen=True)
class FontOptions:
    """Where fonts come from, and which are looked for.

    `font_root` holds the bundled packages, which are served below `url_prefix`. `also_shown` is text that the document
    will show besides its own. `of_shorthands`: families that only a `font` shorthand names are brought as well, where
    the official renderer leaves them out.
    """

    font_root: Path
    url_prefix: str
    also_shown: str = ""
    of_shorthands: bool = False


def bring_in_fonts(document: Document, options: FontOptions) -> tuple[FontWarning, ...]:
    """Settle every font family that a whole document names; what fell back.

    Linked style sheets do not count: the official renderer never looks into them. A document without a head tag gets
    its lists rewritten but no faces, as there is no place for them.
    """
    html = document.text
    page = read_page(document)
    declarations = [surface.declaration for surface in page.surfaces]
    shifts = primary_places(declarations)
    for edit in surface_edits(html, page.surfaces, shifts):
        document.replace(*edit)
    taken = families_with_faces(html)
    rewritten = [with_primary(declaration, shifts) for declaration in declarations]
    expander = Expander(custom_properties(rewritten))
    if options.of_shorthands:
        rewritten += [Declaration("font-family", families, 0) for families in page.shorthands]
    wanted = wanted_families(rewritten, expander)
    pending = {key: want for key, want in wanted.items() if key not in taken}
    if page.head_end is None:
        return tuple(unplaced(pending.values(), taken))
    resolver = Resolver(html + options.also_shown, options.font_root, options.url_prefix, declared_families(page))
    resolver.resolve(pending, taken)
    resolver.warnings += only_in_shorthands(page.shorthands, wanted, taken, resolver)
    if expander.left_out:
        reason = f"variables of the page's lists are more than {VARIABLE_TEXT:,} characters"
        resolver.warnings.append(FontWarning(expander.left_out[:SHOWN], "the names after it", reason))
    if not page.has_text_rendering:
        document.insert(page.head_end, _TEXT_RENDERING_STYLE)
    if resolver.rules:
        place = page.head_end if page.stylesheet_end is None else page.stylesheet_end
        document.insert(place, f"<style {_FONTS_MARK}>{''.join(resolver.rules)}</style>")
    return tuple(resolver.warnings)
