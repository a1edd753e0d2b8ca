"""Lists of families that begin with a generic one get the bundled family first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hyperframes_render.composition.fonts.catalogue import bundled_catalogue
from hyperframes_render.composition.fonts.families import VARIABLE_DEPTH, custom_properties, leading_variable
from hyperframes_render.composition.fonts.page import Attribute, Surface
from hyperframes_render.composition.fonts.sheets import Declaration, Edit, split_families


def _primary_at(value: str, properties: Mapping[str, str], depth: int = 0) -> int | None:
    """Where in a list the primary family must be put, None if the list does not begin with a generic family."""
    variable = leading_variable(value)
    if variable:
        if properties.get(variable.name) or variable.fallback is None or depth == VARIABLE_DEPTH:
            return None
        inner = _primary_at(variable.fallback, properties, depth + 1)
        return None if inner is None else variable.fallback_at + inner
    names = split_families(value)
    if not names or names[0].lower() not in bundled_catalogue().generic:
        return None
    return len(value) - len(value.lstrip())


def primary_places(declarations: Iterable[Declaration]) -> dict[str, int]:
    """Where the primary family must be put, for those values that need it."""
    declarations = list(declarations)
    properties = custom_properties(declarations)
    places = {value: _primary_at(value, properties) for value in {item.value for item in declarations}}
    return {value: at for value, at in places.items() if at is not None}


def _insertions(declarations: Iterable[Declaration], shifts: Mapping[str, int]) -> Iterator[Edit]:
    for declaration in declarations:
        if declaration.value in shifts:
            at = declaration.start + shifts[declaration.value]
            yield Edit(at, at, f"{bundled_catalogue().primary}, ")


def with_primary(declaration: Declaration, shifts: Mapping[str, int]) -> Declaration:
    at = shifts.get(declaration.value)
    if at is None:
        return declaration
    value = declaration.value
    return declaration._replace(value=f"{value[:at]}{bundled_catalogue().primary}, {value[at:]}")


def surface_edits(html: str, surfaces: Iterable[Surface], shifts: Mapping[str, int]) -> list[Edit]:
    """The same insertions as places in the page; all those of one attribute are one edit."""
    edits: list[Edit] = []
    attributes: dict[Attribute, list[Edit]] = {}
    for declaration, where in surfaces:
        for edit in _insertions([declaration], shifts):
            if isinstance(where, int):
                edits.append(Edit(where + edit.start, where + edit.end, edit.text))
            else:
                attributes.setdefault(where, []).append(edit)
    return edits + [attribute.edit(html, changes) for attribute, changes in attributes.items()]
