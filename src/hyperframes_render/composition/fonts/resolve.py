"""From the families that a page asks for to @font-face rules and warnings."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from hyperframes_render.composition.fonts.catalogue import bundled_catalogue
from hyperframes_render.composition.fonts.families import AFTER, Want
from hyperframes_render.composition.fonts.files import MAX_BYTES, MAX_FILES
from hyperframes_render.composition.fonts.page import DeclaredFamily, spelling
from hyperframes_render.composition.fonts.sheets import css_string, split_families
from hyperframes_render.composition.fonts.weights import Weights
from hyperframes_render.packages.font_hosts import LinkedFamily
from hyperframes_render.packages.fonts import (
    has_variable_font,
    is_packaged,
    letters_of,
    letters_outside,
    named_family_rules,
    packaged_weights,
    variable_axes,
    variable_family_rules,
)
from hyperframes_render.paths import file_inside


@dataclass(frozen=True)
class FontFace:
    """One @font-face rule we wrote: the family as the page names it, and the file behind it."""

    family: str
    weight: int
    style: str
    file: str


@dataclass(frozen=True)
class FontWarning:
    """A family the page asks for and does not get as asked."""

    family: str
    fallback: str
    reason: str

    def __str__(self) -> str:
        return f'font-family "{self.family}" falls back to {self.fallback}: {self.reason}'

    @property
    def sentence(self) -> str:
        """The warning for the result of a render."""
        return f'Font "{self.family}" fell back to {self.fallback}: {self.reason}.'


@dataclass(frozen=True)
class UnreadFiles:
    """Files of the project that were not searched for fonts."""

    names: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The warning for the result of a render."""
        named = ", ".join(name[:100] for name in self.names[:3]) + ", …" * (len(self.names) > 3)
        return (
            f"Not searched for fonts and letters: {named}. The limit is {MAX_FILES} files of a page with {MAX_BYTES} "
            "bytes in all. Name the families of these files in a font-family declaration of the page."
        )


_UNKNOWN = (
    "it is neither bundled nor declared by the page, so only an installed font of that name can serve; "
    "link its font host's style sheet or bring the file with an @font-face rule"
)


#: Bytes of font files that are put into a page besides the bundled ones.
_MAX_EMBEDDED = 1024**2


@dataclass
class Resolver:
    """Gathers the rules, faces and warnings of one page."""

    text: str
    font_root: Path
    url_prefix: str
    declared: Mapping[str, list[DeclaredFamily]]
    #: What the page uses; None for the official rule, by which a bundled family has its bundled faces only.
    weights: Weights | None = None
    #: What the page's links to font hosts name, by lower-case family.
    linked: Mapping[str, LinkedFamily] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    warnings: list[FontWarning] = field(default_factory=list)
    #: Bytes of further font files that may be put into the page.
    _room: int = _MAX_EMBEDDED

    def resolve(self, wanted: Mapping[str, Want], taken: frozenset[str]) -> None:
        """Collect rules in the order of asking, families that only a var() fallback names last."""
        unsettled: dict[str, Want] = {}
        settled = set(taken)
        for key, want in sorted(wanted.items(), key=lambda item: item[1].optional):
            if self._bundled(key, want.family) or self._is_had(want.family):
                settled.add(key)
            else:
                unsettled[key] = want
        for key, want in unsettled.items():
            reason = "its files are missing" if key in bundled_catalogue().files else _UNKNOWN
            self.warnings.append(FontWarning(want.family, _fallback(want.after, settled), reason))

    def _bundled(self, key: str, family: str) -> bool:
        files = bundled_catalogue().files.get(key, ())
        present = [file for file in files if (self.font_root / file.path).is_file()]
        if present and self.weights is not None:
            package = present[0].path.split("/")[1].replace("-", " ")
            if self._variable(package, family):
                return True
            self._supplement(package, family, [file.weight for file in present])
        for file in present:
            face = FontFace(family, file.weight, file.style, file.path)
            self.rules.append(_face_rule(face, _data_address(self.font_root / file.path)))
        if present and len(present) < len(files):
            missing = ", ".join(file.path for file in files if file not in present)
            self.warnings.append(FontWarning(family, "its other weights", f"{missing} is missing"))
        return bool(present)

    def _is_had(self, family: str) -> bool:
        # A link comes last: its answer shows what the font host does not have.
        return self._respelled(family) or self._packaged(family) or self.is_linked(family)

    def is_linked(self, family: str) -> bool:
        return any(entry.family.lower() == family.lower() for entry in self.declared.get(spelling(family), ()))

    @cached_property
    def _letters(self) -> list[int]:
        return letters_of(self.text)

    @cached_property
    def _other_letters(self) -> list[int]:
        """The page's letters that the bundled files do not have."""
        return letters_outside(self._letters, bundled_catalogue().unicode_range)

    def _supplement(self, package: str, family: str, bundled: list[int]) -> None:
        """Add what the page uses of a bundled family's package besides the bundled files: scripts, weights, italics.

        The rules come before those of the bundled files, which win where both have a letter.
        """
        assert self.weights is not None
        quoted = css_string(family)
        scripts = [(False, weight) for weight in bundled]
        for faces, letters in (
            (scripts, self._other_letters),
            (self.weights.faces_beside(bundled), self._letters),
        ):
            if letters:
                rules = named_family_rules(package, quoted, letters, self.font_root, self.url_prefix, faces=faces)
                self.rules += map(self._embedded, rules)

    def _variable(self, package: str, family: str) -> bool:
        """Serve the variable font of a package, where the page uses or links what only that has."""
        link = self.linked.get(family.lower())
        axes = link.axes if link is not None else set()
        if self.weights is None or not (axes or self.weights.varies):
            return False
        rules = variable_family_rules(
            package,
            css_string(family),
            self._letters,
            self.font_root,
            self.url_prefix,
            axes=self.weights.axes | axes,
            italic=self.weights.italic,
        )
        self.rules += rules
        return bool(rules)

    def _embedded(self, rule: str) -> str:
        """A rule with its file in it, as for the bundled files. Beyond a megabyte in all, files stay addresses."""
        source = re.search(rf"src:\s*url\({re.escape(self.url_prefix)}([^)]*\.woff2)\)[^;}}]*", rule)
        file = file_inside(self.font_root, source[1]) if source else None
        if source is None or file is None or file.stat().st_size > self._room:
            return rule
        self._room -= file.stat().st_size
        return f"{rule[: source.start()]}src:url({_data_address(file)}) format('woff2'){rule[source.end() :]}"

    def _packaged(self, family: str) -> bool:
        if self._variable(family, family):
            return True
        quoted = css_string(family)
        rules = named_family_rules(family, quoted, self._letters, self.font_root, self.url_prefix)
        self.rules += rules
        return bool(rules)

    def _respelled(self, family: str) -> bool:
        """Serve `OpenSans` or `open-sans` by the one declared family that differs only in spaces and the like."""
        alike = self.declared.get(spelling(family), [])
        if len(alike) != 1 or alike[0].family.lower() == family.lower():
            return False
        declared = alike[0]
        self.rules += [rule.renamed(family) for rule in declared.rules]
        if not declared.rules and not self._bundled(declared.family.lower(), family):
            return False
        reason = "the page declares that name; correct the font-family"
        self.warnings.append(FontWarning(family, f'"{declared.family}"', reason))
        return True


