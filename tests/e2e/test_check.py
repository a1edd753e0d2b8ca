"""`check` reports the timeline and the problems of a composition without rendering it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.support import composition, run

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
    found = {problem["code"]: problem["message"] for problem in report["problems"]}
    assert "gone.png" in found["missing_local_asset"] and "gone.mp4" in found["inaccessible_media_url"]


def test_a_page_that_cannot_be_opened_is_a_problem_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(composition(CLIPS, "nothing.here();"))
    ended = run("check", tmp_path, "--json")
    codes = {problem["code"] for problem in json.loads(ended.stdout)["problems"]}
    assert ended.status == 1 and "page_script_failed" in codes
    assert run("check", tmp_path / "none.html").status == 1
