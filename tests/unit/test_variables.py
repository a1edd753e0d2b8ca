"""A caller's variables reach the page as they are, and misfits are said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperframes_render.composition.variables import give_variables
from hyperframes_render.errors import InvalidOption
from hyperframes_render.task import MAX_VARIABLES, parse_render_input

DECLARED = [
    {"id": "title", "type": "string", "default": "Hello"},
    {"id": "size", "type": "number", "default": 12},
    {"id": "dark", "type": "boolean", "default": True},
    {"id": "mood", "type": "enum", "options": [{"value": "calm"}, "loud"], "default": "calm"},
]
PAGE = (
    f"<html data-composition-variables='{json.dumps(DECLARED)}'><body><div data-composition-id='a'></div></body></html>"
)


def test_values_that_fit_are_given_without_a_word() -> None:
    head, problems = give_variables(PAGE, {"title": "A & b", "size": 3, "dark": False, "mood": "loud"}, strict=True)
    assert problems == []
    assert '"title": "A & b"' in head
    assert "--size:3" in head


def test_a_value_cannot_end_the_script() -> None:
    head, _ = give_variables(PAGE, {"title": "</script><script>alert(1)</script>"}, strict=False)
    assert head.count("</script>") == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"titel": "x"}, "not declared"),
        ({"title": 3}, "is a string"),
        ({"size": True}, "is a number"),
        ({"dark": "yes"}, "is a boolean"),
        ({"mood": "sad"}, "one of calm, loud"),
    ],
)
def test_a_misfit_is_a_warning_or_with_strict_an_error(values: dict[str, Any], said: str) -> None:
    _, problems = give_variables(PAGE, values, strict=False)
    assert said in problems[0]
    with pytest.raises(InvalidOption, match=said):
        give_variables(PAGE, values, strict=True)


@pytest.mark.parametrize("value", ["[1]", "{", "3", [1], {"a": "x" * MAX_VARIABLES}, {"a": float("nan")}])
def test_what_is_no_json_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidOption, match="variables"):
        parse_render_input({"variables": value})


def test_variables_are_read_from_text_too() -> None:
    assert parse_render_input({"variables": '{"a": [1, null]}'}).variables == {"a": [1, None]}
