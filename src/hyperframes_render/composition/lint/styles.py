"""Rules on style sheets: linked files, classes that nearly match, and rules that hide what a tween should show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hyperframes_render.composition.css import with_blank_comments
from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.assets import Assets, css_faults
from hyperframes_render.composition.lint.scripts import Script
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem

#: The innermost blocks of a sheet. Nested rules and keyframes are read as blocks of their own.
_BLOCK = re.compile(r"([^{};]{1,2000})\{([^{}]*)\}")
_CLASS = re.compile(r"\.([A-Za-z_][\w-]*)")
_ONE_NAME = re.compile(r"[.#][A-Za-z_][\w-]*")
_HIDDEN = re.compile(r"(?<![\w-])opacity\s*:\s*0(?:\.0+)?(?:\s*!important)?\s*(?:;|$)", re.IGNORECASE)
_IMPORT = re.compile(r"""@import\s+(?:url\(\s*)?["']([^"']{1,500})["']""", re.IGNORECASE)
#: How alike a class and a misspelling of it are; "tilte" and "title" have 0.8.
_NEAR = 0.75
#: Shorter names are too often alike by chance.
_SHORTEST = 4


@dataclass(frozen=True)
class Sheet:
    """A style sheet: a style element of an HTML file or a CSS file. `offset` is where its text begins in `file`."""

    file: SourceFile
    offset: int
    text: str

    def rules(self) -> Iterator[tuple[str, int, str, int]]:
        """Selector, its offset in `file`, declarations, their offset in `file`."""
        for block in _BLOCK.finditer(self.text):
            selector = block[1].strip()
            at = self.offset + block.start(1) + len(block[1]) - len(block[1].lstrip())
            yield selector, at, block[2], self.offset + block.start(2)


def sheets_of(page: SourceFile, linked: Sequence[SourceFile]) -> list[Sheet]:
    """The sheets of an HTML file, and those in the CSS files that it links. Comments are blank."""
    own = [
        Sheet(page, e.open_end, with_blank_comments(page.document.content_of(e)))
        for e in page.document.elements
        if e.name == "style" and not e.within("noscript")
    ]
    return [*own, *(Sheet(file, 0, with_blank_comments(file.text)) for file in linked)]


def linked_sheet_faults(file: SourceFile, assets: Assets) -> Iterator[Problem]:
    """Files that a CSS file names and that are not in the project."""
    yield from css_faults(file, file.text, 0, assets, None)
    for found in _IMPORT.finditer(with_blank_comments(file.text)):
        address = found[1]
        elsewhere = re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.IGNORECASE) or "url(" in found[0].lower()
        if not elsewhere and assets.resolve(file.name, address) is None:
            yield file.problem(
                found.start(),
                "missing_local_asset",
                "error",
                f"{address[:120]} is not in the project.",
                "Add the file, or correct the name.",
            )


def class_faults(page: SourceFile, sheets: Sequence[Sheet], everything: str) -> Iterator[Problem]:
    """Rules for a class that no element has, where an element has a class of nearly that name and no rule names it."""
    used = {name for e in page.document.elements for name in e.attributes.get("class", "").split()}
    styled = {name for sheet in sheets for selector, *_ in sheet.rules() for name in _CLASS.findall(selector)}
    without = {name for name in used - styled if len(name) >= _SHORTEST}
    for sheet in sheets:
        for selector, at, _, _ in sheet.rules():
            for found in _CLASS.finditer(selector):
                name = found[1]
                if name in used or len(name) < _SHORTEST or selector.lstrip().startswith("@"):
                    continue
                close = difflib.get_close_matches(name, sorted(without), 1, _NEAR)
                mentions = len(re.findall(rf"(?<![\w-]){re.escape(name)}(?![\w-])", everything))
                own = len(re.findall(rf"\.{re.escape(name)}(?![\w-])", "".join(s.text for s in sheets)))
                if not close or mentions > own or _is_variant(name, close[0]):
                    continue
                start = at + found.start(1)
                yield sheet.file.problem(
                    start - 1,
                    "style_for_no_element",
                    "warning",
                    f'No element has the class "{name}": the rule has no effect.',
                    f'Did you mean "{close[0]}"?',
                    patch=(start, start + len(name), close[0]),
                )


def _is_variant(name: str, other: str) -> bool:
    """Whether two names differ by a number, a plural or a suffix, as the names of a series do."""
    plain = [re.sub(r"\d+|s$", "", text) for text in (name, other)]
    longer = abs(len(name) - len(other)) > 1
    return plain[0] == plain[1] or (longer and (name.startswith(other) or other.startswith(name)))


def hidden_start_faults(page: SourceFile, sheets: Sequence[Sheet], scripts: Sequence[Script]) -> Iterator[Problem]:
    """Tweens `from` opacity 0 of elements that their style hides: they go from 0 to 0."""
    tweens = [(script, fact) for script in scripts for fact in script.facts["tweens"]]
    shown = {fact["selector"] for _, fact in tweens if fact["method"] != "from" and (fact["opacity"] or 0) > 0}
    for script, fact in tweens:
        selector = fact["selector"] or ""
        if fact["method"] != "from" or fact["opacity"] != 0 or not _ONE_NAME.fullmatch(selector) or selector in shown:
            continue
        place = _hiding_place(page, sheets, selector)
        if place is None:
            continue
        file, start, end = place
        line, _ = file.place(start)
        yield script.file.problem(
            script.place_of(fact),
            "gsap_from_opacity_noop",
            "error",
            f'The tween goes from opacity 0 to opacity 0: the style of "{selector}" hides it ({file.name}:{line}).',
            "Remove opacity: 0 from the style.",
            patch=(start, end, "") if file is script.file else None,
        )


def _hiding_place(page: SourceFile, sheets: Sequence[Sheet], selector: str) -> tuple[SourceFile, int, int] | None:
    """Where the style says that the elements of `selector` have opacity 0."""
    for sheet in sheets:
        for names, _, declarations, at in sheet.rules():
            if selector in (part.strip() for part in names.split(",")) and (hit := _HIDDEN.search(declarations)):
                return sheet.file, at + hit.start(), at + hit.end()
    for element in page.document.elements:
        span = page.value_range(element, "style") if _matches(element, selector) else None
        if span and (hit := _HIDDEN.search(page.text[span[0] : span[1]])):
            return page, span[0] + hit.start(), span[0] + hit.end()
    return None


def _matches(element: Element, selector: str) -> bool:
    if selector[0] == "#":
        return element.attributes.get("id") == selector[1:]
    return selector[1:] in element.attributes.get("class", "").split()


def root_hidden_faults(page: SourceFile, sheets: Sequence[Sheet]) -> Iterator[Problem]:
    """`display: none` on the root, by a rule that names it or in its style attribute."""
    root = next((e for e in page.document.elements if "data-composition-id" in e.attributes), None)
    if root is None or root.within("template"):
        return
    names = {f"#{root.attributes.get('id')}", f'[data-composition-id="{root.attributes["data-composition-id"]}"]'}
    names |= {f".{name}" for name in root.attributes.get("class", "").split()}
    places: list[tuple[SourceFile, int, str]] = []
    if span := page.value_range(root, "style"):
        places.append((page, span[0], page.text[span[0] : span[1]]))
    for sheet in sheets:
        for selector, _, declarations, at in sheet.rules():
            if names & {part.strip() for part in selector.split(",")}:
                places.append((sheet.file, at, declarations))
    for file, at, declarations in places:
        if hit := re.search(r"(?<![\w-])display\s*:\s*none\s*(?:!important\s*)?;?", declarations, re.IGNORECASE):
            yield file.problem(
                at + hit.start(),
                "root_hidden",
                "error",
                "The root has display: none: nothing is ever seen.",
                "Remove display: none.",
                patch=(at + hit.start(), at + hit.end(), ""),
            )
