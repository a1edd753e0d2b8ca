"""Rules on a composition's variables: declarations, values and bindings that fit each other."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hyperframes_render.composition.html import Element, read_json
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.composition.variables import fits
from hyperframes_render.problems import Problem

_BINDINGS = ("data-var-text", "data-var-src")
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)


def declared_in(file: SourceFile) -> dict[str, dict[str, Any]] | None:
    """The declarations of a file's variables by name; None if the file has none, or they cannot be read."""
    for element in file.document.elements:
        text = element.attributes.get("data-composition-variables")
        if text is not None:
            entries = read_json(text)
            if not isinstance(entries, list):
                return None
            return {str(e["id"]): e for e in entries if isinstance(e, dict) and e.get("id")}
    return None


def variable_faults(file: SourceFile, declared_by: Mapping[int, dict[str, dict[str, Any]]]) -> Iterator[Problem]:
    """The faults of one HTML file's variables.

    `declared_by`: by the identity of a host, what the file of its sub-composition declares.
    """
    declared = declared_in(file)
    for element in file.document.elements:
        yield from _declaration_faults(file, element)
        yield from _unreadable_values(file, element)
        if declared is not None:
            yield from _binding_faults(file, element, declared)
        if (of_scene := declared_by.get(id(element))) is not None:
            yield from _value_faults(file, element, of_scene)


def _declaration_faults(file: SourceFile, element: Element) -> Iterator[Problem]:
    name = "data-composition-variables"
    text = element.attributes.get(name)
    if text is None:
        return
    found = read_json(text)
    at, span = file.attribute_offset(element, name), file.value_range(element, name)
    if not isinstance(found, list):
        new = _as_list(found) if isinstance(found, dict) else None
        yield file.problem(
            at,
            "invalid_composition_variables_declaration",
            "error",
            f"{name} is not a JSON list: it is ignored.",
            'Write a list: [{"id": "title", "type": "string", "label": "Title", "default": "Hello"}].',
            element=element,
            patch=(*span, _quoted(file, span, new)) if span and new else None,
        )
        return
    for entry in found:
        if not isinstance(entry, dict) or "default" not in entry or not entry.get("type"):
            continue
        if not fits(str(entry["type"]), entry["default"]):
            yield file.problem(
                at,
                "variable_type_mismatch",
                "warning",
                f'The default of "{str(entry.get("id"))[:60]}" is {json.dumps(entry["default"])[:60]}, '
                f"not a {str(entry['type'])[:20]}.",
                "Correct the type or the default.",
                element=element,
            )


def _as_list(values: Mapping[str, Any]) -> str | None:
    """A declaration from an object of names and values, or of names and declarations."""
    entries = []
    for name, value in values.items():
        if isinstance(value, dict) and "default" in value:
            entries.append({"id": name, "label": name, "type": _type_of(value["default"]), **value})
        elif isinstance(value, (str, int, float, bool)):
            entries.append({"id": name, "type": _type_of(value), "label": name, "default": value})
        else:
            return None
    return json.dumps(entries, ensure_ascii=False)


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "color" if isinstance(value, str) and _COLOUR.fullmatch(value) else "string"


def _quoted(file: SourceFile, span: tuple[int, int], text: str) -> str:
    """`text` as an attribute's value between the quotes that the file has there."""
    quote = file.text[span[0] - 1]
    if quote == '"':
        return text.replace("&", "&amp;").replace('"', "&quot;")
    return text.replace("&", "&amp;").replace("'", "&#39;")


def _unreadable_values(file: SourceFile, element: Element) -> Iterator[Problem]:
    name = "data-variable-values"
    text = element.attributes.get(name)
    if text is None or isinstance(read_json(text), dict):
        return
    span, new = file.value_range(element, name), _as_json(text)
    quoted = span is not None and file.text[span[0] - 1] in "\"'"
    yield file.problem(
        file.attribute_offset(element, name),
        "invalid_variable_values_json",
        "error",
        f"{name} is not a JSON object: it is ignored.",
        "Write JSON: names and texts in double quotes, the attribute in single quotes.",
        element=element,
        patch=(*span, _quoted(file, span, new)) if span and new and quoted else None,
    )


def _as_json(text: str) -> str | None:
    """JSON from an object literal of JavaScript with plain names and texts; None if it is no such object."""
    strings: list[str] = []

    def keep(found: re.Match[str]) -> str:
        strings.append(json.dumps(found[2], ensure_ascii=False))
        return f"\x00{len(strings) - 1}\x00"

    plain = re.sub(r"""(['"])((?:(?!\1)[^\\])*)\1""", keep, text)
    plain = re.sub(r"([{,]\s*)([A-Za-z_$][\w$-]*)(\s*:)", r'\1"\2"\3', plain)
    plain = re.sub(r",(\s*[}\]])", r"\1", plain)
    plain = re.sub(r"\x00(\d+)\x00", lambda found: strings[int(found[1])], plain)
    found = read_json(plain)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict) else None


def _near(name: str, known: Mapping[str, object]) -> str | None:
    close = difflib.get_close_matches(name, sorted(known), 1, 0.7)
    return close[0] if close else None


def _binding_faults(file: SourceFile, element: Element, declared: Mapping[str, object]) -> Iterator[Problem]:
    for binding in _BINDINGS:
        name = element.attributes.get(binding, "").strip()
        if not name or name in declared:
            continue
        near, span = _near(name, declared), file.value_range(element, binding)
        yield file.problem(
            file.attribute_offset(element, binding),
            "unknown_variable_binding",
            "warning",
            f'{binding}="{name[:60]}" names no variable that the composition declares.',
            f'Did you mean "{near}"?' if near else f"Declared: {', '.join(sorted(declared))[:200] or 'none'}.",
            element=element,
            patch=(*span, near) if near and span else None,
        )


def _value_faults(file: SourceFile, host: Element, declared: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    values = read_json(host.attributes.get("data-variable-values", ""))
    if not isinstance(values, dict):
        return
    at = file.attribute_offset(host, "data-variable-values")
    for name, value in values.items():
        entry = declared.get(name)
        if entry is None:
            near = _near(name, declared)
            yield file.problem(
                at,
                "undeclared_variable_value",
                "warning",
                f'The sub-composition declares no variable "{name[:60]}": the value has no effect.',
                f'Did you mean "{near}"?' if near else f"Declared: {', '.join(sorted(declared))[:200] or 'none'}.",
                element=host,
            )
        elif not fits(str(entry.get("type", "")), value):
            yield file.problem(
                at,
                "variable_type_mismatch",
                "warning",
                f'"{name[:60]}" is a {str(entry.get("type"))[:20]}, not {json.dumps(value)[:60]}.',
                "Correct the value.",
                element=host,
            )
