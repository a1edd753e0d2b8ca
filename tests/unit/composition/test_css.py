"""Style sheets of megabytes that never close what they open are read once, and others as plain patterns read them."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperframes_render.composition.css import Kind, tokens, with_blank_comments, without_comments
from hyperframes_render.composition.scoping import Names, rewrite_urls, scope_css
from hyperframes_render.errors import LimitExceeded
from tests.unit.composition.steps import lint_text, read_declared, with_fonts, with_sub_compositions

MEGABYTES = 2_000_000
#: Openings without an end, each of which looks through the whole rest where a pattern is not careful.
TRAPS = {
    "addresses": "url(" * (MEGABYTES // 4),
    "spaces in addresses": "url( " * (MEGABYTES // 5),
    "comments in a string": f'"{"/* " * (MEGABYTES // 3)}" {{}}',
    "comments after a string": f'"\\"{"/* " * (MEGABYTES // 3)}" {{}}',
    "comments in an address": f"a {{ font-family: url({'/*' * (MEGABYTES // 2)}) }}",
    "escaped quotes": '"' + '\\"' * (MEGABYTES // 2),
    "escaped quotes in an address": 'a { font-family: url(x"' + '\\"' * (MEGABYTES // 2) + ") }",
    "spaces in a selector": f"a{' ' * MEGABYTES}b {{ font-family: x }}",
    "spaces after a time": f'a [data-start="1"]{" " * MEGABYTES}b {{ font-family: x }}',
    "times": "a" + '[data-start="1"]' * (MEGABYTES // 16) + " { font-family: x }",
    "names": "[data-composition-id=" * (MEGABYTES // 21) + " {}",
    "ids": "#root" * (MEGABYTES // 5) + " {}",
    "an import": f'@import url("x"{" " * MEGABYTES}',
    "an import without quotes": f"@import url({' ' * MEGABYTES}x",
}


@pytest.mark.parametrize("css", TRAPS.values(), ids=TRAPS)
def test_a_style_sheet_that_closes_nothing_is_read_to_its_end(css: str, tmp_path: Path) -> None:
    scoped = scope_css(css, Names("[scope]", "card", "root"))
    assert len(scoped) >= len(css) // 2
    assert rewrite_urls(css, lambda address: address) == css
    attribute = f'<p style="{escape(css)}">'
    resolved = with_fonts(f"<head><style>{css}</style></head>{attribute}", font_root=tmp_path)
    assert css in resolved.html
    assert isinstance(lint_text(f'<div data-composition-id="a"></div><script>{css}</script>'), list)


def test_markup_that_closes_nothing_is_read_to_its_end(tmp_path: Path) -> None:
    root = '<head></head><div data-composition-id="a"></div>'
    title = read_declared(root + "<title>" + f"<b>{'x' * 100}" * 100_000, name="a.html").title
    assert title is not None and len(title) == 100 * 100_000
    opened = root + "<textarea></textarea>" + "<template>" * 60_000 + "</title>" * 60_000
    assert with_fonts(opened, font_root=tmp_path).faces == ()


def test_selectors_that_would_be_gigabytes_with_their_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "part.html").write_text(f"<body><p>a</p><style>{'a{}' * 1000}</style></body>", "utf-8")
    host = f'<div data-composition-id="{"x" * 100_000}" data-composition-src="part.html"></div>'
    with pytest.raises(LimitExceeded, match="short ids"):
        with_sub_compositions(f"<body>{host}</body>", tmp_path)


#: The plain patterns that say what is meant, for texts short enough for them.
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRINGS = {'"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL), "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)}
ADDRESS = re.compile(r"url\([^)]*\)")
PIECES = st.sampled_from(["/*", "*/", "/", "*", '"', "'", "\\", "url(", "(", ")", "a", " ", "\n", "é"])
TEXT = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(css=TEXT)
def test_ends_are_those_that_plain_patterns_find(css: str) -> None:
    assert without_comments(css) == COMMENT.sub("", css)
    for token in tokens(css, "{"):
        pattern = {Kind.COMMENT: COMMENT, Kind.ADDRESS: ADDRESS}.get(token.kind)
        if token.kind is Kind.STRING:
            pattern = STRINGS[css[token.start]]
        if pattern is not None:
            meant = pattern.match(css, token.start)
            assert token.closed == (meant is not None)
            assert meant is None or token.end == meant.end()


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(css=TEXT)
def test_tokens_do_not_overlap_and_comments_become_blanks(css: str) -> None:
    found = list(tokens(css, "()"))
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert len(with_blank_comments(css)) == len(css)


@pytest.mark.parametrize(
    ("selector", "scoped"),
    [
        ('[data-composition-id="card"]', "[box]"),
        ("[ data-composition-id = card ]", "[box]"),
        ("[data-start=\"0\"] [data-duration='2'][data-composition-id='card'] [data-start=\"0\"]", "[box]"),
        ('[data-composition-id="card"] p', "[scope] p"),
        ('p [data-composition-id="card"]', "p [scope]"),
        ('p [data-start="0"][data-composition-id="card"]', "p[scope]"),
        ('[data-start="0"] [data-composition-id="card"]', '[data-start="0"] [scope]'),
        ('[data-composition-id="card"][data-composition-id="card"]', "[scope][scope]"),
        ('[data-composition-id="other"]', '[scope] [data-composition-id="other"]'),
        ('[data-composition-id="other"][data-composition-id="card"]', '[data-composition-id="other"][scope]'),
        ('[data-start="0"] p', '[scope] [data-start="0"] p'),
        (".a /* , */ .b", "[scope] .a  .b"),
        ("#root#rooted #root", '[scope] [data-hf-authored-id="root"]#rooted [data-hf-authored-id="root"]'),
    ],
)
def test_the_composition_s_own_name_is_found_with_the_times_beside_it(selector: str, scoped: str) -> None:
    box = "[scope]:not(:has([data-hf-inner-root])), [scope] > [data-hf-inner-root]"
    found = scope_css(f"{selector} {{}}", Names("[scope]", "card", "root"))
    assert found == f"{scoped.replace('[box]', box)} {{}}"
