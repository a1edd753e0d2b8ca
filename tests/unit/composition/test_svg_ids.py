"""What a sub-composition's SVG refers to by name is its own."""

from __future__ import annotations

import pytest

from hyperframes_render.composition.svg_ids import changed_attributes, own_svg_ids, with_new_names
from tests.unit.composition.steps import scan

PAINT = '<svg><linearGradient id="paint"></linearGradient><rect id="bar" fill="url(#paint)"/></svg>'


def test_a_name_that_the_page_has_becomes_another() -> None:
    taken = {"paint", "bar"}
    assert own_svg_ids(scan(PAINT), "", "my part", taken) == {"paint": "my-part--paint"}
    assert "my-part--paint" in taken


@pytest.mark.parametrize("css", ["p{fill:url(#cut)}", "p{clip-path:url( '#cut')}", 'p{mask:URL("#cut")}'])
def test_style_sheets_refer_to_names_too(css: str) -> None:
    renamed = own_svg_ids(scan('<svg><mask id="cut"></mask></svg>'), css, "a", {"cut", "a--cut"})
    assert renamed == {"cut": "a--cut-2"}
    assert "#a--cut-2" in with_new_names(css, renamed)


@pytest.mark.parametrize(
    ("html", "taken"),
    [
        (PAINT, {"other"}),
        (PAINT.replace("url(#paint)", "red"), {"paint"}),
        ('<p id="paint" style="background:url(#paint)"></p>', {"paint"}),
    ],
    ids=["free", "not referred to", "no svg"],
)
def test_other_names_stay(html: str, taken: set[str]) -> None:
    assert own_svg_ids(scan(html), "", "a", taken) == {}
    assert "paint" in taken


def test_references_follow() -> None:
    html = '<use xlink:href="#a" href="#b" fill="url(#a)" style="mask:url(\'#a\');fill:url(#ab)" class="#a"/>'
    assert changed_attributes(scan(html)[0], {"a": "n"}) == {
        "xlink:href": "#n",
        "fill": "url(#n)",
        "style": "mask:url('#n');fill:url(#ab)",
    }
