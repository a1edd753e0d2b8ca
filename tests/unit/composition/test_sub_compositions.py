"""Sub-compositions are brought into the page, each with its styles and scripts kept to itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hyperframes_render.composition.scoping import Names, rewrite_urls, scope_css
from hyperframes_render.errors import InvalidComposition, LimitExceeded
from tests.unit.composition.steps import with_sub_compositions

SCOPE = '[data-composition-id="card"]'
BOX = f"{SCOPE}:not(:has([data-hf-inner-root])), {SCOPE} > [data-hf-inner-root]"


def page(*hosts: str) -> str:
    return f"<!doctype html><html><head><title>t</title></head><body><div id=s>{''.join(hosts)}</div></body></html>"


def host(source: str, name: str = "card", more: str = "") -> str:
    return f'<div data-composition-id="{name}" data-composition-src="{source}" data-start="0" {more}>old</div>'


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("css", "scoped"),
    [
        (".a { x:1 }", f"{SCOPE} .a {{ x:1 }}"),
        (".a, .b:is(.c, .d) { x:1 }", f"{SCOPE} .a, {SCOPE} .b:is(.c, .d) {{ x:1 }}"),
        ("* { x:1 }", "* { x:1 }"),
        ("body { x:1 }", f"{BOX} {{ x:1 }}"),
        ("#root p { x:1 }", f'{SCOPE} [data-hf-authored-id="root"] p {{ x:1 }}'),
        ("#rooted { x:1 }", f"{SCOPE} #rooted {{ x:1 }}"),
        ('[data-composition-id="card"] .a { x:1 }', f"{SCOPE} .a {{ x:1 }}"),
        ("[data-composition-id='card'][data-start=\"0\"] { x:1 }", f"{BOX} {{ x:1 }}"),
        ("@media (min-width: 1px) { .a { x:1 } }", f"@media (min-width: 1px) {{ {SCOPE} .a {{ x:1 }} }}"),
        ("@keyframes k { from { x:1 } to { x:2 } }", "@keyframes k { from { x:1 } to { x:2 } }"),
        ("@import url(x.css);\n.a { x:1 }", f"@import url(x.css);\n{SCOPE} .a {{ x:1 }}"),
        ("/* } */ .a { x:'}' } .b { y:1 }", f"/* }} */ {SCOPE} .a {{ x:'}}' }} {SCOPE} .b {{ y:1 }}"),
        (".a { &:hover { x:1 } .b { y:1 } }", f"{SCOPE} .a {{ &:hover {{ x:1 }} .b {{ y:1 }} }}"),
        (".a { x:1", f"{SCOPE} .a {{ x:1}}"),
    ],
)
def test_selectors_are_kept_to_the_composition(css: str, scoped: str) -> None:
    assert scope_css(css, Names(SCOPE, "card", "root")) == scoped


def test_a_template_goes_into_its_host_and_its_style_and_script_into_the_page(tmp_path: Path) -> None:
    write(
        tmp_path,
        "parts/card.html",
        '<head><style>.never{}</style></head><template><style>.a{color:red}</style><div id="r" '
        'data-composition-id="card" data-width="40"><p class="a">hello<br></p>'
        "<script>go() // end</script></div></template>",
    )
    html = with_sub_compositions(page(host("parts/card.html")), tmp_path).html
    assert "old" not in html and "data-composition-src" not in html and ".never" not in html
    assert re.search(r'<div[^>]*data-width="40"[^>]*><div[^>]*data-hf-inner-root="true"[^>]*><p class="a">hello', html)
    assert html.index(f"<style>{SCOPE} .a {{color:red}}</style></head>") < html.index("<body>")
    assert "{go() // end\n});</script></body></html>" in html
    assert "//# sourceURL=composition:parts/card.html@0\n" in html
    assert '"rootId": "r"' in html


def test_addresses_are_those_of_the_page(tmp_path: Path) -> None:
    write(
        tmp_path,
        "parts/card.html",
        '<template><div data-composition-id="card"><img src="a.png"><img src="b.png"><img src="../c.png">'
        '<img src="https://x.test/d.png"><i style="background:url(a.png)"></i><a href="#e"></a></div></template>',
    )
    write(tmp_path, "parts/a.png", "")
    write(tmp_path, "b.png", "")
    html = with_sub_compositions(page(host("parts/card.html")), tmp_path).html
    assert re.findall(r'src="([^"]*)"', html) == ["parts/a.png", "b.png", "c.png", "https://x.test/d.png"]
    assert "background:url(parts/a.png)" in html and 'href="#e"' in html


def test_a_composition_used_twice_has_two_names(tmp_path: Path) -> None:
    write(tmp_path, "card.html", '<template><div data-composition-id="card"><style>.a{}</style></div></template>')
    html = with_sub_compositions(page(host("card.html"), host("card.html")), tmp_path).html
    assert 'data-composition-id="card__hf1"' in html and 'data-composition-id="card__hf2"' in html
    assert '[data-composition-id="card__hf2"] .a' in html


def test_nested_ones_are_brought_in_and_one_that_holds_itself_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.html", f'<template><div data-composition-id="a">A{host("b.html", "b")}</div></template>')
    write(tmp_path, "b.html", f'<template><div data-composition-id="b">B{host("a.html", "a")}</div></template>')
    inlined = with_sub_compositions(page(host("a.html", "a")), tmp_path)
    assert re.search(r">A<.*>B<", inlined.html)
    assert inlined.warnings == ("The sub-composition a.html is left out: it contains itself.",)


def test_variables_of_a_host_go_over_the_declared_ones(tmp_path: Path) -> None:
    declared = '[{"id":"word","type":"string","default":"none"},{"id":"size","type":"number","default":3}]'
    write(
        tmp_path,
        "card.html",
        f"<template><div data-composition-id='card' data-composition-variables='{declared}'></div></template>",
    )
    values = """data-variable-values='{"word":"</script>"}'"""
    html = with_sub_compositions(page(host("card.html", more=values)), tmp_path).html
    assert '{"card": {"word": "\\u003c/script>", "size": 3}}' in html
    assert f"{SCOPE} {{--size:3}}" in html


SCENE = """<html><head>
<script type="importmap">{"imports":{"three":"./three.js","own":"ours.js","parts/":"./lib/"}}</script>
<style type="text/tailwindcss">@theme{--x:1}</style><style media="print">.a{x:1}</style>
<script type="x-shader/x-vertex" id="vs">v</script>
</head><body><div data-composition-id="card"><script type="application/json" id="in">1</script></div>
<script type="x-shader/x-fragment" id="fs">f</script>
<script>window.CFG={}</script><script src="scene.js"></script><script>after()</script>
<script src="https://x.test/lib.js"></script>
<script type="module">import "three"; __hyperframes.getVariables()</script></body></html>"""


def test_data_scripts_of_the_head_and_beside_the_root_are_in_the_host(tmp_path: Path) -> None:
    write(tmp_path, "card.html", SCENE)
    html = with_sub_compositions(page(host("card.html")), tmp_path).html
    inside = html[html.index('data-composition-file="card.html"') : html.index("https://x.test/lib.js")]
    assert [re.search(rf'id="{name}">', inside) is not None for name in ("in", "vs", "fs")] == [True] * 3
    assert html.count('id="fs"') == html.count('id="in"') == 1


def test_scripts_keep_their_order_and_only_those_from_elsewhere_come_first(tmp_path: Path) -> None:
    write(tmp_path, "card.html", SCENE)
    html = with_sub_compositions(page(host("card.html")), tmp_path).html
    order = [
        html.index(mark) for mark in ("https://x.test/lib.js", "window.CFG", "scene.js", "after()", 'import "three"')
    ]
    assert order == sorted(order)


def test_a_module_runs_once_for_each_host_with_the_values_of_that_host(tmp_path: Path) -> None:
    write(tmp_path, "card.html", SCENE)
    html = with_sub_compositions(page(host("card.html"), host("card.html")), tmp_path).html
    module = r'<script type="text/hf-after-fonts\+module">const __hyperframes = \S+\(.*?"runtime": "(\w+)"'
    assert re.findall(module, html) == ["card__hf1", "card__hf2"]


def test_import_maps_are_merged_into_the_first_one_of_the_page(tmp_path: Path) -> None:
    for name in ("parts/three.js", "parts/ours.js", "parts/lib/x.js"):
        write(tmp_path, name, "")
    write(tmp_path, "parts/card.html", SCENE)
    alone = with_sub_compositions(page(host("parts/card.html")), tmp_path)
    maps = re.findall(r'<head><script type="importmap">(.*?)</script>', alone.html)
    assert [json.loads(found) for found in maps] == [
        {"imports": {"three": "./parts/three.js", "own": "./parts/ours.js", "parts/": "./parts/lib/"}}
    ]
    with_own = (
        '<script type="importmap">{"imports":{"three":"https://x.test/t.js"},"scopes":{"/a/":{"b":"/c.js"}}}</script>'
    )
    merged = with_sub_compositions(page(with_own, host("parts/card.html")), tmp_path)
    found = re.findall(r'<script type="importmap">(.*?)</script>', merged.html)
    assert len(found) == 1 and json.loads(found[0])["scopes"] == {"/a/": {"b": "/c.js"}}
    assert json.loads(found[0])["imports"]["three"] == "https://x.test/t.js" and '"own"' in found[0]
    assert merged.warnings == (
        "The import map of parts/card.html gives three another address than an earlier one: https://x.test/t.js stays.",
    )


def test_styles_keep_their_media_and_those_of_another_type_stay_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "card.html", SCENE)
    html = with_sub_compositions(page(host("card.html"), host("card.html")), tmp_path).html
    assert html.count('<style type="text/tailwindcss">@theme{--x:1}</style>') == 1
    assert re.search(r'<style media="print">\[data-composition-id="card__hf1"\] .a {x:1}\s', html)


def test_imports_of_style_sheets_come_before_all_rules(tmp_path: Path) -> None:
    for name in "ab":
        style = f"<style>@layer {name}1;@import url(https://x.test/{name}.css);.{name}{{x:1}}</style>"
        write(tmp_path, f"{name}.html", f'<template><div data-composition-id="{name}">{style}</div></template>')
    html = with_sub_compositions(page(host("a.html", "a"), host("b.html", "b")), tmp_path).html
    (sheet,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert sheet.split("\n")[:4] == [
        "@layer a1;",
        "@layer b1;",
        "@import url(https://x.test/a.css);",
        "@import url(https://x.test/b.css);",
    ]


@pytest.mark.parametrize("source", ["none.html", "../outside.html", "empty.html", "/etc/passwd"])
def test_a_file_that_is_missing_outside_or_empty_ends_the_render(tmp_path: Path, source: str) -> None:
    write(tmp_path, "project/empty.html", " ")
    write(tmp_path, "outside.html", "<p>outside</p>")
    with pytest.raises(InvalidComposition, match="sub-composition"):
        with_sub_compositions(page(host(source)), tmp_path / "project")


def test_a_page_without_hosts_is_left_as_it_is(tmp_path: Path) -> None:
    html = page(
        '<div data-composition-src="https://x.test/a.html"></div>', "<template>", host("no.html"), "</template>"
    )
    assert with_sub_compositions(html, tmp_path).html == html


def test_sub_compositions_that_multiply_are_refused(tmp_path: Path) -> None:
    for name, shown in ("ab", "bc", "cd", "de"):
        write(tmp_path, f"{name}.html", "<template>" + host(f"{shown}.html", shown) * 8 + "</template>")
    write(tmp_path, "e.html", "<template><p>x</p></template>")
    with pytest.raises(LimitExceeded, match="too many"):
        with_sub_compositions(page(host("a.html", "a")), tmp_path)


@pytest.mark.parametrize(
    "css", ["url(a.png)", 'url("a (1).png")', "url( 'b c.png' )", "url(data:x)", "a{b:url(x.png)}c{d:url('y')}"]
)
def test_every_address_of_a_style_sheet_is_changed(css: str) -> None:
    assert rewrite_urls(css, lambda address: f"../{address}").count("../") == css.count("url(")


@pytest.mark.parametrize("css", ['@import "x.css";', "@IMPORT  'x.css' print;", '@import "x.css" layer(a);'])
def test_what_a_style_sheet_imports_by_a_plain_text_is_looked_for_beside_it(css: str) -> None:
    assert rewrite_urls(css, lambda address: f"parts/{address}") == css.replace("x.css", "parts/x.css")


def test_an_address_without_an_end_is_left_as_it_is() -> None:
    css = "url(" * 50_000
    assert rewrite_urls(css, lambda address: "changed") == css


@pytest.mark.parametrize(
    ("css", "scoped"),
    [
        ("@scope (.card) { b { x:1 } }", f"@scope ({SCOPE} .card) {{ b {{ x:1 }} }}"),
        (
            "@scope (.card, #x:is(a, b)) to (.end) { b { x:1 } }",
            f"@scope ({SCOPE} .card, {SCOPE} #x:is(a, b)) to (.end) {{ b {{ x:1 }} }}",
        ),
        ("@scope { :scope { x:1 } }", f"@scope ({SCOPE}) {{ :scope {{ x:1 }} }}"),
        ("@media print { @scope (p) { b { x:1 } } }", f"@media print {{@scope ({SCOPE} p) {{ b {{ x:1 }} }} }}"),
    ],
)
def test_scopes_of_a_sub_composition_stay_in_it(css: str, scoped: str) -> None:
    found = scope_css(css, Names(SCOPE, "card", "root"))
    assert found.replace(" ", "") == scoped.replace(" ", "")


EMPTY = {
    "an empty template": "<template></template>",
    "an empty template with a comment": "<template>\n<!-- <p>later</p> -->\n</template>",
    "an empty body": "<!doctype html><html><head><title>t</title><style>p {}</style></head><body>\n</body></html>",
    "styles only": "<template><style>.a { color: red }</style></template>",
    "only a head": "<html><head><meta charset=utf-8></head></html>",
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_file_that_shows_nothing_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, "a.html", EMPTY[name])
    with pytest.raises(InvalidComposition, match=r"a\.html is empty"):
        with_sub_compositions(page(host("a.html")), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "<template>words</template>",
        "<template><script>document.body.append('made')</script></template>",
        "<html><head><script src=make.js></script></head><body></body></html>",
        "<template><img src=a.png></template>",
    ],
)
def test_a_file_that_may_show_something_is_taken(text: str, tmp_path: Path) -> None:
    write(tmp_path, "a.html", text)
    assert with_sub_compositions(page(host("a.html")), tmp_path).html


def test_all_files_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, "empty.html", "<template></template>")
    write(tmp_path, "outer.html", f"<template><p>a</p>{host('inner.html', 'inner')}</template>")
    hosts = [host(name, name) for name in ("empty.html", "outer.html", "missing.html")]
    with pytest.raises(InvalidComposition) as caught:
        with_sub_compositions(page(*hosts), tmp_path)
    for said in ("empty.html is empty", "inner.html is not in the project", "missing.html is not in the project"):
        assert said in str(caught.value)


def test_a_host_in_a_sub_composition_may_name_a_file_beside_its_own(tmp_path: Path) -> None:
    inner = '<div data-composition-id="in" data-composition-src="in.html" data-start="0"></div>'
    write(tmp_path, "scenes/card.html", f'<template><div data-composition-id="card">{inner}</div></template>')
    write(tmp_path, "scenes/in.html", '<template><div data-composition-id="in">beside</div></template>')
    assert "beside" in with_sub_compositions(page(host("scenes/card.html")), tmp_path).html
    write(tmp_path, "in.html", '<template><div data-composition-id="in">from the root</div></template>')
    html = with_sub_compositions(page(host("scenes/card.html")), tmp_path).html
    assert "from the root" in html and "beside" not in html
