"""A script of the project that does not parse ends the render with its place. What a callback throws is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.support import composition, render, run

PART = '<div data-composition-id="p" data-composition-src="part.html" data-start="0" data-duration="1"></div>'
LIBRARY = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
PART_HEAD = '<template><div data-composition-id="p">\n<script>\n'
#: Project files, and the place that the error must name.
BROKEN = {
    "in the page": ({"index.html": composition("<p>a</p>", "\nconst a = 1;\nf(a;\n")}, "index.html:3:3"),
    "in the head": (
        {"index.html": composition().replace("<head>", "<head>\n<script>\nlet x = ;\n</script>")},
        "index.html:3:9",
    ),
    "in a file": (
        {
            "index.html": composition('<script src="js/main.js"></script>'),
            "js/main.js": "\n\nfunction f( {\n  return 1;\n}",
        },
        "js/main.js:4:10",
    ),
    "in a module": (
        {
            "index.html": composition('<script type="module">\nimport { a } from "./a.js";\nlet q = ;\n</script>'),
            "a.js": "export const a = 1;",
        },
        "index.html:3:9",
    ),
    "in a part": (
        {
            "index.html": composition(PART),
            "part.html": f"{PART_HEAD}const t = f({{ a: 1 }};\n</script></div></template>",
        },
        "part.html:3:20",
    ),
    "cut in the middle": (
        {
            "index.html": composition(PART),
            "part.html": f"{PART_HEAD}window.__timelines = {{ p: gsap.timeline({{ pau",
        },
        "part.html:",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_script_that_does_not_parse_ends_the_render(name: str, tmp_path: Path) -> None:
    files, place = BROKEN[name]
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    ended = run("render", tmp_path, "-o", tmp_path / "o.mp4", "--json")
    assert ended.status == 1 and not (tmp_path / "o.mp4").exists()
    assert "SyntaxError" in ended.last_line and f"(in {place}" in ended.last_line, ended.last_line


def test_text_that_is_no_json_is_not_taken_for_a_script(tmp_path: Path) -> None:
    script = 'fetch("page.html").then((answer) => answer.json()).catch(() => {}); try { JSON.parse("{"); } catch {}'
    (tmp_path / "page.html").write_text("<p>")
    (tmp_path / "index.html").write_text(composition("<p>a</p>", script))
    assert not any("SyntaxError" in text for text in render(tmp_path, tmp_path / "o.mp4", "--fps", 10)["warnings"])


def test_what_a_callback_of_a_timeline_throws_is_reported_with_its_frame(tmp_path: Path) -> None:
    script = """window.__timelines = { m: gsap.timeline({ paused: true })
      .call(() => missing.thing(), [], 0.5).to("p", { x: 9, duration: 0.8, onComplete() { other.thing(); } }, 0) };"""
    (tmp_path / "index.html").write_text(composition(LIBRARY + "<p>a</p>", script))
    warnings = "\n".join(render(tmp_path, tmp_path / "o.mp4", "--fps", 10)["warnings"])
    for frame, name in ((5, "missing"), (8, "other")):
        assert f"at frame {frame}: Uncaught ReferenceError: {name} is not defined" in warnings, warnings
        assert f"{name} is not defined (in index.html:" in warnings, warnings
