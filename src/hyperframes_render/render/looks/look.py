"""Moves the open page through the video once, and notes what it shows: one pass of seeks for all rules."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hyperframes_render.browser.bridge import ClipTimes, page_answers
from hyperframes_render.browser.scripts import script_text
from hyperframes_render.render.looks.image import SCREENSHOT, Image, image_of
from hyperframes_render.render.looks.slow import SlowFrame, slow_frame
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Plan

#: Frames that are drawn, at equal distances, the first and the last among them.
DRAWN = 9
#: Seconds between two looks, and looks of the grid at most: longer videos have fewer in a second.
GRID, MOST_LOOKS = 0.5, 40
#: Parts of a clip's time at which the page is looked at, and clips for which it is at most.
_OF_CLIP, _MOST_CLIPS = (0.4, 0.8), 20
_SCRIPTS = ("look", "look-text", "look-fonts")
_LOOK = "__hyperframesRenderLook"


@dataclass(frozen=True)
class Sample:
    """The page at one time. `shows`: "media", "text", "shapes", or "" where nothing lies over the background.

    `image` is None where the frame was not drawn.
    """

    seconds: float
    shows: str
    image: Image | None


@dataclass
class PageLook:
    """All that was seen. `found` is the report of browser/js/look.js."""

    #: The length of the video in seconds.
    duration: float
    samples: list[Sample] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    #: Errors of scripts, with the time in seconds at which they were raised.
    errors: dict[str, float] = field(default_factory=dict)
    slow: SlowFrame | None = None


async def look_at_page(composition: OpenComposition, plan: Plan, clips: Sequence[ClipTimes]) -> PageLook:
    """Move the page through the video of `plan` and look at it. Raises PageScriptFailed or BrowserFailed."""
    page, capture = composition.first_page, composition.first_capture
    look = PageLook(plan.duration)
    drawn, frames = frames_of(plan, clips)
    times: list[tuple[float, int]] = []
    with page_answers():
        for name in _SCRIPTS:
            await page.chromium.evaluate(script_text(f"{name}.js"))
        for frame in frames:
            known = len(page.errors)
            await capture.seek(frame)
            seconds = float(frame / plan.fps)
            shows = str((await page.chromium.evaluate(f"{_LOOK}.look({seconds!r})"))["shows"])
            look.errors |= dict.fromkeys(page.errors[known:], seconds)
            before = look.samples[-1].image if look.samples else None
            image = None
            if frame in drawn or not shows or (before is not None and before.colour is not None):
                started = time.perf_counter()
                answer = await capture.look(frame, SCREENSHOT)
                times.append((time.perf_counter() - started, frame))
                image = await asyncio.to_thread(image_of, answer["screenshotData"])
                if look.slow is None:
                    look.slow = await slow_frame(capture, frame, times)
            look.samples.append(Sample(seconds, shows, image))
        look.found = dict(await page.chromium.evaluate(f"{_LOOK}.report()"))
    return look


def frames_of(plan: Plan, clips: Sequence[ClipTimes]) -> tuple[frozenset[int], list[int]]:
    """The frames to draw, and all frames at which to look, in order: each clip is looked at while it is on."""
    last = plan.frames - 1
    drawn = frozenset(plan.first + last * index // (DRAWN - 1) for index in range(DRAWN))
    step = max(GRID * float(plan.fps), plan.frames / MOST_LOOKS)
    frames = {*drawn, *(plan.first + round(index * step) for index in range(int(last / step) + 1))}
    for clip in clips[:_MOST_CLIPS]:
        end = plan.duration if clip.end is None else clip.end
        for part in _OF_CLIP:
            at = int((clip.start + (end - clip.start) * part) * plan.fps)
            near = any(abs(at - frame) < step / 2 and clip.start < frame / plan.fps < end for frame in frames)
            if plan.first <= at <= plan.first + last and not near:
                frames.add(at)
    return drawn, sorted(frame for frame in frames if frame <= plan.first + last)