_VARIABLE_LACKS = (
    "its variable font is in no package, so font-variation-settings have no effect and weights come in these steps"
)


def of_steps(resolver: Resolver, wanted: Mapping[str, Want], own_faces: bool) -> Iterator[FontWarning]:
    """Families whose packages lack weights that the page links, or the variable font that it uses.

    With faces of the page's own (`own_faces`), settings of axes may belong to these: only linked families count.
    """
    if (uses := resolver.weights) is None:
        return
    families = {key: want.family for key, want in wanted.items()}
    for key, family in {**{key: key for key in resolver.linked}, **families}.items():
        weights = packaged_weights(family, resolver.font_root)
        if not weights or has_variable_font(family, resolver.font_root):
            continue
        link = resolver.linked.get(key)
        asked = {weight for italic, weight in link.faces if not italic} if link is not None else set()
        varied = link.axes if link is not None else set() if own_faces else variable_axes(family, resolver.font_root)
        if link is None and "wght" in varied and len(weights) == 1:
            asked = set(uses.named)
        fallback = _listed(weights)
        if asked - weights:
            yield FontWarning(family, fallback, f"no package has its {_listed(asked - weights)}")
        elif varied and uses.varies:
            yield FontWarning(family, fallback, _VARIABLE_LACKS)


def _listed(weights: Collection[int]) -> str:
    return f"weight{'s' * (len(weights) > 1)} {', '.join(map(str, sorted(weights)))}"


_SHORTHAND = "only the font shorthand names it, which brings no font; name it in a font-family declaration too"


def only_in_shorthands(
    lists: Iterable[str], wanted: Mapping[str, Want], taken: frozenset[str], resolver: Resolver
) -> Iterator[FontWarning]:
    """Families that would be added if a font-family declaration named them. Others, such as Arial, the machine has
    or has another for.
    """
    reported = {*wanted, *taken}
    for names in map(split_families, lists):
        for index, family in enumerate(names):
            key = family.lower()
            if key in reported or not (key in bundled_catalogue().bundled or is_packaged(family, resolver.font_root)):
                continue
            reported.add(key)
            if not resolver.is_linked(family):
                yield FontWarning(family, _fallback(names[index + 1 : index + 1 + AFTER], taken), _SHORTHAND)


@lru_cache(maxsize=64)  # some 25 KB each
def _data_address(file: Path) -> str:
    """A font as a data address: an SVG image, into which some pages copy their styles, loads no other file."""
    return f"data:font/woff2;base64,{b64encode(file.read_bytes()).decode()}"


def _face_rule(face: FontFace, address: str) -> str:
    return (
        f"@font-face{{font-family:{css_string(face.family)};src:url({css_string(address)}) format('woff2');"
        f"font-style:{face.style};font-weight:{face.weight};font-display:block;"
        f"unicode-range:{bundled_catalogue().unicode_range}}}"
    )


def unplaced(wanted: Iterable[Want], taken: frozenset[str]) -> Iterator[FontWarning]:
    for want in wanted:
        yield FontWarning(want.family, _fallback(want.after, taken), "the document has no head tag to put fonts in")


def _fallback(after: Iterable[str], settled: Collection[str]) -> str:
    for name in after:
        if name.lower() in settled:
            return f'"{name}"'
        if name.lower() in bundled_catalogue().generic:
            return f"this machine's {name}"
    return "this machine's default font"
