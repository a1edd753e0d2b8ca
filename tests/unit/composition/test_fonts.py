from __future__ import annotations

import json
import re
import time
import tomllib
from base64 import b64decode, b64encode
from importlib import resources
from pathlib import Path

import pytest

from hyperframes_render.composition.fonts.files import MAX_BYTES, MAX_FILES
from hyperframes_render.composition.fonts.sheets import (
    split_families,
)
from tests.unit.composition.steps import Changed, with_fonts

FAMILIES = tomllib.loads(
    resources.files("hyperframes_render.packages").joinpath("font_families.toml").read_text(encoding="utf-8")
)
TEXT_RENDERING = "<style data-hyperframes-text-rendering>html,body,*{text-rendering:geometricPrecision}</style>"
FONT_STYLE = re.compile(r"<style data-hyperframes-deterministic-fonts>.*?</style>", re.DOTALL)


@pytest.fixture(scope="module")
def font_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A font root with every bundled file, each with its own name as content."""
    root = tmp_path_factory.mktemp("fonts")
    for family in FAMILIES["families"].values():
        for face in family["faces"]:
            file = root / family["package"] / face["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{family['package']}/{face['file']}")
    return root


def page(css: str = "", body: str = "", head: str = "") -> str:
    style = f"<style>{css}</style>" if css else ""
    return f"<!doctype html>\n<html><head>{head}{style}</head><body>{body}</body></html>"


def families(resolution: Changed) -> list[str]:
    return list(dict.fromkeys(face.family for face in resolution.faces))


def authored(resolution: Changed) -> str:
    """The resolved page without what we put in as a whole."""
    return FONT_STYLE.sub("", resolution.html).replace(TEXT_RENDERING, "")


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("monospace", "Inter, monospace"),
        ("sans-serif !important", "Inter, sans-serif !important"),
        ('-apple-system, BlinkMacSystemFont, "Segoe UI"', 'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI"'),
        ('"System-UI"', 'Inter, "System-UI"'),
        ("/* why */ serif /* not */", "/* why */ Inter, serif /* not */"),
        ("var(--unset, serif), Lato", "var(--unset, Inter, serif), Lato"),
        ("var(--unset, var(--unset-too, system-ui))", "var(--unset, var(--unset-too, Inter, system-ui))"),
    ],
)
def test_a_list_that_begins_with_a_generic_family_gets_inter_first(written: str, served: str, font_root: Path) -> None:
    resolution = with_fonts(page(f"p {{ FONT-FAMILY: {written}; color: red }}"), font_root=font_root)

    assert authored(resolution) == page(f"p {{ FONT-FAMILY: {served}; color: red }}")
    assert "Inter" in families(resolution)


@pytest.mark.parametrize("value", ["Lato, sans-serif", "inherit", "initial", "var(--unset)", "Georgia, serif", ""])
def test_other_lists_are_left_as_they_are(value: str, font_root: Path) -> None:
    html = page(f"p{{font-family:{value}}}")

    assert authored(with_fonts(html, font_root=font_root)) == html


def test_a_custom_property_of_a_generic_family_gets_inter_first(font_root: Path) -> None:
    css = ":root{--ui: ui-monospace, Menlo} p{font-family: var(--ui, serif)} q{font-family: var(--own)} i{--own:Lato}"
    resolution = with_fonts(page(css), font_root=font_root)

    assert authored(resolution) == page(css.replace("--ui: ui", "--ui: Inter, ui"))
    assert families(resolution) == ["Inter", "Menlo", "Lato"]


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ('style="color:red;font-family:serif"', 'style="color:red;font-family:Inter, serif"'),
        ("style='font-family: \"serif\"'", "style='font-family: Inter, \"serif\"'"),
        ("style=font-family:serif", 'style="font-family:Inter, serif"'),
        (
            'style="font-family:serif,&quot;A &amp; B&quot;"',
            'style="font-family:Inter, serif,&quot;A &amp; B&quot;"',
        ),
        ('data-font-family="monospace"', 'data-font-family="Inter, monospace"'),
    ],
)
def test_attributes_are_rewritten_too(written: str, served: str, font_root: Path) -> None:
    resolution = with_fonts(page(body=f'<p class="x" {written} id=y>a</p>'), font_root=font_root)

    assert authored(resolution) == page(body=f'<p class="x" {served} id=y>a</p>')
    assert families(resolution) == ["Inter"]


@pytest.mark.parametrize(
    ("asked", "package", "weights"),
    [
        ("Inter", "@fontsource/inter", [400, 700, 900]),
        ("'helvetica NEUE'", "@fontsource/inter", [400, 700, 900]),
        ("Segoe UI", "@fontsource/roboto", [400, 700, 900]),
        ("Georgia", "@fontsource/eb-garamond", [400, 700]),
        ('"Courier New"', "@fontsource/jetbrains-mono", [400, 700]),
        ("Bebas Neue", "@fontsource/league-gothic", [400]),
        ("Arial Black", "@fontsource/montserrat", [400, 700, 900]),
    ],
)
def test_a_bundled_family_is_served_under_the_name_the_page_uses(
    asked: str, package: str, weights: list[int], font_root: Path
) -> None:
    resolution = with_fonts(page(f"p{{font-family:{asked}}}"), font_root=font_root, url_prefix="/f/")

    assert families(resolution) == [asked.strip("'\"")]
    assert [face.weight for face in resolution.faces] == weights
    assert all(face.file.startswith(f"{package}/files/") and face.style == "normal" for face in resolution.faces)
    addresses = [f"data:font/woff2;base64,{b64encode(face.file.encode()).decode()}" for face in resolution.faces]
    assert all(f'url("{address}")' in resolution.html for address in addresses)
    assert resolution.warnings == ()


@pytest.mark.parametrize(
    ("html", "reported"),
    [
        (page("p{font:700 30px/1.2 'Lato',sans-serif !important}"), ["Lato"]),
        (page("p{font:italic 2.5rem Open Sans}"), ["Open Sans"]),
        (page(body="<p style='font:12px Lato'></p>"), ["Lato"]),
        (page("p{font:12px Lato} q{font-family:Lato}"), []),
        (page("@font-face{font-family:Lato;src:url(a.woff2)} p{font:12px Lato}"), []),
        (
            page(
                "p{font:12px Lato}", head='<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Lato">'
            ),
            [],
        ),
        (page("p{font:12px Arial,sans-serif} q{font:inherit} a{font:caption}"), []),
        (
            page("p{font:clamp(1px,2vw,3px) Lato} q{font:12px/ 1.5 Roboto} a{font:medium Inter}"),
            ["Lato", "Roboto", "Inter"],
        ),
    ],
)
def test_by_the_official_rule_a_family_of_a_shorthand_is_reported(
    html: str, reported: list[str], font_root: Path
) -> None:
    resolution = with_fonts(html, font_root=font_root, official=True)

    assert [warning.family for warning in resolution.warnings] == reported
    assert all("shorthand" in str(warning) for warning in resolution.warnings)


def test_every_bundled_face_is_limited_to_the_code_points_of_its_file(font_root: Path) -> None:
    resolution = with_fonts(page("p{font-family:Lato}"), font_root=font_root)

    assert resolution.html.count("unicode-range:U+0000-00FF, ") == len(resolution.faces) == 3
    assert resolution.html.count("U+FEFF, U+FFFD}") == 3


@pytest.mark.parametrize(
    "html",
    [
        page("p{font:24px Lato}"),
        page(body='<svg><text font-family="Lato">x</text></svg>'),
        page(body="<script>p.style.fontFamily = 'Lato'; html = `<p style=\"font-family:Lato\">`</script>"),
        page(body="<template><style>p{font-family:Lato}</style><p style='font-family:Lato'></p></template>"),
        page(body="<!-- <style>p{font-family:Lato}</style> -->"),
        page(head="<title><p style='font-family:Lato'></title>"),
        page("p{/* font-family:Lato; */ background:url(data:x;font-family:Lato;)}"),
        page("p::before{content:'; font-family:Lato;'}"),
        page(body="<p STYLE='font-family:Lato'>a</p>"),
    ],
    ids=["shorthand", "svg", "script", "template", "comment", "title", "css comment", "css string", "upper case"],
)
def test_places_the_official_renderer_does_not_look_at_ask_for_nothing(html: str, font_root: Path) -> None:
    resolution = with_fonts(html, font_root=font_root, official=True)

    assert resolution.faces == ()
    assert authored(resolution) == html


LOADS = re.compile(r"<script>\{const n=.*?</script>")


@pytest.mark.parametrize(
    "html",
    [
        page("p{font:600 24px/1.2 Lato}"),
        page("p{font:bold clamp(1px,2vw,3px)/1 Lato, serif}"),
        page(":root{--size:24px;--face:Lato} p{font:700 var(--size)/1.2 var(--face), serif}"),
        page(":root{--heading:600 24px Lato} p{font:var(--heading)}"),
        page(body="<p style='font: italic 24px \"Lato\"'></p>"),
        page(body="<p STYLE='font-family:Lato'>a</p>"),
        page(body='<svg><text font-family="Lato, serif">x</text></svg>'),
        page(body='<font face="Lato">x</font>'),
        page(body="<template><style>p{font-family:Lato}</style></template>"),
        page(body="<template><p style='font-family:Lato'></p></template>"),
        page("p{font-family:Lato; // a remark\n color:red}"),
        page("p{font: 20px Lato; nonsense}"),
        page("p{font-family:Lato"),
        page(body="<script>p.style.fontFamily = 'Lato'</script>"),
        page(body='<script>gsap.set(p, {fontFamily: "Lato, sans-serif"})</script>'),
        page(body="<script>const FONT = `Lato`; p.style.fontFamily = FONT</script>"),
        page(body="<script>c.font = '700 40px Lato'</script>"),
        page(body="<script>c.font = `700 ${size}px Lato`</script>"),
        page(body="<script>c.font = '700 ' + size + 'px Lato'</script>"),
        page(body='<script>html = `<p style="font-family:Lato">`</script>'),
        page(body='<script>html = `<p style="font:600 2em Lato">`</script>'),
        page(body='<script type="application/json">{"font": "Lato"}</script>'),
        page(body="<p data-title-font=Lato></p>"),
    ],
)
def test_a_family_is_found_wherever_the_page_names_it(html: str, font_root: Path) -> None:
    resolution = with_fonts(html, font_root=font_root)

    assert families(resolution) == ["Lato"]
    assert resolution.warnings == ()
    assert LOADS.sub("", authored(resolution)) == html


@pytest.mark.parametrize(
    "html",
    [
        page(body="<!-- <style>p{font-family:Lato}</style> -->"),
        page(head="<title><p style='font-family:Lato'></title>"),
        page("p{/* font-family:Lato; */ background:url(data:x;font-family:Lato;)}"),
        page("p::before{content:'; font-family:Lato;'}"),
        page(body="<script>const city = 'Lato'</script>"),
        page(body="<script>p.style.fontFamily = 'Nonesuch'; q.id = 'lato'</script>"),
        page(body="<script>document.fonts.add(new FontFace('Lato', 'url(a.woff2)')); c.font = '20px Lato'</script>"),
    ],
    ids=["comment", "title", "css comment", "css string", "no font", "unknown", "a face of the script"],
)
def test_what_names_no_family_brings_none(html: str, font_root: Path) -> None:
    resolution = with_fonts(html, font_root=font_root)

    assert resolution.faces == resolution.warnings == ()
    assert authored(resolution) == html


def test_files_of_the_project_are_searched_for_families(font_root: Path, tmp_path: Path) -> None:
    files = {
        "css/a.css": "@import url('inner/b.css'); p{font-family:Lato}",
        "css/inner/b.css": "@import 'missing.css'; @import '../../../out.css'; q{font:20px Roboto}",
        "js/main.js": "import './part.js'; fetch('data.json')",
        "js/part.js": "el.style.fontFamily = 'Oswald'",
        "data.json": '{"font": "Outfit"}',
        "unused.css": "p{font-family:Nunito}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    head = '<link rel="stylesheet" href="css/a.css?v=1"><script type="module" src="/js/main.js"></script>'
    resolution = with_fonts(page(head=head), font_root=font_root, project=tmp_path)

    assert sorted(families(resolution)) == ["Lato", "Oswald", "Outfit", "Roboto"]


def test_files_beyond_the_limits_are_reported(font_root: Path, tmp_path: Path) -> None:
    (tmp_path / "big.json").write_text("x" * (MAX_BYTES + 1))
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number:03}.js").write_text("font = 'Lato'")
    scripts = "".join(f'<script src="{number:03}.js"></script>' for number in range(MAX_FILES + 1))
    resolution = with_fonts(page(body=f"<script>'big.json'</script>{scripts}"), font_root=font_root, project=tmp_path)

    assert families(resolution) == ["Lato"]
    assert [warning.names for warning in resolution.warnings] == [("big.json", f"{MAX_FILES}.js")]
    assert "big.json, 100.js" in resolution.warnings[0].sentence


@pytest.mark.parametrize(
    "hostile",
    [
        "font:" * 100_000,
        "font: " + "(" * 200_000,
        "font = '" * 60_000,
        "fontFamily:" + "'" * 200_000,
        "'Lato'," * 60_000 + "font",
        "font-weight:" * 50_000 + "transition" * 30_000 + ".to(" * 50_000,
        "font('a.js')" * 40_000 + "(" * 100_000,
        "font" + ",".join(f"'{number}.js'" for number in range(50_000)),
        "font-variation-settings:" + "'wght' " * 50_000,
        "\\u" * 100_000 + "&" * 100_000,
    ],
    ids=["names", "brackets", "strings", "quotes", "families", "weights", "files", "names of files", "axes", "escapes"],
)
def test_hostile_scripts_are_read_in_reasonable_time(hostile: str, font_root: Path, tmp_path: Path) -> None:
    begin = time.perf_counter()
    with_fonts(page(body=f"<script>{hostile}</script>"), font_root=font_root, project=tmp_path)

    assert time.perf_counter() - begin < 5


def test_a_face_of_a_linked_style_sheet_wins(font_root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face{font-family:Lato;src:url(a.woff2)}")
    html = page("p{font-family:Lato}", head='<link rel="stylesheet" href="a.css">')

    assert with_fonts(html, font_root=font_root, project=tmp_path).faces == ()


def test_a_missing_family_of_a_shorthand_or_a_linked_sheet_is_reported(font_root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p{font-family:Nowhere, serif}")
    html = page("p{font:20px Nonesuch}", head='<link rel="stylesheet" href="a.css">')

    warnings = with_fonts(html, font_root=font_root, project=tmp_path).warnings
    assert sorted(warning.family for warning in warnings) == ["Nonesuch", "Nowhere"]


@pytest.mark.parametrize(
    "css",
    [
        "p{font-family:serif",
        "p{font-family:serif}}",
        "p{font-family:serif; // a remark\n color:red}",
        "p{font-family:serif; nonsense}",
        "p{font-family:serif} /* open",
        "p{font-family:serif; content:'open}",
    ],
)
def test_a_style_sheet_with_a_syntax_error_is_left_alone_as_a_whole(css: str, font_root: Path) -> None:
    html = page(css)
    resolution = with_fonts(html, font_root=font_root)

    assert resolution.faces == ()
    assert authored(resolution) == html


def test_nested_rules_and_conditions_are_read(font_root: Path) -> None:
    css = "@media screen{@supports (a:b){p{a:hover{font-family:Lato} --x:{font-family:Oswald}; font-family:Outfit}}}"

    assert families(with_fonts(page(css), font_root=font_root)) == ["Lato", "Outfit"]


def test_font_faces_of_the_page_win(font_root: Path) -> None:
    css = "@font-face{font-family:'Lato';src:url(mine.woff2)} p{font-family:lato, Roboto}"
    resolution = with_fonts(page(css), font_root=font_root)

    assert families(resolution) == ["Roboto"]
    assert resolution.warnings == ()


def test_a_misspelt_declared_family_gets_the_rules_of_the_declared_one(font_root: Path) -> None:
    css = "@font-face{font-family:\"My Font\";src:url(mine.woff2)} p{font-family:'my-font'}"
    resolution = with_fonts(page(css), font_root=font_root)

    assert '@font-face{font-family:"my-font";src:url(mine.woff2)}' in resolution.html
    assert [(warning.family, warning.fallback) for warning in resolution.warnings] == [("my-font", '"My Font"')]


@pytest.mark.parametrize(
    "declaration",
    [
        '<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Space+Mono:wght@400&family=Lato">',
        "<style>@import 'https://fonts.googleapis.com/css?family=Lato|Space+Mono:400,700';</style>",
        '<style>@IMPORT \t url( "https://fonts.googleapis.com/css?family=Space+Mono" \n) all ;</style>',
        "<style>@import url( https://fonts.googleapis.com/css?family=Space+Mono );</style>",
    ],
)
def test_a_misspelt_family_that_the_page_links_to_is_served_from_the_bundle(declaration: str, font_root: Path) -> None:
    resolution = with_fonts(page("p{font-family:SpaceMono}", head=declaration), font_root=font_root)

    assert {face.file.split("/")[1] for face in resolution.faces} == {"space-mono"}
    assert families(resolution) == ["SpaceMono"]


@pytest.mark.parametrize(
    ("stack", "fallback"),
    [
        ("Nonesuch, Other, Georgia, serif", '"Georgia"'),
        ("Nonesuch, serif", "this machine's serif"),
        ("Nonesuch", "this machine's default font"),
    ],
)
def test_an_unknown_family_is_reported_with_what_it_falls_back_to(stack: str, fallback: str, font_root: Path) -> None:
    warning = with_fonts(page(f"p{{font-family:{stack}}}"), font_root=font_root).warnings[0]

    assert (warning.family, warning.fallback) == ("Nonesuch", fallback)
    assert str(warning).startswith(f'font-family "Nonesuch" falls back to {fallback}: ')


def packaged(root: Path, package: str, *sheets: tuple[str, str]) -> Path:
    """A font root with one package: names of style sheets, and the ranges of the rule in each."""
    folder = root / "@fontsource" / package
    folder.mkdir(parents=True)
    for name, ranges in sheets:
        rule = f"@font-face {{ font-family: 'Any'; src: url(./files/{name}.woff2); unicode-range: {ranges}; }}"
        (folder / f"{name}.css").write_text(rule)
    return root


def test_a_family_of_a_package_needs_no_link(tmp_path: Path) -> None:
    root = packaged(tmp_path, "some-sans", ("400", "U+0000-00FF"), ("700-italic", "U+20??"), ("850", "U+0000-00FF"))
    resolution = with_fonts(page("p{font-family:Some+Sans, serif}"), font_root=root, url_prefix="/f/")

    assert '@font-face { font-family:"Some+Sans"; src: url(/f/@fontsource/some-sans/files/400.woff2)' in resolution.html
    assert "850" not in resolution.html
    assert resolution.warnings == ()


@pytest.mark.parametrize(("text", "loaded"), [("plain", ["400"]), ("\u0416", ["400", "500"]), ("\u0417", ["400"])])
def test_of_a_family_of_a_package_only_what_has_the_pages_letters_is_loaded(
    text: str, loaded: list[str], tmp_path: Path
) -> None:
    root = packaged(tmp_path, "some-sans", ("400", "U+0000-00FF"), ("500", "U+0300, U+0415-0416"))
    resolved = with_fonts(page("p{font-family:some sans}", body=f"<p>{text}</p>"), font_root=root).html

    assert re.findall(r"files/(\d+)\.woff2", resolved) == loaded


def test_letters_that_only_a_variable_brings_are_loaded_too(tmp_path: Path) -> None:
    root = packaged(tmp_path, "some-sans", ("400", "U+0416"))
    html = page("p{font-family:some sans}")

    assert "@font-face" not in with_fonts(html, font_root=root).html
    assert "@font-face" in with_fonts(html, font_root=root, also_shown="\u0416").html


def with_package(
    root: Path, package: str, sheets: dict[str, str], axes: str = "false", kind: str = "@fontsource"
) -> Path:
    """Add a package: weights and unicode-ranges of its rules by style sheet, and the axes in its metadata (JSON)."""
    folder = root / kind / package
    (folder / "files").mkdir(parents=True)
    for name, rules in sheets.items():
        text = ""
        for rule in rules.split("; "):
            weight, ranges = rule.split(": ")
            file = f"{name}-{ranges.split('-')[0].removeprefix('U+')}.woff2"
            (folder / "files" / file).write_text(f"{kind}/{package}/{file}")
            text += (
                f"@font-face {{\n  font-family: 'Any';\n  font-style: normal;\n  font-weight: {weight};\n"
                f"  src: url(./files/{file}) format('woff2'), url(./files/x.woff) format('woff');\n"
                f"  unicode-range: {ranges};\n}}\n"
            )
        (folder / f"{name}.css").write_text(text)
    (folder / "metadata.json").write_text(f'{{"variable": {axes}}}')
    return root


@pytest.fixture
def lato_root(tmp_path: Path) -> Path:
    """A font root with the bundled files of Lato, and its package."""
    latin, extended = "U+0000-00FF", "U+0100-02BA"
    sheets = {str(w): f"{w}: {extended}; {w}: {latin}" for w in (300, 400, 600, 700, 900)}
    root = with_package(tmp_path / "fonts", "lato", {**sheets, "400-italic": f"400: {latin}"})
    for face in FAMILIES["families"]["Lato"]["faces"]:
        (root / "@fontsource/lato" / face["file"]).write_text("bundled")
    return root


def served(html: str, root: Path, project: Path | None = None) -> list[str]:
    """The files in the rules of a page."""
    resolved = with_fonts(html, font_root=root, project=project).html
    data = [b64decode(text).decode() for text in re.findall(r"base64,([^\")]+)", resolved)]
    return [text.rsplit("/", 1)[-1] for text in data if text != "bundled"]


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("plain \u00e9 \u2013 \u20ac", []),
        ("\u010d", ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]),
        ("&scaron;", ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]),
        ("<script>p.textContent = '\\u0161'</script>", ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]),
        ("<style>p::before{content:'\\161'}</style>", ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]),
        ("<b style='text-transform:uppercase'>\u00ff</b>", ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]),
    ],
)
def test_a_bundled_family_has_the_scripts_of_the_pages_letters(text: str, used: list[str], lato_root: Path) -> None:
    html = page("p{font-family:Lato}", body=f"<p>{text}</p>")

    assert served(html, lato_root) == used
    assert with_fonts(html, font_root=lato_root).html.count("U+FEFF, U+FFFD}") == 3
    assert with_fonts(html, font_root=lato_root, official=True).html.count("@font-face") == 3


def test_letters_of_the_projects_files_count(lato_root: Path, tmp_path: Path) -> None:
    (tmp_path / "words.json").write_text('["\u010d"]', "utf-8")
    html = page("p{font-family:Lato}", body="<script>fetch('words.json')</script>")

    assert served(html, lato_root, project=tmp_path) == ["400-0100.woff2", "700-0100.woff2", "900-0100.woff2"]


@pytest.mark.parametrize(
    ("css", "used"),
    [
        ("p{font-weight:600}", ["600-0000.woff2"]),
        ("p{font-weight:400} q{font-weight: bold}", []),
        ("p{font:300 20px Lato}", ["300-0000.woff2"]),
        (":root{--strong:600} p{font-weight:var(--strong)}", ["600-0000.woff2"]),
        ("p{font-style:italic}", ["400-italic-0000.woff2"]),
        ("p{--width:610; width:600px; font-size:600%}", []),
    ],
)
def test_a_bundled_family_has_the_weights_and_italics_that_are_used(css: str, used: list[str], lato_root: Path) -> None:
    assert served(page(f"p{{font-family:Lato}} {css}"), lato_root) == used


@pytest.mark.parametrize(
    "body",
    [
        "<p class='font-semibold'>x</p>",
        "<script>gsap.set(p, {fontWeight: 600})</script>",
        "<script>c.font = '600 40px Lato'</script>",
        "<svg><text font-weight='600'>x</text></svg>",
    ],
)
def test_weights_are_found_in_classes_scripts_and_attributes(body: str, lato_root: Path) -> None:
    assert served(page("p{font-family:Lato}", body=body), lato_root) == ["600-0000.woff2"]


AXES = '{"wght": {"min": "100", "max": "900"}, "wdth": {}}'
LINK = '<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Some+Sans:wght@{}">'
STEPS = {"400": "400: U+0000-00FF", "700": "700: U+0000-00FF"}


@pytest.mark.parametrize(
    ("css", "head", "reason"),
    [
        ("p{font-variation-settings:'wght' 650}", "", "its variable font is in no package"),
        ("p{font-weight:650}", "", "its variable font is in no package"),
        ("p{font-weight:650}", LINK.format("400..700"), "no package has its weights 500, 600"),
        ("p{transition: font-weight 1s}", "", "its variable font is in no package"),
        ("", LINK.format("400;550"), "no package has its weight 550"),
    ],
)
def test_missing_weights_and_axes_are_reported(css: str, head: str, reason: str, tmp_path: Path) -> None:
    root = with_package(tmp_path, "some-sans", STEPS, AXES)
    warnings = with_fonts(page(f"p{{font-family:Some Sans}} {css}", head=head), font_root=root).warnings

    assert [(warning.family, warning.fallback) for warning in warnings] == [("Some Sans", "weights 400, 700")]
    assert warnings[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("css", "axes"),
    [
        ("p{font-weight:700}", AXES),
        ("p{font-variation-settings:'wght' 650}", "false"),
        ("@font-face{font-family:Own;src:url(a.woff2)} q{font-variation-settings:'wght' 650}", AXES),
    ],
    ids=["weights of the package", "a family without axes", "a face of the page"],
)
def test_no_weights_are_reported_that_no_text_lacks(css: str, axes: str, tmp_path: Path) -> None:
    root = with_package(tmp_path, "some-sans", STEPS, axes)

    assert with_fonts(page(f"p{{font-family:Some Sans}} {css}"), font_root=root).warnings == ()


@pytest.mark.parametrize(
    ("css", "head", "sheet"),
    [
        ("p{font-weight:650}", "", "wght"),
        ("p{font-variation-settings:'wdth' 80}", "", "full"),
        ("", LINK.format("100..900"), "wght"),
        ("", LINK.replace("wght", "wdth,wght").format("75..100,100..900"), "full"),
    ],
)
def test_the_variable_font_of_a_package_is_served_where_it_is_needed(
    css: str, head: str, sheet: str, tmp_path: Path
) -> None:
    root = with_package(tmp_path, "some-sans", STEPS, AXES)
    variable = {"wght": "100 900: U+0000-00FF", "full": "100 900: U+0000-00FF", "index": "100 900: U+0000-00FF"}
    with_package(root, "some-sans", variable, AXES, "@fontsource-variable")
    resolution = with_fonts(page(f"p{{font-family:Some Sans}} {css}", head=head), font_root=root)

    assert re.findall(r"url\(/fonts/(\S+)\.woff2", resolution.html) == [
        f"@fontsource-variable/some-sans/files/{sheet}-0000"
    ]
    assert 'font-family:"Some Sans"' in resolution.html and "font-weight: 100 900" in resolution.html
    assert resolution.warnings == ()


@pytest.mark.parametrize("name", ["some_sans", "some-sans", "../some-sans", "some/sans", "so\u00fcme-sans"])
def test_other_spellings_of_a_packages_family_are_other_families(name: str, tmp_path: Path) -> None:
    root = packaged(tmp_path, "some-sans", ("400", "U+0000-00FF"))
    resolution = with_fonts(page(f'p{{font-family:"{name}"}}'), font_root=root)

    assert [warning.family for warning in resolution.warnings] == [name]


def test_a_family_that_the_page_links_to_is_not_called_unknown(font_root: Path) -> None:
    link = '<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Nonesuch">'

    assert with_fonts(page("p{font-family:nonesuch}", head=link), font_root=font_root).warnings == ()


def test_a_bundled_family_whose_files_are_missing_is_reported_and_not_served(tmp_path: Path) -> None:
    resolution = with_fonts(page("p{font-family:Lato, serif}"), font_root=tmp_path)

    assert resolution.faces == ()
    assert [(w.family, w.fallback, w.reason) for w in resolution.warnings] == [
        ("Lato", "this machine's serif", "its files are missing")
    ]


def test_text_rendering_is_first_in_the_head_fonts_after_the_last_sheet(font_root: Path) -> None:
    html = page("p{font-family:Lato}", body='<svg><style>text{fill:red}</style></svg><p style="color:red">x</p>')
    resolved = with_fonts(html, font_root=font_root).html

    assert resolved.startswith(f"<!doctype html>\n<html><head>{TEXT_RENDERING}<style>p")
    assert "<style>text{fill:red}</style><style data-hyperframes-deterministic-fonts>" in resolved


def test_a_linked_style_sheet_counts_as_the_last_one(font_root: Path) -> None:
    link = '<link rel="stylesheet" href="a.css">'
    resolved = with_fonts(page(head=link, body='<p style="font-family:Lato">x</p>'), font_root=font_root).html

    assert f"{link}<style data-hyperframes-deterministic-fonts>" in resolved


def test_a_page_without_a_head_gets_its_lists_rewritten_and_no_faces(font_root: Path) -> None:
    resolution = with_fonts('<!doctype html><body style="font-family:serif">x</body>', font_root=font_root)

    assert resolution.html == '<!doctype html><body style="font-family:Inter, serif">x</body>'
    assert resolution.faces == ()
    assert [warning.family for warning in resolution.warnings] == ["Inter"]


def test_a_resolved_page_is_not_changed_again(font_root: Path) -> None:
    html = page("p{font-family:serif} q{font-family:Lato}", body='<p style="font-family:Georgia">x</p>')
    once = with_fonts(html, font_root=font_root).html

    assert with_fonts(once, font_root=font_root).html == once


def test_line_endings_and_entities_outside_the_edits_survive(font_root: Path) -> None:
    html = page("a{b:c}\r\np{font-family:serif}", body="<p>\r\n&nbsp;&lt;\u00e9 \U0001f600<br/><P CLASS=x>\r\n")

    assert authored(with_fonts(html, font_root=font_root)) == html.replace(":serif", ":Inter, serif")


def test_linked_style_sheets_do_not_count(font_root: Path) -> None:
    html = page("p{font-family:Roboto}", head='<link rel="stylesheet" href="a.css">')

    assert families(with_fonts(html, font_root=font_root)) == ["Roboto"]


def test_family_lists_split_at_top_level_commas_only() -> None:
    value = "'A, B', var(--x, C, D) , \"E\",, F G"

    assert split_families(value) == ("A, B", "var(--x, C, D)", "E", "F G")


def test_every_alias_is_a_name_of_its_own() -> None:
    names = [name.lower() for name in FAMILIES["families"]]
    names += [alias for aliases in FAMILIES["aliases"].values() for alias in aliases]

    assert len(names) == len(set(names)) == 69
    assert set(FAMILIES["aliases"]) <= set(FAMILIES["families"])


@pytest.mark.parametrize(
    "hostile",
    [
        "@font-face{" * 18_000,
        "a{font-family:x;b:" + "url(" * 50_000,
        "a{font-family:a" + " " * 200_000 + "b}",
        "a{font-family:" + "var(--a," * 22_000 + ")" * 22_000 + "}",
        "a{--a{" * 40_000,
        "a{font-family:" + ",".join(map(str, range(30_000))) + "}",
        ":root{--a:"
        + ",".join(f"f{n}" for n in range(3_000))
        + "}"
        + "".join(f"p{{font-family:var(--a),x{n}}}" for n in range(3_000)),
    ],
    ids=["faces", "urls", "spaces", "variables", "braces", "names", "one-variable-in-many-lists"],
)
def test_hostile_style_sheets_are_read_in_reasonable_time(hostile: str, font_root: Path) -> None:
    begin = time.perf_counter()
    with_fonts(page(hostile), font_root=font_root)

    assert time.perf_counter() - begin < 5


def doubling(steps: int) -> str:
    """Custom properties of which each names the one before twice: the last one stands for 2 ** `steps` names."""
    chain = "".join(f"--v{step + 1}: var(--v{step}), var(--v{step});" for step in range(steps))
    return f":root{{--v0: Lato; {chain}}} p{{font-family: var(--v{steps})}}"


def test_custom_properties_that_double_thirty_times_are_read_at_once(font_root: Path) -> None:
    begin = time.perf_counter()
    resolution = with_fonts(page(doubling(30)), font_root=font_root)
    assert time.perf_counter() - begin < 1
    assert len(resolution.html) < 10_000
    assert families(with_fonts(page(doubling(7)), font_root=font_root)) == ["Lato"]


def test_variables_beyond_a_megabyte_are_left_out_and_other_names_kept(font_root: Path) -> None:
    names = ",".join(f"f{n:04}" for n in range(10_000))
    lists = "".join(f"p{{font-family: var(--many), x{n}}}" for n in range(30))
    css = f":root{{--many: {names}; --late: Lato}}{lists} b{{font-family: var(--late)}} i{{font-family: Roboto}}"
    resolution = with_fonts(page(css), font_root=font_root, official=True)
    assert families(resolution) == ["Roboto"]
    # Otherwise the values of variables are searched, whatever names them.
    assert sorted(families(with_fonts(page(css), font_root=font_root))) == ["Lato", "Roboto"]
    assert {"f9999", "x29"} <= {warning.family for warning in resolution.warnings}
    assert str(resolution.warnings[-1]) == (
        'font-family "var(--many), x17" falls back to the names after it: variables of the page\'s lists are more than '
        "1,000,000 characters"
    )


PROJECT = Path(__file__).parents[3]


def listed(name: str) -> str:
    """The words between two marks of docs/reference/fonts.md, on one line."""
    page = (PROJECT / "docs/reference/fonts.md").read_text("utf-8")
    return " ".join(page.split(f"{name} -->")[1].split("<!--")[0].split())


def test_the_page_about_fonts_lists_the_families_that_are_carried() -> None:
    packages = json.loads((PROJECT / "layers/renderer/package.json").read_text())["dependencies"]
    families = listed("families").split(", ")

    assert [f"@fontsource/{family.lower().replace(' ', '-')}" for family in families] == sorted(
        (name for name in packages if name.startswith("@fontsource/")), key=lambda name: name.replace("-", " ")
    )


def test_the_page_about_fonts_lists_the_stand_ins() -> None:
    aliases = {family: ", ".join(names) for family, names in sorted(FAMILIES["aliases"].items())}

    assert listed("stand-ins") == " ".join(f"- {family}: {names}" for family, names in aliases.items())
