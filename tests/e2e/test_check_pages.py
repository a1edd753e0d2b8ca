"""`check` names what only running shows, and leaves sound pages alone."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import wave
from pathlib import Path

import pytest

from hyperframes_render.composition.lint import Problem
from hyperframes_render.input import parse_render_input
from hyperframes_render.render.check import check
from tests.broken import one_of_each_code
from tests.e2e.support import few
from tests.template import PROJECT

BROKEN = PROJECT / "tests/broken/projects"
EXPECTED = {path.parent.name: json.loads(path.read_text()) for path in sorted(BROKEN.glob("*/expected.json"))}
OPENED = [name for name, expected in EXPECTED.items() if expected.get("opened")]
LOOKS = sorted((PROJECT / "src/hyperframes_render/render/looks").glob("*.py"))
GSAP = '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
REQUEST = parse_render_input({})


def problems_of(project: Path) -> list[Problem]:
    """The problems that `check` finds. What answers the addresses of libraries is no problem."""
    found = asyncio.run(check(project, REQUEST)).problems
    return [problem for problem in found if problem.code != "outside_addresses"]


@pytest.mark.parametrize("name", one_of_each_code(OPENED, EXPECTED))
def test_a_broken_page_is_named_with_its_place(name: str) -> None:
    expected = EXPECTED[name]
    found = problems_of(BROKEN / name)
    hits = [
        problem
        for problem in found
        if (problem.code, problem.severity) == (expected["code"], expected["severity"])
        and (problem.file, problem.line) == (expected["file"], expected["line"])
        and expected["says"].lower() in f"{problem.message} {problem.fix}".lower()
    ]
    assert len(hits) == 1 and hits[0].column >= 1 and hits[0].fix, found
    assert [problem for problem in found if problem.severity != "notice"] == hits


def test_every_code_of_a_look_has_a_broken_page() -> None:
    named = {expected["code"] for expected in EXPECTED.values() if expected.get("opened")}
    of_looks = {
        code for name in LOOKS for code in re.findall(r'"([a-z]+_[a-z_]+)", "(?:error|warning)"', name.read_text())
    }
    assert of_looks and of_looks <= named


def page(body: str, style: str = "", script: str = "", length: float = 4) -> str:
    """A composition with one title that is seen all the time."""
    registered = f"const tl = gsap.timeline({{ paused: true }}); {script}; window.__timelines = {{ m: tl }};"
    return (
        f"<!doctype html><html><head>{GSAP}<style>body {{ margin: 0; background: #123; color: #fff; "
        f"font: 600 24px Inter }} .clip, p, h2 {{ position: absolute; margin: 0 }} {style}</style></head><body>"
        f'<div data-composition-id="m" data-width="320" data-height="180" data-duration="{length}">'
        f'<h1 id="t" style="position: relative; z-index: 9; margin: 10px">Hello</h1>{body}</div>'
        f"<script>{registered}</script></body></html>"
    )


#: Sound pages: body, style and script.
SOUND: dict[str, str | tuple[str, str, str]] = {
    "parked outside before it slides in": (
        '<p id="p" style="left:20px;top:80px">Slides</p>',
        "",
        'tl.from("#p", { x: 900, duration: 1 }, 2)',
    ),
    "parked half outside before it slides in": (
        '<p id="p" style="left:-40px;top:80px">Slides</p>',
        "",
        'tl.to("#p", { x: 80, duration: 1 }, 2)',
    ),
    "a ticker wider than the frame": (
        '<p id="p" style="top:80px;white-space:nowrap">One headline after another, and another one, and one more</p>',
        "",
        'tl.fromTo("#p", { x: 320 }, { x: -700, duration: 4, ease: "none" }, 0)',
    ),
    "a glow that bleeds": (
        '<div style="position:absolute;left:-200px;width:500px;height:500px;background:#345"></div>'
    ),
    "revealed by its opacity": (
        '<p id="p" style="opacity:0;top:80px">Later</p>',
        "",
        'tl.to("#p", { opacity: 1, duration: 0.4 }, 2)',
    ),
    "a line that a mask reveals": (
        '<div style="overflow:hidden;position:absolute;top:80px;height:30px;width:200px">'
        '<div id="p">Masked</div></div>',
        "",
        'tl.from("#p", { yPercent: 110, duration: 0.6 }, 1)',
    ),
    "a reel of numbers in a mask": (
        '<div style="overflow:hidden;position:absolute;top:80px;height:30px;width:40px;line-height:30px">'
        '<div id="p"><div>1</div><div>2</div><div>3</div></div></div>',
        "",
        'tl.to("#p", { y: -60, duration: 2 }, 1)',
    ),
    "an overlay on another track": (
        '<div id="p" class="clip" data-start="1" data-duration="1" data-track-index="5" '
        'style="inset:0;background:#000;opacity:0.5"></div>'
    ),
    "a cross-fade": (
        '<div class="clip" id="a" data-start="0" data-duration="2.5" style="inset:0;background:#400"><h2>A</h2></div>'
        '<div class="clip" id="b" data-start="2" data-duration="2" data-track-index="1" '
        'style="inset:0;background:#040"><h2>B</h2></div>',
        "",
        'tl.from("#b", { opacity: 0, duration: 0.5 }, 2)',
    ),
    "text for screen readers": (
        '<span style="position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)">A chart</span>'
    ),
    "symbols of an svg": (
        '<svg width="0" height="0" style="position:absolute"><defs><mask id="k"><rect width="9" height="9"/></mask>'
        '<symbol id="s"><text>x</text></symbol></defs></svg><svg width="40" height="40"><use href="#s"/></svg>'
    ),
    "a hidden canvas that scripts draw from": (
        '<canvas id="c" width="100" height="50" style="position:absolute;top:80px"></canvas>'
        '<canvas id="d" width="20" height="20" style="position:absolute;left:-999px"></canvas>',
        "",
        'document.getElementById("c").getContext("2d").fillRect(0, 0, 50, 50)',
    ),
    "a clip that is a coloured card": (
        '<div class="clip" id="a" data-start="0" data-duration="2" style="inset:0;background:#800"></div>'
        '<div class="clip" id="b" data-start="2" data-duration="2" style="inset:0;background:#080"></div>'
    ),
    "a slide that stands for six seconds": ("", "", "tl.set({}, {}, 6)"),
    "a long text that ends in dots": (
        '<p style="top:80px;width:90px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">A long long text</p>'
    ),
    "text that is filled by its background": (
        '<p style="top:80px;color:#123;background:linear-gradient(90deg,#f00,#ff0);background-clip:text;'
        '-webkit-text-fill-color:transparent">Gradient</p>'
    ),
    "text with an outline only": '<p style="top:80px;color:#123;-webkit-text-stroke:1px #fff">Outline</p>',
    "a decorative word that the frame cuts": (
        '<p aria-hidden="true" style="top:60px;left:-30px;font-size:150px;opacity:0.1">WORD</p>'
    ),
    "behind a cover that opens": (
        '<div id="p" style="position:absolute;inset:0;background:#000"></div>',
        "",
        'tl.to("#p", { x: 320, duration: 1 }, 1)',
    ),
    "a local font name with a fallback": ("", "h1 { font-family: Arial, sans-serif }", "tl.set({}, {}, 4)"),
}


@pytest.mark.parametrize("name", few(list(SOUND), *list(SOUND)[::5]))
def test_a_sound_page_is_left_alone(name: str, tmp_path: Path) -> None:
    given = SOUND[name]
    body, style, script = given if isinstance(given, tuple) else (given, "", "tl.set({}, {}, 4)")
    (tmp_path / "index.html").write_text(page(body, style, script))
    assert [problem for problem in problems_of(tmp_path) if problem.severity != "notice"] == []


def test_an_empty_first_second_is_left_alone(tmp_path: Path) -> None:
    late = page("", "h1 { opacity: 0 }", 'tl.to("#t", { opacity: 1, duration: 0.3 }, 1.5)')
    (tmp_path / "index.html").write_text(late)
    assert problems_of(tmp_path) == []


def write_wave(path: Path, level: int, seconds: float = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join((level * (-1) ** (n // 8)).to_bytes(2, "little", signed=True) for n in range(8000)))


def test_a_silent_sound_is_named_and_a_heard_one_is_not(tmp_path: Path) -> None:
    write_wave(tmp_path / "silent.wav", 0)
    write_wave(tmp_path / "loud.wav", 9000)
    sounds = (
        '\n<audio id="s" src="silent.wav" data-start="0"></audio>'
        '\n<audio id="l" src="loud.wav" data-start="0"></audio>'
        '\n<audio id="late" src="loud.wav" data-start="0" data-media-start="3"></audio>'
    )
    (tmp_path / "index.html").write_text(page(sounds, script="tl.set({}, {}, 4)"))
    found = [(p.code, p.severity, p.selector, p.line) for p in problems_of(tmp_path)]
    assert found == [("in_point_after_end", "error", "#late", 4), ("sound_not_heard", "warning", "#s", 2)]


def test_the_patch_of_a_hidden_clip_shows_it(tmp_path: Path) -> None:
    project = shutil.copytree(BROKEN / "unseen-clip-display", tmp_path / "p")
    (patch,) = [problem.patch for problem in problems_of(project) if problem.code == "never_visible"]
    assert patch is not None
    html = (project / patch.file).read_text()
    (project / patch.file).write_text(html[: patch.start] + patch.text + html[patch.end :])
    assert problems_of(project) == []


def test_captions_that_are_there_for_some_frames_are_seen(tmp_path: Path) -> None:
    words = "".join(f'<p id="w{n}" style="top:80px;opacity:0">Word {n}</p>' for n in range(30))
    script = "; ".join(
        f'tl.set("#w{n}", {{ opacity: 1 }}, {n / 10}); tl.set("#w{n}", {{ opacity: 0 }}, {(n + 1) / 10})'
        for n in range(30)
    )
    (tmp_path / "index.html").write_text(page(words, script=script))
    assert problems_of(tmp_path) == []


def test_a_page_of_thousands_of_elements_is_looked_at(tmp_path: Path) -> None:
    marks = "".join(f'<p style="left:{n % 300}px;top:{n % 160}px">{n}</p>' for n in range(3000))
    hidden = '<p id="gone" style="opacity:0">Never</p>'
    (tmp_path / "index.html").write_text(page(marks + hidden, script="tl.set({}, {}, 4)"))
    assert ("never_visible", "#gone") in {(problem.code, problem.selector) for problem in problems_of(tmp_path)}


def test_a_slow_frame_names_the_element_that_costs_it(tmp_path: Path) -> None:
    layers = "".join(
        f'<div style="position:absolute;inset:{n}px;backdrop-filter:blur(60px) saturate(2)"></div>' for n in range(40)
    )
    body = f'\n<div id="heavy" class="clip" data-start="2" data-duration="0.7" style="inset:0">{layers}<h2>x</h2></div>'
    big = page(body, script='tl.to("#t", { x: 100, duration: 4 }, 0)').replace(
        'data-width="320" data-height="180"', 'data-width="1920" data-height="1080"'
    )
    (tmp_path / "index.html").write_text(big)
    found = [(p.code, p.selector, p.line) for p in problems_of(tmp_path) if p.code == "slow_frame"]
    assert found == [("slow_frame", "#heavy", 2)]
