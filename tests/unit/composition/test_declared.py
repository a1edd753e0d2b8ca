"""What a composition declares, and that edits touch nothing else."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hyperframes_render.composition.declared import PAGE_ID
from hyperframes_render.composition.shell import without_outer_template
from hyperframes_render.errors import InvalidComposition
from tests.unit.composition.steps import (
    read_declared,
    whole_document,
    with_head_start,
    with_page_root,
    with_root_attributes,
)

PAGE = """<!doctype html><html><head><title> Launch &amp; learn </title></head><body>
<!-- <div data-composition-id="no"> --><template><div data-composition-id="inner"></div></template>
<div id="stage" data-composition-id="launch" data-width="1280" data-height='720' data-fps=25 data-duration="2.5">
<div data-composition-id="second" data-width="1"></div></div></body></html>"""


def test_the_first_root_outside_templates_and_comments_declares() -> None:
    declared = read_declared(PAGE, name="x.html")
    assert declared.composition_id == "launch"
    assert (declared.width, declared.height) == (1280, 720)
    assert declared.fps == Fraction(25)
    assert declared.duration == 2.5
    assert declared.title == "Launch & learn"
    assert declared.warnings == ()


@pytest.mark.parametrize("value", ["nan", "-1", "0", "wide", "inf", ""])
def test_an_unreadable_declaration_is_a_warning(value: str) -> None:
    declared = read_declared(f'<div data-composition-id="a" data-width="{value}"></div>', name="x.html")
    assert declared.width is None
    assert "data-width" in declared.warnings[0]


@pytest.mark.parametrize(("value", "width"), [("1080px", 1080), (" 640", 640), ("320.9", 320)])
def test_a_size_is_the_integer_that_it_begins_with(value: str, width: int) -> None:
    declared = read_declared(f'<div data-composition-id="a" data-width="{value}"></div>', name="x.html")
    assert (declared.width, declared.warnings) == (width, ())


@pytest.mark.parametrize("html", ["", "  \n", "just words", "{}", "<!-- a comment -->", "<!doctype html>"])
def test_what_has_no_element_is_refused(html: str) -> None:
    with pytest.raises(InvalidComposition, match=r"empty|no element"):
        read_declared(html, name="x.html")


def declared_without_root(html: str) -> tuple[int | None, int | None, float | None]:
    declared = read_declared(html, name="x.html")
    assert declared.rootless and declared.composition_id == PAGE_ID
    return declared.width, declared.height, declared.duration


SIZES = 'data-width="320" data-height="180"'


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>hello</p>", (None, None, None)),
        (f'<div {SIZES} data-duration="2"><p>a</p></div>', (320, 180, 2.0)),
        (f"<title>t</title><style></style><main {SIZES}></main><script></script>", (320, 180, None)),
        (f"<html><head></head><body><div {SIZES}></div></body></html>", (320, 180, None)),
        (f"<body {SIZES} data-duration=4><p>a</p><p>b</p></body>", (320, 180, 4.0)),
        (f"<div {SIZES}></div><div></div>", (None, None, None)),
        (f'<div class="clip big" data-duration="2" {SIZES}></div>', (320, 180, None)),
        (f'<div data-start="1" data-duration="2" {SIZES}></div>', (320, 180, None)),
        (f'<div data-start="0" data-duration="2" {SIZES}></div>', (320, 180, 2.0)),
    ],
)
def test_a_page_without_a_root_says_what_its_outermost_element_says(
    html: str, expected: tuple[int | None, int | None, float | None]
) -> None:
    assert declared_without_root(html) == expected


def test_a_part_by_itself_is_refused() -> None:
    with pytest.raises(InvalidComposition, match="part"):
        read_declared('<template><div data-composition-id="a"></div></template>', name="x.html")


def test_a_template_around_a_page_is_taken_off_where_it_stands() -> None:
    page = "<!-- a -->\n<template class=x>\n<p>b</p></template>\n"
    shown = without_outer_template(page)
    assert len(shown) == len(page) and shown.index("<p>") == page.index("<p>")
    assert "template" not in shown


@pytest.mark.parametrize(
    "page",
    [
        "<template><p>a</p></template><p>b</p>",
        '<template><div data-composition-id="a"></div></template>',
        "<p>a</p><template></template>",
        "<!-- <template> --><p>a</p>",
    ],
)
def test_other_templates_stay(page: str) -> None:
    assert without_outer_template(page) == page


def test_a_page_without_a_root_becomes_a_document_without_styles() -> None:
    # No doctype: a browser shows such a page in quirks mode.
    assert whole_document("<p>a</p>", rootless=True) == "<head></head><p>a</p>"
    assert whole_document("<!-- a --><!doctype html><p>", rootless=True) == "<!-- a --><!doctype html><head></head><p>"
    assert whole_document("<html lang=en><p>", rootless=True) == "<html lang=en><head></head><p>"
    whole = "<HTML><head><title>a</title></head><body>"
    assert whole_document(whole, rootless=True) == whole


def test_only_an_outermost_element_with_a_size_that_is_no_clip_becomes_the_root() -> None:
    assert f'data-composition-id="{PAGE_ID}"' in with_page_root(f"<div {SIZES}></div>")
    for page in ("<div></div>", f'<div class="clip" {SIZES}></div>', f"<div {SIZES}></div><p></p>"):
        assert with_page_root(page) == page


def test_a_composition_that_needs_webgpu_is_refused_with_what_works_instead() -> None:
    with pytest.raises(InvalidComposition, match="WebGPU") as refused:
        read_declared('<div data-composition-id="m" data-requires-webgpu>', name="a.html")
    assert "WebGL" in refused.value.action
    assert read_declared('<div data-composition-id="m"><p data-requires-webgpu>', name="a.html").composition_id == "m"


def test_root_attributes_are_replaced_and_all_else_is_kept() -> None:
    edited = with_root_attributes(PAGE, {"data-width": "640", "data-height": "360"})
    declared = read_declared(edited, name="x.html")
    assert (declared.width, declared.height, declared.duration) == (640, 360, 2.5)
    assert edited.count("data-width=") == PAGE.count("data-width=")
    before, after = PAGE.index("<div id="), edited.index("<div data-width=")
    assert edited[:after] == PAGE[:before]
    assert edited.endswith(PAGE[PAGE.index('\n<div data-composition-id="second"') :])


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<!doctype html><html><head><script>1</script>", "<!doctype html><html><head>X<script>1</script>"),
        ("<!-- <head> --><html lang=en><body>", "<!-- <head> --><html lang=en>X<body>"),
        ("<!doctype html><p>", "<!doctype html>X<p>"),
        ("<p>", "X<p>"),
    ],
)
def test_the_head_start_comes_before_any_script(html: str, expected: str) -> None:
    assert with_head_start(html, "X") == expected


@pytest.mark.parametrize("html", ["<!DOCTYPE html><p>", "\n <html lang=en><p>", "<!doctype HTML>\n<div>"])
def test_a_whole_document_is_left_as_it_is(html: str) -> None:
    assert whole_document(html) == html


@pytest.mark.parametrize("html", ['<div data-composition-id="a">', "<!-- made by hand --><!doctype html><p>"])
def test_a_fragment_becomes_a_black_document_without_margins(html: str) -> None:
    document = whole_document(html)
    assert document.startswith("<!doctype html><html><head>")
    assert "background:#000" in document
    assert document.endswith(html)
