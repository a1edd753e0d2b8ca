"""The error tree: each class has a unique code and is in the docstring of its module."""

from __future__ import annotations

import hyperframes_render.errors as errors
from hyperframes_render.errors import RenderError, error_class, error_tree


def test_every_class_has_a_unique_code_and_is_in_the_docstring() -> None:
    tree = error_tree(RenderError)
    codes = [kind.code for kind in tree]
    assert len(set(codes)) == len(codes)
    for kind in tree:
        assert f" {kind.__name__}" in (errors.__doc__ or ""), kind.__name__
        assert 400 <= kind.http_status < 600


def test_stored_and_published_errors_have_a_length_limit() -> None:
    error = errors.InvalidOption("x" * 300_000, "y" * 300_000)
    assert [len(str(error.as_dict()[part])) for part in ("message", "action")] == [1000, 1000]
    assert len(str(error)) == 600_001, "the command line shows all of it"


def test_a_class_is_found_by_its_name_only_if_it_exists() -> None:
    assert error_class("BrowserFailed") is errors.BrowserFailed
    assert error_class("KeyError") is None
