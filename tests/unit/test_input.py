"""Render options: valid values, and the errors of invalid ones."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hyperframes_render.errors import InvalidOption, LimitExceeded
from hyperframes_render.input import parse_frame_rate, parse_render_input


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        (30, Fraction(30)),
        ("25", Fraction(25)),
        ("30000/1001", Fraction(30000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
        (30.0, Fraction(30)),
    ],
)
def test_a_frame_rate_is_exact(value: object, rate: Fraction) -> None:
    assert parse_frame_rate(value) == rate


@pytest.mark.parametrize(
    "value", ["0", "-5", "nan", "inf", "1/0", "fast", "", "1000", None, True, [30], "1e999999999", "3e-999999999"]
)
def test_a_wrong_frame_rate_is_rejected(value: object) -> None:
    with pytest.raises(ValueError, match="fps"):
        parse_frame_rate(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", "-5"),
        ("width", "0"),
        ("height", "nan"),
        ("width", "1.5"),
        ("fps", "0"),
        ("duration", "-1"),
        ("duration", "nan"),
        ("duration", "inf"),
        ("codec", "mpeg9"),
        ("network", "http://example.com/"),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_names_its_field(field: str, value: str) -> None:
    with pytest.raises(InvalidOption, match=field):
        parse_render_input({field: value})


@pytest.mark.parametrize(
    "values", [{"width": 100_000, "height": 100_000}, {"width": 8000}, {"duration": 1e6}], ids=["both", "side", "long"]
)
def test_a_value_that_is_too_large_names_the_limit(values: dict[str, object]) -> None:
    with pytest.raises(LimitExceeded, match="limit"):
        parse_render_input(values)


def test_network_accepts_names_in_a_string_or_a_list() -> None:
    assert parse_render_input({"network": "a.example, *.b.example"}).network == ("a.example", "*.b.example")
    assert parse_render_input({"network": ["a.example"]}).network == ("a.example",)
    assert parse_render_input({}).network == "public"


def test_variables_have_at_most_a_hundred_nested_levels() -> None:
    def nested(depth: int) -> str:
        return '{"a": ' * depth + "1" + "}" * depth

    assert parse_render_input({"variables": nested(100)}).variables
    for depth in (101, 5000):
        with pytest.raises(InvalidOption, match="nested too deeply"):
            parse_render_input({"variables": nested(depth)})
