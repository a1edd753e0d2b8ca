"""The caller's values for a composition's variables: checked against the declarations, and passed to the page."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hyperframes_render.composition.html import Document, Element, read_json
from hyperframes_render.composition.scoping import composition_selector
from hyperframes_render.composition.sub_compositions import (
    declared_variables,
    end_of,
    not_authored,
    sheets_of,
    variables_style,
)
from hyperframes_render.errors import InvalidOption

#: Checks of a JSON value by declared type; an unknown type takes any value.
_FITS = {
    "string": lambda value: isinstance(value, str),
    "color": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
    "boolean": lambda value: isinstance(value, bool),
    "enum": lambda value: isinstance(value, str),
    "font": lambda value: isinstance(value, (str, dict)),
    "image": lambda value: isinstance(value, (str, dict)),
}


def fits(kind: str, value: object) -> bool:
    """Whether a JSON value is of a declared type. An unknown type takes any value."""
    return bool(_FITS.get(kind, lambda _: True)(value))


@dataclass(frozen=True)
class VariableMarkup:
    """The markup that passes variables to a page: a script for the start of the head, rules for its end, and what
    does not fit the declarations.
    """

    script: str
    style: str
    problems: tuple[str, ...]


def variable_markup(document: Document, values: Mapping[str, Any], *, strict: bool) -> VariableMarkup:
    """The markup that passes the declared defaults to the page, overridden by the caller's `values`.

    `document` is the page without its sub-compositions. With `strict` a misfit is an error: raises InvalidOption.
    """
    declarer, declarations, defaults = _declarations(document.elements)
    problems = list(_problems(values, declarations))
    if strict and problems:
        raise InvalidOption(f"variables: {'; '.join(problems[:3])}.", "Mend the values, or leave strict_variables out.")
    # "</script>" in a value must not end the script.
    text = json.dumps(dict(values)).replace("<", "\\u003c")
    script = f"<script>window.__hfVariables={text}</script>" if values else ""
    rules = variables_style(_selector(declarer), {**not_authored(defaults, sheets_of(document)), **values})
    style = f"<style>{rules}</style>" if rules else ""
    return VariableMarkup(script, style, tuple(f"variables: {problem}." for problem in problems))


def add_rules_last(document: Document, style: str) -> None:
    """Add `style` last in the head, so that it goes over the author's own rules; where there is no head, after the last
    style sheet.
    """
    sheets = [e.end for e in document.elements if e.name == "style" and not e.within("template")]
    headless = sheets and document.first("head") is None
    document.insert(sheets[-1] if headless else end_of(document, "head"), style)


def _selector(declarer: Element | None) -> str:
    """The selector of the rules: the composition that declares the variables, or the whole page."""
    name = declarer.attributes.get("data-composition-id", "") if declarer is not None else ""
    return composition_selector(name) if name and declarer is not None and declarer.name != "html" else ":root"


def _declarations(
    elements: list[Element],
) -> tuple[Element | None, dict[str, dict[str, Any]], dict[str, object]]:
    """Who declares the composition's variables, the declarations by name, and their defaults; templates declare for
    themselves.
    """
    for element in elements:
        text = element.attributes.get("data-composition-variables")
        if text is None or element.within("template"):
            continue
        entries = read_json(text)
        if isinstance(entries, list):
            found = {str(entry["id"]): entry for entry in entries if isinstance(entry, dict) and entry.get("id")}
            return element, found, declared_variables(text)
    return None, {}, {}


def _problems(values: Mapping[str, Any], declarations: Mapping[str, dict[str, Any]]) -> Iterable[str]:
    for name, value in values.items():
        declared = declarations.get(name)
        if declared is None:
            known = ", ".join(sorted(declarations)) or "none"
            yield f'"{name[:60]}" is not declared by the composition (declared: {known[:200]})'
            continue
        kind = str(declared.get("type", ""))
        if not fits(kind, value):
            yield f'"{name}" is a {kind}, not {json.dumps(value)[:60]}'
        elif kind == "enum" and (options := _options(declared)) and value not in options:
            yield f'"{name}" is one of {", ".join(options)}, not {json.dumps(value)[:60]}'


def _options(declared: Mapping[str, Any]) -> list[str]:
    """The values of an enum: plain, or objects with a value."""
    options = declared.get("options")
    if not isinstance(options, list):
        return []
    return [str(option.get("value")) if isinstance(option, dict) else str(option) for option in options]
