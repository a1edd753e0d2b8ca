"""Answers of a page become typed values, and malformed ones an error of the page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from hyperframes_render.browser.bridge import PageBridge, PageStatus, SeekAnswer, VideoFrameRequest, page_answers
from hyperframes_render.browser.chromium import Chromium
from hyperframes_render.errors import PageScriptFailed

STATUS: dict[str, Any] = {
    "document": "complete",
    "gsap": True,
    "player": True,
    "ready": True,
    "timelines": ["a"],
    "missing": [],
    "media": 0,
    "transitions": False,
    "time": 12.5,
    "timer": None,
    "hosts": 0,
    "loading": False,
    "animated": False,
    "frameWanted": False,
    "webgpu": "",
}
VIDEO = {"id": 3, "file": "abc", "trim": 1, "loop": False, "image": False, "index": 7}
SOUND: dict[str, Any] = {
    "file": "abc",
    "start": 1,
    "duration": None,
    "trim": 0,
    "rate": 1,
    "ramp": None,
    "loop": False,
    "volume": 0.5,
    "envelope": [[0, 1]],
    "fadeIn": 0,
    "fadeOut": 0,
    "chain": "",
    "name": "voice",
    "group": "music",
}
GROUP = {"key": "music", "volume": 1, "envelope": [], "chain": "[]", "automation": "{}", "name": "Music"}


@dataclass
class Page:
    """Answers every call with one value, and remembers the expressions."""

    answer: object
    asked: list[str] = field(default_factory=list)

    async def evaluate(self, expression: str, *, timeout: float | None = None) -> object:
        self.asked.append(expression)
        return self.answer


def bridge_to(page: Page) -> PageBridge:
    return PageBridge(cast(Chromium, page))


def test_a_status_tells_what_is_loading() -> None:
    status = asyncio.run(bridge_to(Page(STATUS)).status())
    assert status.document_complete and status.timelines == ("a",) and status.next_timer is None and not status.blocked
    for name, value in (("media", 1), ("hosts", 2), ("transitions", True)):
        assert PageStatus.from_json({**STATUS, name: value}).blocked


def test_a_seek_is_unfinished_or_needs_videos_or_is_done() -> None:
    page = Page({"more": True, "at": 0.4, "loading": True})
    assert asyncio.run(bridge_to(page).seek(0.5)) == SeekAnswer(unfinished=True, time=0.4, loading=True)
    assert page.asked == ["__hyperframesRender.seek(0.5)"]
    wanted = VideoFrameRequest(id=3, file="abc", trim=1.0, loop=False, image=False, index=7)
    assert SeekAnswer.from_json({"videos": [VIDEO]}) == SeekAnswer(videos=(wanted,))
    assert SeekAnswer.from_json({"errors": None, "loading": False, "warnings": None, "played": False}) == SeekAnswer()
    assert SeekAnswer.from_json(
        {"errors": ["broken"], "loading": False, "warnings": None, "played": False}
    ) == SeekAnswer(errors=("broken",))


def test_sounds_are_grouped_into_buses() -> None:
    found = {"clips": [SOUND, {**SOUND, "group": "", "duration": 2}], "groups": [GROUP], "chain": ""}
    whole = asyncio.run(bridge_to(Page(found)).sounds(Path))
    assert [(clip.path, clip.duration) for clip in whole.clips()] == [(Path("abc"), 2.0), (Path("abc"), None)]
    assert whole.effects is None and whole.has_effects()


@pytest.mark.parametrize(
    "answer", [None, 5, "text", [], {}, {"errors": 5}, {"videos": [{}]}, {"videos": [{**VIDEO, "index": None}]}]
)
def test_a_malformed_seek_is_an_error_of_the_page(answer: object) -> None:
    async def seek() -> None:
        with page_answers():
            await bridge_to(Page(answer)).seek(0.0)

    with pytest.raises(PageScriptFailed, match="The page broke the objects that the renderer needs"):
        asyncio.run(seek())


@pytest.mark.parametrize("name", STATUS)
def test_a_status_without_one_of_its_fields_is_an_error_of_the_page(name: str) -> None:
    with pytest.raises(PageScriptFailed), page_answers():
        PageStatus.from_json({key: value for key, value in STATUS.items() if key != name})
