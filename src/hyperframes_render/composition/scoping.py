"""A sub-composition's style sheet kept to the sub-composition: its selectors get the box in front of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

#: Set on a sub-composition's own root where it stands inside its host.
INNER_ROOT = "data-hf-inner-root"
#: What that root's id becomes: two hosts of one file must not have the same id twice.
AUTHORED_ID = "data-hf-authored-id"

#: At-rules whose content is rules again; what stands in others (keyframes, font faces) has no selectors to change.
_CONDITIONAL = {"media", "supports", "layer", "container", "starting-style", "document"}
_SKIPPED = re.compile(r"""/\*.*?(?:\*/|\Z)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^"')]*\)""", re.DOTALL)
#: Gives nothing back while it looks: a thousand openings without an end must not take a million steps.
_URL = re.compile(r"""url\(\s*+(?:(["'])([^"']++)\1|([^"'()\s]++))\s*+\)""")
#: Conditional rules in conditional rules; deeper ones are left as they are.
_MAX_DEPTH = 16


def composition_selector(composition_id: str) -> str:
    """The selector of the host of this composition."""
    return f"[data-composition-id={json.dumps(composition_id, ensure_ascii=False)}]"


def rewrite_urls(css: str, change: Callable[[str], str]) -> str:
    """`css` with every url(...) changed."""

    def changed(match: re.Match[str]) -> str:
        mark = match[1] or ""
        return f"url({mark}{change(match[2] or match[3])}{mark})"

    return _URL.sub(changed, css)


def scope_css(css: str, composition_id: str, *, scope: str, root_id: str | None, depth: int = 0) -> str:
    """`css` in effect below `scope` only.

    `composition_id` is what the sheet itself calls its composition, `root_id` the id of the composition's root.
    Rules for html, body and :root apply to the composition's box. Keyframes and font faces stay global.
    """
    parts = []
    for prelude, block, tail in _rules(css):
        name = re.match(r"@([\w-]+)", prelude.strip())
        if block is None:
            parts.append(prelude + tail)
        elif name is None:
            selectors = ", ".join(_scope_selector(part, composition_id, scope, root_id) for part in _split(prelude))
            parts.append(f"{selectors} {{{block}}}{tail}")
        elif name[1].lower() in _CONDITIONAL and depth < _MAX_DEPTH:
            inner = scope_css(block, composition_id, scope=scope, root_id=root_id, depth=depth + 1)
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


def _scope_selector(selector: str, composition_id: str, scope: str, root_id: str | None) -> str:
    selector = re.sub(r"/\*.*?\*/", "", selector, flags=re.DOTALL).strip()
    if selector in ("", "*"):
        return selector
    box = f"{scope}:not(:has([{INNER_ROOT}])), {scope} > [{INNER_ROOT}]"
    if selector.lower() in ("html", "body", ":root"):
        return box
    if root_id:
        replacement = f"[{AUTHORED_ID}={json.dumps(root_id, ensure_ascii=False)}]"
        selector = re.sub(rf"#{re.escape(root_id)}(?![\w-])", lambda _: replacement, selector)
    own = rf"""\[\s*data-composition-id\s*=\s*(["']?){re.escape(composition_id)}\1\s*\]"""
    timing = r"""\s*\[\s*data-(?:start|duration)\s*=\s*(?:"[^"]*"|'[^']*')\s*\]"""
    own = rf"(?:{timing})*{own}(?:{timing})*"
    if re.fullmatch(own, selector):
        return box
    if re.search(own, selector):
        return re.sub(own, lambda _: scope, selector)
    return f"{scope} {selector}"


def _split(selectors: str) -> list[str]:
    """The selectors of a list; commas in brackets and strings do not count."""
    parts, depth, begin = [], 0, 0
    for match in re.finditer(r"""/\*.*?\*/|"[^"]*"|'[^']*'|\\.|[()\[\],]""", selectors, re.DOTALL):
        token = match[0]
        if token in "([":
            depth += 1
        elif token in ")]":
            depth -= 1
        elif token == "," and depth == 0:
            parts.append(selectors[begin : match.start()])
            begin = match.end()
    return [*parts, selectors[begin:]]


def _rules(css: str) -> Iterator[tuple[str, str | None, str]]:
    """(what stands before the block, the block's content or None, what ends a statement without a block)."""
    position = 0
    while position < len(css):
        at = _find(css, position, "{};")
        if at is None:
            yield css[position:], None, ""
            return
        prelude = css[position:at]
        if css[at] != "{":
            yield prelude, None, css[at]
            position = at + 1
            continue
        end = _end_of_block(css, at + 1)
        # Comments before a rule are no part of its selectors.
        lead = re.match(r"(?:\s|/\*.*?\*/|<!--|-->)*", prelude, re.DOTALL)
        head = lead[0] if lead else ""
        if head:
            yield head, None, ""
        yield prelude[len(head) :], css[at + 1 : end], ""
        position = end + 1


def _find(css: str, position: int, characters: str) -> int | None:
    while position < len(css):
        if match := _SKIPPED.match(css, position):
            position = max(match.end(), position + 1)
        elif css[position] in characters:
            return position
        else:
            position += 1
    return None


def _end_of_block(css: str, position: int) -> int:
    depth = 1
    while depth:
        at = _find(css, position, "{}")
        if at is None:
            return len(css)
        depth += 1 if css[at] == "{" else -1
        position = at + 1
    return position - 1
