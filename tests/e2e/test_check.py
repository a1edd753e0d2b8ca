"""`check` reports the timeline and the problems of a composition without rendering it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.e2e.support import composition, render, run
from tests.template import PROJECT

CLIPS = """
<p id="first" data-start="0.5" data-duration="0.5" data-track-index="1">a</p>
<p id="second" data-start="first + 0.25" data-duration="0.5" data-track-index="2">b</p>
"""


def test_the_timeline_is_reported_with_resolved_times(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(composition(CLIPS, root='data-duration="2" data-no-timeline'))
    ended = run("check", tmp_path)
    assert ended.status == 0
    assert "320x180, 30 fps, 2 s, 60 frames" in ended.stdout
    table = [line.split() for line in ended.stdout.splitlines() if "(p in m)" in line]
    assert table == [
        ["0.500", "1.000", "1", "first", "(p", "in", "m)"],
        ["1.250", "1.750", "2", "second", "(p", "in", "m)"],
    ]
    bars = {line.split()[1]: line.split()[2] for line in ended.stdout.splitlines() if "#" in line}
    assert bars["first"] == "." * 15 + "#" * 15 + "." * 30
    assert not list(tmp_path.glob("*.mp4"))


def test_an_id_may_end_in_a_number(tmp_path: Path) -> None:
    clips = """
<p id="clip" data-start="0" data-duration="0.1"></p>
<p id="clip-1" data-start="0.5" data-duration="0.5" data-track-index="1">a</p>
<p id="after" data-start="clip-1" data-duration="0.5" data-track-index="2">b</p>
<p id="later" data-start="clip-1 + 0.25" data-duration="0.5" data-track-index="3">c</p>
<p id="early" data-start="clip-1-.25" data-duration="0.5" data-track-index="4">d</p>
<p id="before" data-start="clip-1 -.25" data-duration="0.5" data-track-index="5">e</p>
"""
    (tmp_path / "index.html").write_text(composition(clips, root='data-duration="2" data-no-timeline'))
    table = [line.split() for line in run("check", tmp_path).stdout.splitlines() if "(p in m)" in line]
    starts = {row[3]: float(row[0]) for row in table}
    # "clip-1-.25" is read as an id, and no element has it.
    expected = {"clip": 0, "clip-1": 0.5, "after": 1, "later": 1.25, "early": 0, "before": 0.75}
    assert starts == expected


def test_errors_are_coded_and_end_with_status_1(tmp_path: Path) -> None:
    body = '<img src="gone.png"><video id="v" src="gone.mp4" muted data-start="0"></video>'
    (tmp_path / "index.html").write_text(composition(body, root='data-duration="1" data-no-timeline'))
    ended = run("check", tmp_path, "--json")
    report = json.loads(ended.stdout)
    assert ended.status == 1 and report["ok"] is False
    missing = {
        problem["message"].split()[0]: problem for problem in report["problems"] if problem["severity"] == "error"
    }
    assert set(missing) == {"gone.png", "gone.mp4"}, report["problems"]
    assert all((problem["file"], problem["line"]) == ("index.html", 1) for problem in missing.values())


def test_a_page_that_cannot_be_opened_is_a_problem_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(composition(CLIPS, "nothing.here();"))
    ended = run("check", tmp_path, "--json")
    codes = {problem["code"] for problem in json.loads(ended.stdout)["problems"]}
    assert ended.status == 1 and "page_script_failed" in codes
    assert run("check", tmp_path / "none.html").status == 1


TYPO = composition('<p id="a">a</p>', root='data-duraton="1" data-no-timeline')


def test_fix_applies_the_patches_and_checks_again(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(TYPO)
    before = run("check", tmp_path, "--json")
    problem = json.loads(before.stdout)["problems"][0]
    assert before.status == 1 and problem["code"] == "unknown_attribute" and problem["patch"]["text"] == "data-duration"
    after = run("check", tmp_path, "--fix", "--json")
    assert after.status == 0 and "data-duraton" in after.stderr
    assert 'data-duration="1"' in (tmp_path / "index.html").read_text()


def test_fix_changes_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("index.html", TYPO)
    ended = run("check", tmp_path / "a.zip", "--fix")
    assert ended.status == 1 and "Unpack the archive" in ended.last_line


def test_strict_ends_with_status_1_on_warnings(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(composition("<p>{{name}}</p>", root='data-duration="1" data-no-timeline'))
    assert run("check", tmp_path).status == 0
    assert run("check", tmp_path, "--strict").status == 1


def test_what_lies_outside_the_frame_at_all_times_is_reported(tmp_path: Path) -> None:
    body = (
        '<p id="gone" style="position:absolute;left:900px">never</p>'
        '<p id="slides" style="position:absolute;left:0">in</p><p id="wide" style="width:4000px">wide</p>'
    )
    script = """document.getElementById("slides").animate(
      [{ left: "-300px" }, { left: "0px" }], { duration: 800, fill: "both" });"""
    (tmp_path / "index.html").write_text(composition(body, script, root='data-duration="1" data-no-timeline'))
    report = json.loads(run("check", tmp_path, "--json").stdout)
    found = [problem["selector"] for problem in report["problems"] if problem["code"] == "never_in_frame"]
    assert found == ["#gone"]


def valid(text: str, name: str) -> dict[str, Any]:
    """A command's JSON, which must fit its schema."""
    value = json.loads(text)
    Draft202012Validator(json.loads((PROJECT / "schemas" / name).read_text())).validate(value)
    assert isinstance(value, dict)
    return value


def test_a_report_fits_its_schema(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(TYPO)
    report = valid(run("check", tmp_path, "--json").stdout, "check.v1.json")
    assert [problem["patch"]["text"] for problem in report["problems"] if problem["patch"]] == ["data-duration"]


def test_a_render_reports_problems_of_the_files_as_check_does(tmp_path: Path) -> None:
    body = '<p id="a" class="clip" data-start="0" data-duraton="1">a</p>'
    (tmp_path / "index.html").write_text(composition(body, root='data-duration="0.2" data-no-timeline'))
    ended = run("render", tmp_path, "-o", tmp_path / "o.mp4", "--json")
    found = valid(ended.stdout, "result.v1.json")["warnings"]
    assert [(w["code"], w["severity"], w["line"]) for w in found if w["severity"] == "error"] == [
        ("unknown_attribute", "error", 1)
    ]


def test_a_repair_changes_the_video_and_not_the_files(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(TYPO)
    result = render(tmp_path, tmp_path / "o.mp4", "--repair")
    assert result["duration"] == 1 and (tmp_path / "index.html").read_text() == TYPO
    assert [(w["severity"], w["message"][:9]) for w in result["records"]] == [("notice", "Repaired:")]


def test_a_strict_render_ends_before_the_first_frame(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(TYPO)
    ended = run("render", tmp_path, "-o", tmp_path / "o.mp4", "--strict")
    assert ended.status == 1 and "index.html:1:" in ended.stderr and not (tmp_path / "o.mp4").exists()
    assert run("render", tmp_path, "-o", tmp_path / "o.mp4", "--strict", "--repair").status == 0


def test_an_error_lists_all_problems_of_the_files(tmp_path: Path) -> None:
    body = '<p id="a" class="clip" data-start="500ms" data-duration="1">a</p>'
    (tmp_path / "index.html").write_text(composition(body, "gsap.timeline({ paused:true);"))
    ended = run("render", tmp_path, "-o", tmp_path / "o.mp4", "--json")
    error = valid(ended.stdout, "error.v1.json")["error"]
    assert {"invalid_script_syntax", "invalid_time"} <= {problem["code"] for problem in error["problems"]}
