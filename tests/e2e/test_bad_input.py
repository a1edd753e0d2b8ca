"""Bad input gives a non-zero status and one readable line that names the problem, and leaves no files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.support import COMPOSITIONS, composition, few, hidden_leftovers, render, run

STILL = COMPOSITIONS / "still.html"
LIBRARY = '<script src="https://cdn.jsdelivr.net/npm/gsap@3.15.0/dist/gsap.min.js"></script>'
NO_LIBRARY = '<script src="missing/lib.js"></script>' + composition(script="motion.timeline()")

#: Name: markup, and words that the error must contain.
PAGES = {
    "empty": ("", ["composition"]),
    "no-element": ("only words", ["no element"]),
    "part": ('<template><div data-composition-id="p"></div></template>', ["is a part", "data-composition-src"]),
    "no-duration": (composition(root=""), ["duration"]),
    "throws": (composition(script="throw new Error('sprocket')"), ["sprocket", ".html"]),
    "throws-late-in-loading": (composition(script="document.fonts.ready.then(() => { throw Error('cog') })"), ["cog"]),
    "missing-library": (NO_LIBRARY, ["motion is not defined", ".html"]),
    "gsap-not-loaded": (composition(script="gsap.timeline()"), ["gsap, which is not defined", "page.html", "Load"]),
    # The renderer adds fonts and a head to the fragment. Line numbers must still be those of the author's file.
    "line-of-a-fragment": (
        f"<style>body {{ font: 20px Roboto, Lora }}</style>\n{composition()}\n<script>\nboom();\n</script>",
        ["boom is not defined", "page.html:4:1"],
    ),
    "line-of-a-module": (
        f"{composition()}\n<script type=module>\n\nboom();\n</script>",
        ["boom is not defined", "page.html:4:1"],
    ),
    "throws-in-a-library": (composition(f"{LIBRARY}<script>gsap.utils.pipe(1)()</script>"), ["not a function"]),
    "absurd-size": (composition(root='data-duration="1"').replace('"320"', '"99999"'), ["limit"]),
    "absurd-duration": (composition(root='data-duration="1e9"'), ["limit"]),
}


def check_refused(tmp_path: Path, source: Path, words: list[str], *options: object) -> None:
    output = tmp_path / "out" / "bad.mp4"
    ended = run("render", source, "-o", output, *options)
    assert ended.status == 1, ended
    assert ended.last_line.startswith("error: ")
    assert len(ended.last_line) <= 400
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.last_line
    assert not output.exists()
    assert not output.parent.exists() or hidden_leftovers(output.parent) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_cannot_be_rendered_is_named(name: str, tmp_path: Path) -> None:
    markup, words = PAGES[name]
    (tmp_path / "page.html").write_text(markup)
    check_refused(tmp_path, tmp_path / "page.html", words)


def test_a_script_error_of_a_sub_composition_has_its_file_and_line(tmp_path: Path) -> None:
    host = (
        '<div data-composition-id="part" data-composition-src="parts/a b.html" data-start="0" data-duration="1"></div>'
    )
    (tmp_path / "page.html").write_text(composition(host))
    (tmp_path / "parts").mkdir()
    part = '<template>\n<div data-composition-id="part">\n<script>\nboom();\n</script></div></template>'
    (tmp_path / "parts" / "a b.html").write_text(part)
    check_refused(tmp_path, tmp_path / "page.html", ["boom is not defined", "parts/a b.html:4:1"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--fps", "0"), "fps"),
        (("--width", "-5"), "width"),
        (("--height", "nan"), "height"),
        (("--width", "100000", "--height", "100000"), "limit"),
        (("--codec", "mpeg9"), "codec"),
        (("--network", "a b"), "network"),
    ],
)
def test_a_wrong_option_is_named(options: tuple[str, ...], word: str, tmp_path: Path) -> None:
    check_refused(tmp_path, STILL, [word], *options)


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for output in (tmp_path / "file" / "o.mp4", tmp_path, tmp_path / "o.gif"):
        ended = run("render", STILL, "-o", output)
        assert ended.status == 1
        assert output.name in ended.last_line
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.slow
def test_a_page_with_an_endless_loop_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop.html").write_text(composition(script="for(;;){}"))
    check_refused(tmp_path, tmp_path / "loop.html", ["ready", "loop"])


def test_a_script_that_declares_a_name_twice_is_an_error(tmp_path: Path) -> None:
    """The script does not run, and its error has no line number."""
    (tmp_path / "page.html").write_text(composition("<script>let twice = 1</script>", script="let twice = 2"))
    check_refused(tmp_path, tmp_path / "page.html", ["twice", "declared"])


def test_a_sub_composition_that_needs_webgpu_is_named(tmp_path: Path) -> None:
    inner = '<div data-composition-id="glass" data-requires-webgpu data-start="0" data-duration="1"></div>'
    (tmp_path / "page.html").write_text(composition(inner))
    check_refused(tmp_path, tmp_path / "page.html", ["glass", "WebGPU", "WebGL"])


def test_an_error_while_seeking_is_a_warning_with_its_frame(tmp_path: Path) -> None:
    script = """const tl = { duration: () => 1, time: () => 0, pause() {}, play() {}, seek() {}, getChildren: () => [],
      totalTime(t) { window.__t = t; } }; window.__timelines = { m: tl };
      requestAnimationFrame(function f(ms) {
        if (ms > 480 && ms < 520) throw new Error("gearbox");
        requestAnimationFrame(f);
      });"""
    (tmp_path / "late.html").write_text(composition(script=script))
    result = render(tmp_path / "late.html", tmp_path / "o.mp4", "--workers", 1)
    assert result["frames"] == 30
    assert any("gearbox" in warning and "frame 15" in warning for warning in result["warnings"])


HARMLESS = {
    "image": (composition(script="const i = new Image(); i.src = 'gone.png'; i.decode()"), "cannot be decoded"),
    # The browser calls the library directly, like the listener of a widget.
    "widget": (composition(f"{LIBRARY}<script>setTimeout(gsap.utils.pipe(1))</script>"), "not of the project"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_an_error_outside_the_projects_scripts_is_a_warning(name: str, tmp_path: Path) -> None:
    markup, word = HARMLESS[name]
    (tmp_path / "page.html").write_text(markup)
    result = render(tmp_path / "page.html", tmp_path / "o.mp4")
    assert result["frames"] == 30
    assert any(word in warning for warning in result["warnings"]), result["warnings"]


def test_a_composition_without_a_timeline_is_rendered_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "plain.html").write_text(composition("<p>hi</p>"))
    result = render(tmp_path / "plain.html", tmp_path / "o.mp4")
    assert result["frames"] == 30
    assert any("No timeline" in warning for warning in result["warnings"])


def test_a_host_that_names_no_file_is_not_waited_for(tmp_path: Path) -> None:
    host = '<div data-composition-id="none" data-composition-src="" data-start="0"></div>'
    (tmp_path / "plain.html").write_text(composition(host, root='data-duration="0.1" data-no-timeline'))
    assert render(tmp_path / "plain.html", tmp_path / "o.mp4")["frames"] == 3


def test_missing_and_refused_resources_are_warnings(tmp_path: Path) -> None:
    body = '<img src="gone.png"><img src="https://example.com/x.png"><div style="font-family:Nowhere">x</div>'
    (tmp_path / "asks.html").write_text(composition(body))
    result = render(tmp_path / "asks.html", tmp_path / "o.mp4", "--network", "none")
    text = "\n".join(result["warnings"])
    assert "gone.png is not in the project" in text
    assert "https://example.com/x.png was refused" in text
    assert "Nowhere" in text


OUTSIDE = "https://cdn.jsdelivr.net/npm/no-such-library"
MISSING_CODE = {
    "script": f'<script src="{OUTSIDE}"></script>',
    "style sheet": f'<link rel="stylesheet" href="{OUTSIDE}">',
    "module": f'<script type="module">import x from "{OUTSIDE}"; x();</script>',
    "sheet of a sheet": f'<style>@import "{OUTSIDE}";</style>',
    "late script": f'''<script>const late = document.createElement("script"); late.src = "{OUTSIDE}";
    setTimeout(() => document.head.append(late), 500);</script>''',
    "lazy module": f'<script type="module">await import("{OUTSIDE}").catch(() => 0);</script>',
}


@pytest.mark.parametrize("name", few(list(MISSING_CODE), "script", "module"))
def test_code_from_outside_that_is_missing_ends_the_render(name: str, tmp_path: Path) -> None:
    markup = MISSING_CODE[name]
    (tmp_path / "page.html").write_text(composition(markup))
    ended = run("render", tmp_path / "page.html", "-o", tmp_path / "o.mp4", "--network", "none", "--json")
    error = json.loads(ended.stdout)["error"]
    assert ended.status == 1 and error["code"] == "code_unavailable"
    assert OUTSIDE in error["message"] and "network policy" in error["message"] and "libraries.md" in error["action"]


def test_a_counter_of_visitors_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    counter = '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
    (tmp_path / "page.html").write_text(composition(counter))
    result = render(tmp_path / "page.html", tmp_path / "o.mp4", "--network", "none")
    assert any("googletagmanager" in warning for warning in result["warnings"])


def test_a_page_cannot_read_outside_its_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (project / "link.txt").symlink_to(tmp_path / "secret.txt")
    script = """for (const url of ["../secret.txt", "%2e%2e/secret.txt", "link.txt", "file:///etc/passwd", "http://127.0.0.1:9/"])
      fetch(url).then(async (r) => { if (r.ok) throw new Error("leaked " + url + await r.text()); }, () => {});"""
    (project / "index.html").write_text(composition(script=script))
    result = render(project, tmp_path / "o.mp4")
    assert not any("leaked" in warning for warning in result["warnings"])
