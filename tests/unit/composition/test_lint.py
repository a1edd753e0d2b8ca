"""Faults that change the video or the sound are found in the markup, and sound markup has none."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.composition.steps import lint_text as lint

if TYPE_CHECKING:
    from _typeshed import TraceFunction

ROOT = 'data-composition-id="main" data-width="320" data-height="180" data-duration="2"'
TIMELINE = '<script src="gsap.min.js"></script><script>window.__timelines = { main: gsap.timeline() };</script>'
REGISTER = (
    '<script src="gsap.min.js"></script><script>window.__timelines = {{}}; window.__timelines["{}"] = 1;</script>'
)


def codes(body: str, root: str = ROOT, scripts: str = TIMELINE) -> list[str]:
    return [problem.code for problem in lint(f"<html><body><div {root}>{body}</div>{scripts}</body></html>")]


def test_sound_markup_has_no_faults() -> None:
    clip = '<p id="a" data-start="0" data-duration="2">a</p><video id="v" src="v.mp4" muted data-start="0"></video>'
    assert codes(clip) == []
    assert codes(clip, root=ROOT + " data-no-timeline", scripts="") == []
    assert codes(clip, root=re.sub(r'(data-(width|height)="\d+)', r"\1px", ROOT)) == []
    assert codes(clip, scripts=REGISTER.format("main")) == []
    apart = '<video id="v" src="v.mp4" muted data-has-audio="true" data-start="0"></video>'
    assert codes(apart + '<audio id="a" src="v.mp4" data-start="0"></audio>') == []


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("clip_ends_past_root_duration", '<p data-start="1" data-duration="1.5">a</p>'),
        ("deprecated_data_end", '<p data-start="1" data-end="1.5">a</p>'),
        ("deprecated_data_layer", '<p data-start="1" data-layer="2">a</p>'),
        ("host_missing_composition_id", '<p data-composition-src="a.html" data-start="1">a</p>'),
        ("media_missing_src", '<audio id="a" data-start="0"></audio>'),
        ("media_missing_id", '<audio src="a.mp3" data-start="0"></audio>'),
        ("media_missing_data_start", '<audio id="a" src="a.mp3"></audio>'),
        ("duplicate_media_id", '<audio id="a" src="a.mp3" data-start="0"></audio>' * 2),
        ("video_missing_muted", '<video id="a" src="a.mp4" data-start="0"></video>'),
        (
            "video_audio_double_source",
            '<video id="v" src="a.mp4" data-has-audio="true" data-start="0"></video>'
            '<audio id="a" src="a.mp4" data-start="0"></audio>',
        ),
        ("negative_start", '<p data-start="-1" data-duration="1">a</p>'),
    ],
)
def test_a_fault_of_an_element_is_found_once_and_placed(code: str, body: str) -> None:
    found = lint(f"<html>\n<body><div {ROOT}>\n{body}</div>{TIMELINE}</body></html>")
    assert {problem.code for problem in found} == {code}
    assert all(problem.line == 3 for problem in found)


@pytest.mark.parametrize(
    ("code", "root", "scripts"),
    [
        ("root_missing_dimensions", 'data-composition-id="main" data-duration="2"', TIMELINE),
        ("missing_data_no_timeline", ROOT, ""),
        (
            "gsap_infinite_repeat",
            ROOT.replace('data-duration="2"', ""),
            TIMELINE + '<script>tl.to("#a", { repeat: -1 });</script>',
        ),
        ("multiple_root_compositions", ROOT, TIMELINE + f"<div {ROOT}></div>"),
    ],
)
def test_a_fault_of_the_whole_is_found(code: str, root: str, scripts: str) -> None:
    assert codes("", root, scripts) == [code]


def test_shader_transitions_register_a_timeline() -> None:
    script = '<script>HyperShader.init({ scenes: ["a"], transitions: [] });</script>'
    assert codes("", ROOT, script) == []


def test_a_page_needs_no_root() -> None:
    assert lint("<p>hello</p>") == []


def test_rules_of_any_page_hold_for_one_without_a_root() -> None:
    page = "<video></video><script>gsap.to('p', { x: 1, repeat: -1 })</script>"
    found = [problem.code for problem in lint(page)]
    assert found == ["media_missing_src", "video_missing_muted"]


LARGE: dict[str, Callable[[int], str]] = {
    "clips with faults": lambda n: '<video data-start="1" data-duration="2" data-end="4"></video>\n' * n,
    "videos with sources": lambda n: '<video muted data-start="0"><source src="a.mp4"></video>\n' * n,
    "videos and sounds": lambda n: "".join(
        f'<video data-has-audio="true" src="{k}.mp4"></video><audio src="{k}.mp4"></audio>' for k in range(n)
    ),
    "clips in one another": lambda n: '<div data-start="1" data-duration="2">\n' * n,
    "second roots": lambda n: f"</div>{'<p>' * n}{'<i data-composition-id=a></i>' * n}",
    "timelines of nothing": lambda n: (
        "".join(f"<i data-composition-id=c{k}></i>" for k in range(n))
        + f"<script>{';'.join(f'__timelines.t{k} = 1' for k in range(n))}</script>"
    ),
}


def page_of(body: str) -> str:
    return f"<html><body><div {ROOT}>{body}</div>{TIMELINE}</body></html>"


def lines_run_by_lint(html: str) -> int:
    """Return how many lines of Python `lint` runs: unlike a time, the same on each run and each machine."""
    lines = 0

    def count(_frame: FrameType, event: str, _value: Any) -> TraceFunction:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        lint(html)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_twice_the_clips_are_at_most_twice_the_work(body: Callable[[int], str]) -> None:
    once, twice = (lines_run_by_lint(page_of(body(n))) for n in (300, 600))
    assert twice < 2.2 * once


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_problems_of_ten_thousand_clips_are_short_and_in_the_order_of_the_page(body: Callable[[int], str]) -> None:
    found = lint(page_of(body(10_000)))
    assert sum(len(problem.message + problem.fix) for problem in found) < 10_000_000
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_a_clip_belongs_to_the_nearest_composition_around_it() -> None:
    late = '<section><p data-start="1" data-duration="5">a</p></section>'
    assert codes(late) == ["clip_ends_past_root_duration"]
    assert codes(f'<div data-composition-id="inner"><b>{late}</b></div>') == []
