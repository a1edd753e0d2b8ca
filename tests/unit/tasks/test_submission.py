"""Submissions are parsed, or rejected with an error that names the field."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hyperframes_render.errors import InvalidOption, NotFound
from hyperframes_render.tasks.submission import (
    is_address_of_html,
    narrow_network,
    parse_fields,
    parse_run,
    parse_sidecar,
    read_json,
)


def test_fields_are_kept_as_sent_and_parsed() -> None:
    fields, request = parse_fields({"fps": "29.97", "width": 640, "height": None}, "input")
    assert fields == {"fps": "29.97", "width": 640}
    assert request.fps == Fraction(30000, 1001) and request.height is None


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ("https://example.com/a.html", True),
        ("  s3://bucket/uploads/k/f/a.zip\n", True),
        ("HTTP://EXAMPLE.COM", True),
        ("<p>https://example.com</p>", False),
        ("https://example.com is where <b>it</b> is", False),
        ("plain words", False),
    ],
)
def test_an_address_is_distinguished_from_markup(html: str, address: bool) -> None:
    assert is_address_of_html(html) is address


@pytest.mark.parametrize(
    "app", [None, "infsh/hyperframes-render", "infsh/hyperframes-render@abc", "hyperframes-render"]
)
def test_every_name_of_the_app_is_accepted(app: str | None) -> None:
    body: dict[str, Any] = {"input": {"html": "<p>"}}
    assert parse_run({**body, "app": app} if app else body).app == "infsh/hyperframes-render"


@pytest.mark.parametrize("app", ["", "other/hyperframes-render", "infsh", 5])
def test_another_app_is_not_found(app: object) -> None:
    with pytest.raises(NotFound):
        parse_run({"app": app, "input": {"html": "<p>"}})


def test_metadata_beside_input_wins_over_metadata_in_input() -> None:
    body = {"metadata": {"a": 1}, "input": {"html": "<p>", "metadata": {"a": 2}}}
    assert parse_run(body).metadata == {"a": 1}


def test_a_sidecar_with_a_byte_order_mark_is_read() -> None:
    assert parse_sidecar(b'\xef\xbb\xbf{"fps": 25}', "a.render.json").fields == {"fps": 25}


def test_a_sidecars_error_names_the_line_where_the_field_stands() -> None:
    text = b'{\n  "metadata": {"width": 1},\n  "height": 20,\n  "width": -5\n}'
    with pytest.raises(InvalidOption) as raised:
        parse_sidecar(text, "a.render.json")
    assert "a.render.json, line 4: width" in raised.value.message


@pytest.mark.parametrize(
    ("requested", "ceiling", "granted"),
    [
        ("public", "public", "public"),
        ("none", "public", "none"),
        ("public", "none", "none"),
        (("a.example",), "none", "none"),
        (("a.example",), "public", ("a.example",)),
        ("public", ("a.example",), ("a.example",)),
        (("a.example", "b.example"), ("b.example",), ("b.example",)),
        (("x.a.example",), ("*.a.example",), ("x.a.example",)),
        (("*.a.example",), ("*.a.example",), ("*.a.example",)),
        (("a.example",), ("*.a.example",), "none"),
        (("*.example",), ("a.example",), "none"),
        (("xa.example",), ("*.a.example",), "none"),
    ],
)
def test_a_request_may_only_narrow_the_network(requested: Any, ceiling: Any, granted: Any) -> None:
    assert narrow_network(requested, ceiling) == granted


def test_a_field_is_accepted_by_each_of_its_names_but_only_once() -> None:
    fields, request = parse_fields({"device_scale_factor": 2, "from": 1, "audio": "https://example.com/a.mp3"}, "input")
    assert fields == {"scale_factor": 2, "from": 1, "audio_url": "https://example.com/a.mp3"}
    assert (request.scale_factor, request.from_time) == (2, 1)
    with pytest.raises(InvalidOption, match=r"input\.scale_factor: it is a duplicate"):
        parse_fields({"device_scale_factor": 2, "scale_factor": 2}, "input")


@pytest.mark.parametrize(
    "audio", ["/etc/passwd", "/proc/self/environ", "file:///etc/passwd", "a.mp3", " https://x/", "concat:a"]
)
def test_audio_url_is_never_a_local_file(audio: str) -> None:
    with pytest.raises(InvalidOption, match="audio_url"):
        parse_fields({"audio_url": audio}, "input")


def test_a_body_has_at_most_a_hundred_nested_levels() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    assert read_json(nested(100))
    for depth in (101, 5000):
        with pytest.raises(ValueError, match="nested too deeply"):
            read_json(nested(depth))


def test_a_body_with_many_unknown_fields_is_rejected() -> None:
    with pytest.raises(InvalidOption, match="1000 unknown fields"):
        parse_run({f"x{number}": 1 for number in range(1000)})


@pytest.mark.parametrize(
    ("sent", "function"),
    [
        (None, "render"),
        ("", "render"),
        ("run", "render"),
        ("render", "render"),
        ("check", "check"),
        ("snapshot", "snapshot"),
    ],
)
def test_a_task_renders_checks_or_draws_a_snapshot(sent: str | None, function: str) -> None:
    assert parse_run({"function": sent, "input": {"html": "<p>"}}).function == function


@pytest.mark.parametrize("at", [[0, 1.5], "clips", "tweens"])
def test_a_snapshot_has_times_in_seconds_or_moments(at: object) -> None:
    submission = parse_run({"function": "snapshot", "input": {"html": "<p>", "at": at}})
    assert submission.fields["at"] == at


@pytest.mark.parametrize("at", [[], [-1], ["1"], [True], "middle", {}, [0.1] * 101])
def test_other_times_of_a_snapshot_are_refused(at: object) -> None:
    with pytest.raises(InvalidOption, match=r"input\.at"):
        parse_run({"function": "snapshot", "input": {"html": "<p>", "at": at}})


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(InvalidOption, match="render, check"):
        parse_run({"function": "chek", "input": {"html": "<p>"}})
