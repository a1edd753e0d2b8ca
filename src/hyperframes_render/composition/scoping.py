"""Scopes the style sheet of a sub-composition: a selector for its host is put before each of its selectors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from hyperframes_render.composition.css import Kind, tokens, without_comments

#: Set on the root of a sub-composition inside its host.
INNER_ROOT = "data-hf-inner-root"
#: The attribute that holds the id of that root: two hosts of one file must not have the same id.
AUTHORED_ID = "data-hf-authored-id"

#: At-rules that contain rules. Others (keyframes, font faces) have no selectors to change.
_CONDITIONAL = {"media", "supports", "layer", "container", "starting-style", "document"}
#: Attribute selectors for the composition's id and for the times of its clip. No value contains a bracket.
_OWN_OR_TIMING = re.compile(
    r"""\[\s*+(?:data-composition-id\s*+=\s*+(?P<id>"[^"]*+"|'[^']*+'|[^"'\[\]\s]*+)"""
    r"""|data-(?:start|duration)\s*+=\s*+(?:"[^"]*+"|'[^']*+'))\s*+\]"""
)
_LEAD = re.compile(r"(?:\s+|/\*.*?\*/|<!--|-->)*", re.DOTALL)
_NAME_GOES_ON = re.compile(r"[\w-]")
_ID = re.compile(r"#([\w-]++)")
#: Possessive, so that a thousand openings without an end do not take a million steps.
_URL = re.compile(r"""url\(\s*+(?:(["'])([^"']++)\1|([^"'()\s]++))\s*+\)""")
_IMPORT = re.compile(r"""(@import\s++)(["'])([^"'\\\n]++)\2""", re.IGNORECASE)
#: Nesting of conditional rules; deeper ones are not scoped.
_MAX_DEPTH = 16


def composition_selector(composition_id: str) -> str:
    """The selector of the host of this composition."""
    return f"[data-composition-id={json.dumps(composition_id, ensure_ascii=False)}]"


def rewrite_urls(css: str, change: Callable[[str], str]) -> str:
    """`css` with every url(...) and @import "..." changed."""

    def changed(match: re.Match[str]) -> str:
        mark = match[1] or ""
        return f"url({mark}{change(match[2] or match[3])}{mark})"

    css = _URL.sub(changed, css)
    return _IMPORT.sub(lambda match: f"{match[1]}{match[2]}{change(match[3])}{match[2]}", css)


@dataclass(frozen=True)
class Names:
    """The names of a composition in its sheet, and the selectors for it in the page."""

    #: The selector of its host.
    scope: str
    #: The composition's id in the sheet.
    composition_id: str
    #: The id of the composition's root.
    root_id: str | None
    #: Ids that were turned into an attribute, as the root's id.
    authored_ids: Collection[str] = ()


def scope_css(css: str, names: Names, *, depth: int = 0) -> str:
    """`css` scoped to the elements below `names.scope`.

    Rules for html, body and :root apply to the composition's box. Keyframes and font faces stay global.
    """
    parts = []
    for prelude, block, tail in _rules(css):
        name = re.match(r"@([\w-]+)", prelude.strip())
        if block is None:
            parts.append(prelude + tail)
        elif name is None:
            selectors = ", ".join(_scope_selector(part, names) for part in _split(prelude))
            parts.append(f"{selectors} {{{block}}}{tail}")
        elif name[1].lower() == "scope":
            parts.append(f"{_scoped_prelude(prelude, names)}{{{block}}}{tail}")
        elif name[1].lower() in _CONDITIONAL and depth < _MAX_DEPTH:
            inner = scope_css(block, names, depth=depth + 1)
            parts.append(f"{prelude}{{{inner}}}{tail}")
        else:
            parts.append(f"{prelude}{{{block}}}{tail}")
    return "".join(parts)


def with_imports_first(sheets: Sequence[str]) -> str:
    """One sheet of several. Browsers ignore an @import that follows a rule: all of them come first, and before them
    the layers that a sheet orders before its own.
    """
    layers: list[str] = []
    imports: list[str] = []
    parts: list[str] = []
    for css in sheets:
        if "@import" not in css.lower():
            parts.append(css)
            continue
        ordered: list[str] = []
        rest = ""
        imported = False
        for prelude, block, tail in _rules(css):
            text = prelude + tail if block is None else f"{prelude}{{{block}}}{tail}"
            name = re.match(r"\s*(?:/\*.*?\*/\s*)*@([\w-]+)", prelude, re.DOTALL) if block is None else None
            kind = name[1].lower() if name else ""
            if kind == "import":
                imports.append(text.strip().removesuffix(";") + ";")
                imported = True
            elif kind == "layer" and not imported:
                ordered.append(text.strip())
            else:
                rest += text
        layers += ordered
        parts.append(rest)
    return "\n".join(part for part in [*layers, *dict.fromkeys(imports), *parts] if part.strip())


def _scoped_prelude(prelude: str, names: Names) -> str:
    """`@scope (a) to (b)` with the roots limited to the composition: `@scope` alone has the composition as its root."""
    at, opened, rest = prelude.partition("(")
    if not opened or at.split()[-1].lower() != "@scope":
        return f"@scope ({names.scope}){prelude[prelude.lower().index('@scope') + len('@scope') :]}"
    depth, end = 1, len(rest)
    for token in tokens(rest, "()"):
        if token.kind is Kind.MARK:
            depth += 1 if rest[token.start] == "(" else -1
            if depth == 0:
                end = token.start
                break
    roots = ", ".join(_scope_selector(root, names) for root in _split(rest[:end]))
    return f"{at}({roots}{rest[end:]}"


def _scope_selector(selector: str, names: Names) -> str:
    scope, root_id = names.scope, names.root_id
    selector = without_comments(selector).strip()
    if selector in ("", "*"):
        return selector
    box = f"{scope}:not(:has([{INNER_ROOT}])), {scope} > [{INNER_ROOT}]"
    if selector.lower() in ("html", "body", ":root"):
        return box
    if root_id:
        selector = _with_authored_id(selector, root_id)
    if names.authored_ids:
        selector = _ID.sub(lambda m: authored(m[1]) if m[1] in names.authored_ids else m[0], selector)
    own = _own_places(selector, names.composition_id)
    if own == [(0, len(selector))]:
        return box
    if own:
        ends = [0, *(end for _, end in own)]
        between = [selector[end:start] for end, (start, _) in zip(ends, own, strict=False)]
        return scope.join([*between, selector[ends[-1] :]])
    return f"{scope} {selector}"


def _with_authored_id(selector: str, root_id: str) -> str:
    """`selector` with the attribute that now holds the root's id in place of its id."""
    first, *others = selector.split(f"#{root_id}")
    return first + "".join(
        (f"#{root_id}" if _NAME_GOES_ON.match(other) else authored(root_id)) + other for other in others
    )


def authored(name: str) -> str:
    """The selector for the element that had this id in its file."""
    return f"[{AUTHORED_ID}={json.dumps(name, ensure_ascii=False)}]"


def _own_places(selector: str, composition_id: str) -> list[tuple[int, int]]:
    """Where `selector` names the composition itself, with the times of its clip that stand beside its name."""
    places: list[tuple[int, int]] = []
    start = end = 0
    named = False
    for match in _OWN_OR_TIMING.finditer(selector):
        between, value = selector[end : match.start()], match["id"]
        if value is not None and (value[1:-1] if value[:1] in ("'", '"') else value) != composition_id:
            continue
        joins = (not between.strip() if value is None else not between and not named) and end > 0
        if not joins:
            if named:
                places.append((start, end))
            # White space before a time belongs to it, as between two of them.
            start = match.start() if value is not None else end + len(between.rstrip())
            named = False
        named = named or value is not None
        end = match.end()
    return [*places, (start, end)] if named else places


def _split(selectors: str) -> list[str]:
    """The selectors of a list; commas in brackets and strings do not count."""
    parts, depth, begin = [], 0, 0
    for token in tokens(selectors, "()[],"):
        if token.kind is not Kind.MARK:
            continue
        mark = selectors[token.start]
        if mark in "([":
            depth += 1
        elif mark in ")]":
            depth -= 1
        elif depth == 0:
            parts.append(selectors[begin : token.start])
            begin = token.end
    return [*parts, selectors[begin:]]


def _rules(css: str) -> Iterator[tuple[str, str | None, str]]:
    """(text before the block, content of the block or None, end of a statement without a block)."""
    marks, position = _marks(css), 0
    for at, mark in marks:
        prelude = css[position:at]
        if mark != "{":
            yield prelude, None, mark
            position = at + 1
            continue
        end = _end_of_block(marks, len(css))
        # Comments before a rule are no part of its selectors.
        lead = _LEAD.match(prelude)
        head = lead[0] if lead else ""
        if head:
            yield head, None, ""
        yield prelude[len(head) :], css[at + 1 : end], ""
        position = end + 1
    if position < len(css):
        yield css[position:], None, ""


def _marks(css: str) -> Iterator[tuple[int, str]]:
    """The offsets of braces and semicolons of `css`, without those in comments, strings and addresses."""
    for token in tokens(css, "{};"):
        if token.kind is Kind.COMMENT and not token.closed:
            return  # all that follows is a comment
        if token.kind is Kind.MARK:
            yield token.start, css[token.start]


def _end_of_block(marks: Iterator[tuple[int, str]], length: int) -> int:
    """The end of the block that the last of `marks` opened; `length` if nothing closes it."""
    depth = 1
    for at, mark in marks:
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth == 0:
            return at
    return length
