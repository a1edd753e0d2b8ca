"""The caller's values for a composition's variables: checked against what it declares, and given to the page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from hyperframes_render.composition.inline import declared_variables, variables_style
from hyperframes_render.composition.markup import read_json, scan
from hyperframes_render.errors import InvalidOption

#: Which values of JSON fit a declared type; an unknown type takes anything.
_FITS = {
    "string": lambda value: isinstance(value, str),
    "color": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
    "boolean": lambda value: isinstance(value, bool),
    "enum": lambda value: isinstance(value, str),
    "font": lambda value: isinstance(value, (str, dict)),
    "image": lambda value: isinstance(value, (str, dict)),
}


def give_variables(html: str, values: Mapping[str, Any], *, strict: bool) -> tuple[str, list[str]]:
    """What goes first in the head so that the page sees `values`, and what does not fit its declarations.

    `html` is the whole composition. With `strict` a misfit is an error: raises InvalidOption.
    """
    declarations, defaults = _declarations(html)
    problems = list(_problems(values, declarations))
    if strict and problems:
        raise InvalidOption(f"variables: {'; '.join(problems[:3])}.", "Mend the values, or leave strict_variables out.")
    # "</script>" in a value must not end the script.
    text = json.dumps(dict(values)).replace("<", "\\u003c")
    script = f"<script>window.__hfVariables={text}</script>"
    style = variables_style(":root", {**defaults, **values})
    head = script + (f"<style>{style}</style>" if style else "")
    return head, [f"variables: {problem}." for problem in problems]


def _declarations(html: str) -> tuple[dict[str, dict[str, Any]], dict[str, object]]:
    """The declarations of the composition by name, and their defaults; templates declare for themselves."""
    for element in scan(html):
        text = element.attributes.get("data-composition-variables")
        if text is None or element.within("template"):
            continue
        entries = read_json(text)
        if isinstance(entries, list):
            found = {str(entry["id"]): entry for entry in entries if isinstance(entry, dict) and entry.get("id")}
            return found, declared_variables(text)
    return {}, {}


def _problems(values: Mapping[str, Any], declarations: Mapping[str, dict[str, Any]]) -> Iterable[str]:
    for name, value in values.items():
        declared = declarations.get(name)
        if declared is None:
            known = ", ".join(sorted(declarations)) or "none"
            yield f'"{name[:60]}" is not declared by the composition (declared: {known[:200]})'
            continue
        kind = str(declared.get("type", ""))
        if not _FITS.get(kind, lambda _: True)(value):
            yield f'"{name}" is a {kind}, not {json.dumps(value)[:60]}'
        elif kind == "enum" and (options := _options(declared)) and value not in options:
            yield f'"{name}" is one of {", ".join(options)}, not {json.dumps(value)[:60]}'


def _options(declared: Mapping[str, Any]) -> list[str]:
    """The values of an enum: plain, or objects with a value."""
    options = declared.get("options")
    if not isinstance(options, list):
        return []
    return [str(option.get("value")) if isinstance(option, dict) else str(option) for option in options]
