"""Frames that take far longer to draw than the rest, and the element that costs the time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hyperframes_render.browser.bridge import page_answers
from hyperframes_render.browser.capture import FrameCapture
from hyperframes_render.browser.scripts import script_text
from hyperframes_render.composition.lint import Problem
from hyperframes_render.render.looks.places import problem_of, what

#: A frame is slow if drawing it again takes this many times the median, and this many seconds: a busy machine makes
#: every frame slower, and the least of several drawings is taken.
TIMES, SECONDS = 4.0, 0.15
#: Drawings of which the least counts.
_DRAWINGS = 2
#: The part of the time that an element must cost to be named.
_SHARE = 0.5
#: Elements that are hidden one after another to find the one that costs the time.
_MOST_TRIALS = 16
#: Frames that were drawn before one can be called slow: the first one also loads and decodes.
_LEAST_FRAMES = 4


@dataclass(frozen=True)
class SlowFrame:
    """A slow frame: seconds to draw it in full size, and the median of the others.

    `element` costs most of it, `cost` seconds; None where no single one does.
    """

    frame: int
    seconds: float
    median: float
    element: dict[str, Any] | None
    cost: float


async def slow_frame(capture: FrameCapture, frame: int, times: Sequence[tuple[float, int]]) -> SlowFrame | None:
    """What makes the frame slow that was drawn last, if it is. `times` are (seconds, frame) of all drawings so far."""
    if len(times) < _LEAST_FRAMES:
        return None
    pixels = capture.page.spec.scale**2
    median = statistics.median(seconds for seconds, _ in times[:-1])
    least = max(SECONDS * pixels, TIMES * median)
    if times[-1][0] < least:
        return None
    redrawn = _Redrawn(capture, frame)
    whole = await redrawn.seconds()
    if whole < least:
        return None
    element, cost = await redrawn.costliest(whole)
    return SlowFrame(frame, whole / pixels, median / pixels, element, cost / pixels)


def slow_problem(slow: SlowFrame, fps: Fraction, root: Mapping[str, Any]) -> Problem:
    """The warning for a slow frame, at the element that costs the time, else at the root."""
    message = (
        f"The frame at {float(slow.frame / fps):.2f} s takes {slow.seconds * 1000:.0f} ms to draw, "
        f"{slow.seconds / max(slow.median, 0.001):.0f} times the median."
    )
    if slow.element is None:
        return problem_of(root, "slow_frame", "notice", message, "Look for large blurs, shadows and masks.")
    share = f"{slow.cost * 1000:.0f} ms of it ({100 * slow.cost / slow.seconds:.0f} %)"
    fix = "Make its blur, shadow or mask smaller, or use an image in its place."
    return problem_of(slow.element, "slow_frame", "notice", f"{message} {what(slow.element)} costs {share}.", fix)


class _Redrawn:
    """Draws the frame at which the page stands again and again."""

    def __init__(self, capture: FrameCapture, frame: int) -> None:
        self._capture, self._frame, self._drawings = capture, frame, 10
        self._chromium = capture.page.chromium

    async def seconds(self) -> float:
        """The least seconds of some drawings."""
        least = float("inf")
        for _ in range(_DRAWINGS):
            self._drawings += 1
            started = time.perf_counter()
            await self._capture.draw_again(self._frame, self._drawings)
            least = min(least, time.perf_counter() - started)
        return least

    async def costliest(self, whole: float) -> tuple[dict[str, Any] | None, float]:
        """The innermost element without which the drawing takes less than half, and the seconds that it costs."""
        found, cost = None, 0.0
        with page_answers():
            await self._chromium.evaluate(script_text("look-cost.js"))
            for _ in range(_MOST_TRIALS):
                if not await self._chromium.evaluate("__hyperframesRenderLookCost.hideNext()"):
                    break
                saved = whole - await self.seconds()
                heavy = saved > _SHARE * whole
                named = await self._chromium.evaluate(
                    f"__hyperframesRenderLookCost.judge({'true' if heavy else 'false'})"
                )
                if heavy:
                    cost = saved
                    found = named
            await self._chromium.evaluate("__hyperframesRenderLookCost.end()")
        return found, cost
