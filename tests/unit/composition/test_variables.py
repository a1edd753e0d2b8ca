"""A caller's variables reach the page as they are, and misfits are said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperframes_render.errors import InvalidOption
from hyperframes_render.input import MAX_VARIABLES, parse_render_input
from tests.unit.composition.steps import variable_markup, with_rules_last

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
    given = variable_markup(PAGE, {"title": "A & b", "size": 3, "dark": False, "mood": "loud"}, strict=True)
    assert given.problems == ()
    assert '"title": "A & b"' in given.script
    assert "--size:3" in given.style


def test_a_value_cannot_end_the_script() -> None:
    given = variable_markup(PAGE, {"title": "</script><script>alert(1)</script>"}, strict=False)
    assert (given.script + given.style).count("</script>") == 1


def test_defaults_are_given_without_values_too() -> None:
    given = variable_markup(PAGE, {}, strict=True)
    assert given.script == ""
    assert given.style == "<style>:root {--title:Hello;--size:12;--mood:calm}</style>"


def test_a_composition_that_declares_has_its_defaults_to_itself() -> None:
    page = '<div data-composition-id=\'a\' data-composition-variables=\'[{"id":"bigSize","default":1}]\'></div>'
    style = variable_markup(page, {}, strict=True).style
    assert style == '<style>[data-composition-id="a"] {--bigSize:1;--bigsize:1}</style>'


def test_an_authors_rule_wins_over_the_default_not_over_the_callers_value() -> None:
    page = PAGE.replace("<body>", "<head><style>:root{--size: 5; --title: none}</style></head><body>")
    given = variable_markup(page, {"title": "Given"}, strict=True)
    assert given.style == "<style>:root {--mood:calm;--title:Given}</style>"
    html = with_rules_last(page, given.style)
    assert html == page.replace("</head>", given.style + "</head>")


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
    assert said in variable_markup(PAGE, values, strict=False).problems[0]
    with pytest.raises(InvalidOption, match=said):
        variable_markup(PAGE, values, strict=True)


@pytest.mark.parametrize("value", ["[1]", "{", "3", [1], {"a": "x" * MAX_VARIABLES}, {"a": float("nan")}])
def test_what_is_no_json_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidOption, match="variables"):
        parse_render_input({"variables": value})


def test_variables_are_read_from_text_too() -> None:
    assert parse_render_input({"variables": '{"a": [1, null]}'}).variables == {"a": [1, None]}
