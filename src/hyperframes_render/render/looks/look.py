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
DRAWN = 7
#: Seconds between two looks, and looks of the grid at most: longer videos have fewer in a second.
GRID, MOST_LOOKS = 0.75, 32
#: Seconds to the next look where nothing but the background is seen, and such looks at most.
BLANK_GRID, MOST_BLANK_LOOKS = 0.25, 80
#: Frames at which is looked again for what was not seen in the first looks.
MOST_CLOSER_LOOKS = 300
#: They go through the video three times, first in large steps: most of what was missed is there for many frames.
_STRIDES = (12, 4)
#: Elements that are looked at again, in all these looks.
MOST_ELEMENTS = 60_000
#: Seconds after a clip's end at which the page is looked at, if no clip is on.
_AFTER_CLIP = 0.1
#: Parts of a clip's time at which the page is looked at, and clips for which it is at most.
_OF_CLIP, _MOST_CLIPS = (0.4, 0.8), 20
#: The part of a step below which two looks are one.
_NEAR = 0.5
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
    chromium = composition.first_page.chromium
    walk = _Walk(composition, plan, PageLook(plan.duration))
    drawn, frames = frames_of(plan, clips)
    step, more = max(1, round(BLANK_GRID * plan.fps)), MOST_BLANK_LOOKS
    with page_answers():
        for name in _SCRIPTS:
            await chromium.evaluate(script_text(f"{name}.js"))
        while frames:
            frame = frames.pop(0)
            is_blank = await walk.look(frame, draw=frame in drawn)
            if is_blank and more and (frames[0] if frames else plan.first + plan.frames) > frame + step:
                frames.insert(0, frame + step)
                more -= 1
        await _look_closer(composition, plan)
        walk.seen.found = dict(await chromium.evaluate(f"{_LOOK}.report()"))
        root = walk.seen.found["root"]
        root["place"] = root["place"] or f"{composition.compiled.project.entry}:1:1"
    return walk.seen


async def _look_closer(composition: OpenComposition, plan: Plan) -> None:
    """Go through the video again for what was not seen: captions may be there for some frames only."""
    page = composition.first_page
    left = int(await page.chromium.evaluate(f"{_LOOK}.leftOver()"))
    looks = min(MOST_CLOSER_LOOKS, MOST_ELEMENTS // max(1, left))
    step = max(1, -(-plan.frames // max(1, looks)))
    every = range(plan.first, plan.first + plan.frames, step)
    coarse, finer = every[:: _STRIDES[0]], every[:: _STRIDES[1]]
    for frame in dict.fromkeys([*coarse, *finer, *every]):
        if not left:
            return
        composition.session.meter.heartbeat()
        await page.glance(frame)
        left = int(await page.chromium.evaluate(f"{_LOOK}.verify({float(frame / plan.fps)!r})"))


@dataclass
class _Walk:
    """The page on its way through the video."""

    composition: OpenComposition
    plan: Plan
    seen: PageLook
    #: (seconds, frame) of each drawing.
    _times: list[tuple[float, int]] = field(default_factory=list)

    async def look(self, frame: int, *, draw: bool) -> bool:
        """Look at `frame`; whether only the background is seen. It is drawn where that is not known otherwise."""
        page, seen = self.composition.first_page, self.seen
        known = len(page.errors)
        await self.composition.first_capture.seek(frame)
        seconds = float(frame / self.plan.fps)
        self.composition.session.meter.heartbeat()
        found = await page.chromium.evaluate(f"{_LOOK}.look({seconds!r})")
        shows = str(found["shows"])
        seen.errors |= dict.fromkeys(page.errors[known:], seconds)
        before = seen.samples[-1].image if seen.samples else None
        was_plain = before is not None and before.colour is not None
        # Drawing a canvas may take seconds: once it is known to show something, it is drawn where nothing else is.
        spared = bool(found["paints"]) and any(s.image is not None and s.image.colour is None for s in seen.samples)
        image = await self._image(frame) if (draw and not spared) or not shows or was_plain else None
        seen.samples.append(Sample(seconds, shows, image))
        return not shows or (image is not None and image.colour is not None)

    async def _image(self, frame: int) -> Image:
        capture = self.composition.first_capture
        started = time.perf_counter()
        answer = await capture.look(frame, SCREENSHOT)
        self._times.append((time.perf_counter() - started, frame))
        if self.seen.slow is None:
            self.seen.slow = await slow_frame(capture, frame, self._times)
        return await asyncio.to_thread(image_of, answer["screenshotData"])


def frames_of(plan: Plan, clips: Sequence[ClipTimes]) -> tuple[frozenset[int], list[int]]:
    """The frames to draw, and all frames at which to look, in order: each clip is looked at while it is on."""
    last = plan.frames - 1
    drawn = frozenset(plan.first + last * index // (DRAWN - 1) for index in range(DRAWN))
    step = max(GRID * float(plan.fps), plan.frames / MOST_LOOKS)
    grid = (plan.first + round(index * step) for index in range(int(last / step) + 1))
    frames = {*drawn, *(at for at in grid if all(abs(at - frame) >= step * _NEAR for frame in drawn))}
    for clip in clips[:_MOST_CLIPS]:
        end = plan.duration if clip.end is None else clip.end
        for part in _OF_CLIP:
            at = int((clip.start + (end - clip.start) * part) * plan.fps)
            near = any(abs(at - frame) < step * _NEAR and clip.start < frame / plan.fps < end for frame in frames)
            if plan.first <= at <= plan.first + last and not near:
                frames.add(at)
    ends = [clip.end for clip in clips if clip.end is not None]
    for end in sorted(ends)[:_MOST_CLIPS]:
        after = end + _AFTER_CLIP
        if not any(clip.start <= after and (clip.end is None or after < clip.end) for clip in clips):
            frames.add(int(after * plan.fps))
    return drawn, sorted(frame for frame in frames if frame <= plan.first + last)
