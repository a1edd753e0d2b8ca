"""Broken projects are named with file and line; the patches mend them; sound projects are left alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hyperframes_render.composition.lint import Problem, lint_project
from hyperframes_render.composition.lint.repair import apply_patches
from tests.broken import one_of_each_code
from tests.template import PROJECT

BROKEN = PROJECT / "tests/broken/projects"
#: Projects whose fault the files show; tests/e2e/test_check_pages.py has those whose fault only running shows.
NAMES = sorted(
    path.parent.name for path in BROKEN.glob("*/expected.json") if not json.loads(path.read_text()).get("opened")
)
#: Sound projects: what is said about them is meant, or their media are made by the comparison.
SOUND = [
    path for folder in ("tests/parity/compositions", "events/compositions") for path in (PROJECT / folder).iterdir()
]
_MEANT = {
    "hidden-and-legacy": {"deprecated_data_end", "deprecated_data_layer"},
    "relative-starts": {"unknown_reference"},
    "video-attributes": {"invalid_time"},
}
_OF_MEDIA = {"missing_local_asset", "media_missing_id", "media_missing_data_start", "video_missing_muted"}


def expected_of(name: str) -> dict[str, object]:
    found = json.loads((BROKEN / name / "expected.json").read_text())
    assert isinstance(found, dict)
    return found


def hits(found: list[Problem], expected: dict[str, object]) -> list[Problem]:
    return [
        problem
        for problem in found
        if (problem.code, problem.severity) == (expected["code"], expected["severity"])
        and (problem.file, problem.line) == (expected["file"], expected["line"])
        and str(expected["says"]).lower() in f"{problem.message} {problem.fix}".lower()
    ]


@pytest.mark.parametrize("name", one_of_each_code(NAMES, {name: expected_of(name) for name in NAMES}))
def test_a_broken_project_is_named_with_its_place_and_mended(name: str, tmp_path: Path) -> None:
    expected = expected_of(name)
    project = shutil.copytree(BROKEN / name, tmp_path / name)
    found = lint_project(project, "index.html")
    hit = hits(found, expected)
    assert len(hit) == 1 and hit[0].column >= 1 and hit[0].fix, found
    assert (hit[0].patch is not None) == expected["mends"]
    if expected["mends"]:
        assert hits(apply_patches(project, found), expected)
        again = lint_project(project, "index.html")
        assert not [problem for problem in again if problem.code == expected["code"]], again
        assert apply_patches(project, again) == []


@pytest.mark.parametrize(
    "project",
    [pytest.param(path, marks=[pytest.mark.slow] if n % 5 else [], id=path.name) for n, path in enumerate(SOUND)],
)
def test_a_sound_project_has_no_error(project: Path) -> None:
    root, entry = (project, "index.html") if project.is_dir() else (project.parent, project.name)
    if not (root / entry).is_file() or not entry.endswith(".html"):
        pytest.skip("no page")
    allowed = _OF_MEDIA | _MEANT.get(project.name, set())
    found = [
        problem for problem in lint_project(root, entry) if problem.severity == "error" and problem.code not in allowed
    ]
    assert found == []


QUIET = {
    "parked outside before it slides in": '<h1 id="t" style="left:-900px">a</h1>',
    "broken markup in a comment": '<!-- <div data-duraton="1" /> {{x}} <img src="none.png"> --><h1 id="t">a</h1>',
    "broken markup in noscript": '<noscript><img src="none.png"><div data-sart="1"></div></noscript><h1 id="t">a</h1>',
    "a data address": '<h1 id="t">a</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    "attributes of the author": '<h1 id="t" data-state="open" data-size="2" data-stat="4" data-theme="dark">a</h1>',
    "a start that counts from another clip": '<h1 id="t" data-start="0" data-duration="1">a</h1>'
    '<p data-start="t + 0.5">b</p>',
    "svg that closes itself": '<h1 id="t">a</h1><svg><path d="M0 0"/><g/></svg>',
    "an id that a script makes": '<h1 id="t">a</h1>'
    '<script>const e = document.createElement("p"); e.id = "made";</script>',
    "braces in a script": '<h1 id="t">a</h1><script>const text = "{{name}}";</script>',
    "an address with a query and escapes": '<h1 id="t">a</h1><img src="my%20logo.png?v=2">',
}


@pytest.mark.parametrize("name", QUIET)
def test_sound_markup_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "my logo.png").write_bytes(b"png")
    script = 'const tl = gsap.timeline({ paused: true }); tl.from("#t", { x: -9 }); window.__timelines = { m: tl };'
    (tmp_path / "index.html").write_text(
        '<!doctype html><html><head><script src="https://cdn.jsdelivr.net/npm/gsap@3"></script></head><body>'
        '<div data-composition-id="m" data-width="320" data-height="180" data-duration="2">'
        f'{QUIET[name]}</div><script>{script} tl.to("#made", {{ x: 1 }});</script></body></html>'.replace(
            ' tl.to("#made", { x: 1 });' if "made" not in QUIET[name] else "\0", ""
        )
    )
    assert lint_project(tmp_path, "index.html") == []


def test_patches_that_overlap_are_not_both_applied(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<div data-composition-id="m" data-duraton="1s" data-width="9" data-height="9"></div>'
    )
    apply_patches(tmp_path, lint_project(tmp_path, "index.html"))
    assert 'data-duration="1s"' in (tmp_path / "index.html").read_text()
    apply_patches(tmp_path, lint_project(tmp_path, "index.html"))
    assert 'data-duration="1"' in (tmp_path / "index.html").read_text()
