"""The error tree: each class has a code of its own, and its docstring draws it."""

from __future__ import annotations

import hyperframes_render.errors as errors
from hyperframes_render.errors import RenderError, error_class, error_tree


def test_every_class_has_a_code_of_its_own_and_stands_in_the_drawing() -> None:
    tree = error_tree(RenderError)
    codes = [kind.code for kind in tree]
    assert len(set(codes)) == len(codes)
    for kind in tree:
        assert f" {kind.__name__}" in (errors.__doc__ or ""), kind.__name__
        assert 400 <= kind.http_status < 600


def test_what_is_kept_and_told_of_an_error_has_a_length_that_a_page_cannot_choose() -> None:
    error = errors.InvalidOption("x" * 300_000, "y" * 300_000)
    assert [len(str(error.as_dict()[part])) for part in ("message", "action")] == [1000, 1000]
    assert len(str(error)) == 600_001, "the command line shows all of it"


def test_a_class_is_found_by_its_name_and_a_stranger_is_not() -> None:
    assert error_class("BrowserFailed") is errors.BrowserFailed
    assert error_class("KeyError") is None
