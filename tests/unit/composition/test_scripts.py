"""Scripts of the body are marked for the page runtime, and keep the names of their places."""

from __future__ import annotations

import re

import pytest

from hyperframes_render.composition.scripts import AFTER_FONTS
from hyperframes_render.packages.root import packages_root, runtime_path
from tests.unit.composition.steps import delayed

HEAD = "<!doctype html><html><head><script>head()</script></head>"


def types(html: str) -> list[str | None]:
    found = re.findall(r"<script[^>]*>", delayed(html))
    return [match[1] if (match := re.search(r'type="([^"]*)"', tag)) else None for tag in found]


@pytest.mark.parametrize(
    ("tag", "marked"),
    [
        ("<script>", AFTER_FONTS),
        ("<SCRIPT TYPE='text/JavaScript'>", AFTER_FONTS),
        ('<script src="a.js" defer>', AFTER_FONTS),
        ('<script type="module">', f"{AFTER_FONTS}+module"),
        ('<script type="application/json">', "application/json"),
        ('<script type="importmap">', "importmap"),
        ("<script nomodule>", None),
    ],
)
def test_what_would_run_in_the_body_is_marked(tag: str, marked: str | None) -> None:
    assert types(f"{HEAD}<body><p></p>{tag}</script>".replace("SCRIPT", "script"))[1:] == [marked]


@pytest.mark.parametrize("around", ["template", "noscript", "svg"])
def test_what_does_not_run_by_itself_is_left_alone(around: str) -> None:
    assert types(f"{HEAD}<body><{around}><script>x()</script></{around}>") == [None, None]


def test_a_body_without_a_tag_begins_with_what_no_head_has() -> None:
    assert types("<html><title>t</title><script>head()</script><p>text</p><script>body()</script>") == [
        None,
        AFTER_FONTS,
    ]
    assert types("<html><script>head()</script>") == [None]


def test_scripts_say_where_they_stand() -> None:
    html = (
        f"{HEAD}\n<body>\n<script\n>\nboom()\n</script><script src=a.js></script><script>//# sourceURL=own\n</script>"
    )
    named = delayed(html)
    assert named.count("sourceURL") == 2
    assert "//# sourceURL=composition:@3\n\nboom()\n</script>" in named


def test_the_page_runtime_looks_for_what_is_marked() -> None:
    runtime = runtime_path(packages_root()).read_text("utf-8")
    assert f'"{AFTER_FONTS}"' in runtime and "+module`" in runtime
