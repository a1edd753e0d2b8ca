"""Captures frames of a seeked page: from the browser's surface if it can be read, else by screenshots.

The choice is made per browser and reported in the result. Every fast path is checked against a lossless screenshot
while it runs. If the two differ, the render starts again without the fast path, with a warning.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import av

from hyperframes_render.browser.chromium import Chromium
from hyperframes_render.browser.page import CompositionPage
from hyperframes_render.browser.surface import STRIP_PIXELS, Surface, SurfaceUnavailable, find_surface
from hyperframes_render.media.convert import Converter, planes_of
from hyperframes_render.media.frame_form import FrameForm


class CapturePath(StrEnum):
    """How frames are captured."""

    SURFACE = "surface"
    SCREENSHOT = "screenshot"


#: JPEG at full quality is what the official renderer captures; PNG takes three times as long
#: (docs/reference/performance.md).
JPEG = {"format": "jpeg", "quality": 100, "optimizeForSpeed": True}
#: Lossless, with the fast deflate setting.
PNG = {"format": "png", "optimizeForSpeed": True}
#: Its data is not used: taking a screenshot makes the browser draw the frame again.
SMALLEST = {"format": "jpeg", "quality": 1, "optimizeForSpeed": True}
#: Milliseconds between a frame and its second drawing: no animation moves visibly in that time. The browser counts
#: whole microseconds, and never answers a frame that is not later than the one before.
REDRAW_STEP = 0.002
#: A worker compares the surface with a lossless screenshot at its first frame and once in this many captured frames.
CHECK_EVERY = 150
#: A screenshot draws the frame once more, and may round a soft edge that moves by fractions of a pixel the other way:
#: in one of 56 frames of a moving composition 30 of 57,600 pixels differed, by 1 of 255.
CHECK_TOLERANCE = 1
_STRIP_HEIGHT = 4
#: After this many different frames in a row, the screenshot is taken with the first drawing of a frame, which saves a
#: second drawing. A repeated frame ends this.
_DIFFERENT_IN_A_ROW = 3
#: Pre-roll frames in a browser that has drawn none, or if HTML is drawn into canvases: scripts that wait for several
#: animation frames before they draw are then in the same state as in a browser that drew all frames.
_PRE_ROLL_FRAMES = 3
#: Strips drawn until one is found: the first frame after a change is not always drawn (12 of 12 found with 2).
_SEARCHES = 3


@dataclass(frozen=True)
class CapturedFrame:
    """One captured frame, in the encoder's input form.

    `data` is converted while the next frame is drawn; awaiting it raises FastPathFailed if a check failed.
    Call `release` once the encoder has the data: a worker holds a limited number of frames.
    """

    data: asyncio.Future[bytes]
    release: Callable[[], None]


@dataclass
class CaptureReport:
    """The capture statistics of one browser, for the result."""

    path: CapturePath
    reason: str = ""
    captured: int = 0
    repeated: int = 0
    checks: int = 0


async def locate_surface(chromium: Chromium, width: int, height: int) -> Surface | str:
    """Find the surface in the display process (sizes in device pixels), or return why it cannot be read.

    Needs a blank page: draws a strip of random colours at the top left and looks for it in memory.
    """
    if os.environ.get("HYPERFRAMES_RENDER_CAPTURE") == CapturePath.SCREENSHOT:
        return "screenshots were requested (HYPERFRAMES_RENDER_CAPTURE)"
    if chromium.display_pid is None:
        return "the display process is not known"
    if width < STRIP_PIXELS or height < _STRIP_HEIGHT:
        return "the frame is too small to be found in memory"
    reason = "the frame was not found in the display process's memory"
    try:
        for _ in range(_SEARCHES):
            strip = await _draw_strip(chromium)
            found = await asyncio.to_thread(find_surface, chromium.display_pid, width, height, strip)
            if len(found) == 1:
                return found[0]
            if len(found) > 1:
                reason = f"the frame was found {len(found)} times in the display process's memory"
    except SurfaceUnavailable as unavailable:
        reason = str(unavailable)
    return reason


async def _draw_strip(chromium: Chromium) -> bytes:
    """Draw a strip of random colours on the blank page; return its first row as BGRA bytes.

    Its right half is a separate layer: both halves are together in the finished frame only, not in a layer's tiles.
    """
    colours = [random.SystemRandom().randrange(1 << 24) for _ in range(STRIP_PIXELS)]
    half = STRIP_PIXELS // 2
    parts = []
    for left, layer in ((0, "none"), (half, "transform")):
        stops = ",".join(f"#{colour:06x} {x}px {x + 1}px" for x, colour in enumerate(colours[left : left + half]))
        parts.append(
            f'<div style="position:fixed;left:{left}px;top:0;width:{half}px;height:{_STRIP_HEIGHT}px;'
            f'will-change:{layer};background:linear-gradient(90deg,{stops})"></div>'
        )
    html = json.dumps("<body style='background:#fff'>" + "".join(parts))
    await chromium.evaluate(f"void (document.documentElement.innerHTML = {html})")
    for _ in range(2):
        await chromium.begin_frame(chromium.ticks + 33.0)
    return b"".join(colour.to_bytes(3, "little") + b"\xff" for colour in colours)


class FastPathFailed(Exception):
    """A fast path gave another frame than the browser shows: the render starts again without it."""

    def __init__(self, path: Literal["surface", "reuse"], frame: int, reason: str) -> None:
        super().__init__(f"{_PATH_NAMES[path]} was given up at frame {frame}: {reason}.")
        self.path = path


def _agree(png: str, seen: bytes) -> bool:
    """Whether all samples of a PNG screenshot (base64) and of the BGRA bytes agree within CHECK_TOLERANCE."""
    shown = decode_screenshot(base64.b64decode(png))
    if shown == seen:
        return True
    if len(shown) != len(seen):
        return False
    import numpy as np  # not at the top: it is large and rarely needed

    both = (np.frombuffer(picture, np.uint8).astype(np.int16) for picture in (shown, seen))
    return int(np.abs(np.subtract(*both)).max()) <= CHECK_TOLERANCE


_PATH_NAMES = {"surface": "Reading the browser's surface", "reuse": "Repeating unchanged frames"}


@dataclass
class FrameCapture:
    """Captures frames of one page in increasing order.

    `take(frame)` returns a CapturedFrame, or None if the frame equals the one before it.
    """

    page: CompositionPage
    surface: Surface | None
    #: The encoder's input form.
    form: FrameForm
    #: Whether unchanged frames may be repeated.
    reuse: bool
    #: The free converters; two, so that one frame is converted while the next is drawn.
    converters: asyncio.Queue[Converter]
    #: Limits the frames that wait for the encoder.
    slots: asyncio.Semaphore
    on_seek_errors: Callable[[int, list[str]], None]
    report: CaptureReport
    _seeking: tuple[int, asyncio.Task[list[str]]] | None = None
    _last_image: bytes = b""
    #: Screenshots in a row that differ from the one before.
    _different: int = 0
    _next_still_check: int = 1
    #: The last frame that was drawn.
    _drawn: int = -1

    async def pre_roll(self, frame: int, *, look: bool = False) -> bytes | None:
        """Draw the frames before a block, up to `frame`: later pixels can depend on them.

        `look`: return what `frame` shows, in the encoder's form, for a comparison with the browser that captured it.
        """
        fresh = self._drawn < 0
        depth = _PRE_ROLL_FRAMES if fresh or self.page.draws_elements else 1
        for before in range(max(self._drawn + 1, frame - depth + 1, 0), frame + 1):
            await self._draw(before)
        self._last_image = b""  # it belongs to another block
        if not look or self._drawn != frame:
            return None
        captured = self.report.captured
        seen = await self._screenshot(frame, {}, must_have=True) if self.surface is None else None
        seen = seen or await self._read_surface(frame, None)
        self.report.captured = captured
        try:
            return await seen.data
        finally:
            seen.release()
            self._last_image = b""

    async def seek(self, frame: int) -> None:
        """Move the page to `frame` without drawing it. `look` may draw it then."""
        self._start_seek(frame)
        assert self._seeking is not None
        await self._seeking[1]

    async def look(self, frame: int, screenshot: dict[str, Any] | None = None) -> dict[str, Any]:
        """Draw `frame`; the browser's answer, with `screenshotData` (base64) if a screenshot is asked for.

        For `check`: nothing is converted or repeated. Frames must come in increasing order.
        """
        return await self._draw(frame, screenshot)

    async def draw_again(self, frame: int, times: int) -> None:
        """Draw the whole frame that the page stands at once more, for the `times`-th time."""
        await self._begin(frame, times * REDRAW_STEP, SMALLEST)

    async def take(self, frame: int, *, look_ahead: bool, must_have: bool) -> CapturedFrame | None:
        """Capture `frame`; None if nothing changed.

        `look_ahead`: the next call is for the next frame, so its seek may start now.
        `must_have`: return a CapturedFrame even if nothing changed (the first frame of a chunk).
        Raises FastPathFailed.
        """
        check = self.surface is not None and self.report.captured % CHECK_EVERY == 0
        at_once = self.surface is None and (self._different >= _DIFFERENT_IN_A_ROW or not self.reuse)
        answer = await self._draw(frame, screenshot=PNG if check else self._image if at_once else None)
        if not answer.get("hasDamage") and self.reuse and not must_have:
            await self._count_unchanged(frame)
            return None
        if self.surface is None:
            return await self._screenshot(frame, answer, must_have=must_have)
        if look_ahead and not check:
            self._start_seek(frame + 1)
        return await self._read_surface(frame, answer.get("screenshotData"))

    async def _draw(self, frame: int, screenshot: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._seeking is None or self._seeking[0] != frame:
            self._start_seek(frame)
        assert self._seeking is not None
        errors = await self._seeking[1]
        self._seeking, self._drawn = None, frame
        if errors:
            self.on_seek_errors(frame, errors)
        if self.page.draws_elements and await self._paint(frame - 0.5) and await self.page.painted():
            await self._paint(frame - 0.25)
            await self.page.blend()
        answer = await self._begin(frame, 0.0, screenshot)
        if self.page.loading or self.page.interceptor.open_requests:
            # The seek started requests: draw the frame again once they are answered.
            await self.page.settled()
            answer = {**await self._begin(frame, REDRAW_STEP, screenshot), "hasDamage": True}
        return answer

    async def _paint(self, frame: float) -> bool:
        """Let the page paint without display: WebGL that a paint event draws is shown in the next frame.

        False: the clock is already past `frame` because it is drawn again, and nothing is painted.
        """
        ahead = self.page.ticks(frame) - self.page.chromium.ticks
        if ahead > 0:
            await self.page.chromium.tick(ahead)
        return ahead > 0

    def _start_seek(self, frame: int) -> None:
        self._seeking = (frame, asyncio.create_task(self.page.seek(frame)))

    async def _begin(self, frame: int, later: float, screenshot: dict[str, Any] | None = None) -> dict[str, Any]:
        ticks = self.page.ticks(frame) + later
        return await self.page.chromium.begin_frame(ticks, self._interval, screenshot=screenshot)

    @property
    def _interval(self) -> float:
        return float(1000 / self.page.spec.fps)

    async def _read_surface(self, frame: int, png: str | None) -> CapturedFrame:
        await self.slots.acquire()
        converter = await self.converters.get()
        pixels = await self._copy_surface(frame, converter)
        self.report.captured += 1

        async def convert() -> bytes:
            try:
                if png is not None:
                    await self._compare(frame, pixels or planes_of(converter.frame), png)
                return await asyncio.to_thread(self._bytes_of, converter)
            finally:
                self.converters.put_nowait(converter)

        return CapturedFrame(asyncio.create_task(convert()), self.slots.release)

    async def _copy_surface(self, frame: int, converter: Converter) -> bytes | None:
        """Copy the surface into `converter`; return its BGRA bytes if the converter has no address to copy to."""
        surface = self.surface
        assert surface is not None

        def copy() -> bytes | None:
            if converter.address is not None:
                surface.read_to(converter.address)
                return None
            pixels = surface.read()
            converter.set_pixels(pixels)
            return pixels

        try:
            return await asyncio.to_thread(copy)
        except SurfaceUnavailable as unavailable:
            raise await self._lost_surface(frame, unavailable) from None

    async def _lost_surface(self, frame: int, unavailable: SurfaceUnavailable) -> FastPathFailed:
        """The error to raise if the surface cannot be read. Raises BrowserFailed if the browser has ended."""
        await self.page.chromium.check_alive()
        return FastPathFailed("surface", frame, str(unavailable))

    async def _compare(self, frame: int, seen: bytes, png: str) -> None:
        self.report.checks += 1
        if not await asyncio.to_thread(_agree, png, seen):
            raise FastPathFailed("surface", frame, "it differed from a lossless screenshot")

    async def _screenshot(self, frame: int, drawn: dict[str, Any], *, must_have: bool) -> CapturedFrame | None:
        """Capture a frame by a screenshot, drawing it again if `drawn` has none; None if it equals the last one."""
        if "screenshotData" not in drawn:
            drawn = await self._begin(frame, 2 * REDRAW_STEP, self._image)
        image = base64.b64decode(drawn["screenshotData"])
        same, self._last_image = image == self._last_image, image
        self._different = 0 if same else self._different + 1
        if same:
            # A screenshot makes the next frame report damage: if the page does not move, clear it.
            await self._begin(frame, 3 * REDRAW_STEP)
            if self.reuse and not must_have:
                self.report.repeated += 1
                return None
        await self.slots.acquire()
        self.report.captured += 1
        data = asyncio.get_running_loop().create_future()
        is_encoded = self.form in (FrameForm.JPEG, FrameForm.PNG)
        data.set_result(image if is_encoded else await self._convert_image(image))
        return CapturedFrame(data, self.slots.release)

    @property
    def _image(self) -> dict[str, Any]:
        return JPEG if self.form is FrameForm.JPEG else PNG

    def _bytes_of(self, converter: Converter) -> bytes:
        return converter.planes() if self.form is FrameForm.PLANES else converter.pixels()

    async def _convert_image(self, image: bytes) -> bytes:
        converter = await self.converters.get()
        try:
            converter.set_pixels(await asyncio.to_thread(decode_screenshot, image))
            return await asyncio.to_thread(self._bytes_of, converter)
        finally:
            self.converters.put_nowait(converter)

    async def _count_unchanged(self, frame: int) -> None:
        """Count an unchanged frame. Checks some of them, at intervals that grow by a factor of 4."""
        self.report.repeated += 1
        if self.report.repeated < self._next_still_check:
            return
        self._next_still_check *= 4
        self.report.checks += 1
        if not await (self._image_is_unchanged(frame) if self.surface is None else self._surface_is_unchanged(frame)):
            raise FastPathFailed("reuse", frame, "the frame had changed")
        # A screenshot makes the next frame report damage: clear that.
        await self._begin(frame, 2 * REDRAW_STEP)

    async def _image_is_unchanged(self, frame: int) -> bool:
        answer = await self._begin(frame, REDRAW_STEP, self._image)
        return not self._last_image or base64.b64decode(answer["screenshotData"]) == self._last_image

    async def _surface_is_unchanged(self, frame: int) -> bool:
        assert self.surface is not None
        try:
            before = await asyncio.to_thread(self.surface.read)
            # Any screenshot makes the browser draw the whole frame again, with or without damage.
            await self._begin(frame, REDRAW_STEP, SMALLEST)
            return await asyncio.to_thread(self.surface.read) == before
        except SurfaceUnavailable as unavailable:
            raise await self._lost_surface(frame, unavailable) from None


def decode_screenshot(image: bytes) -> bytes:
    """BGRA bytes of a PNG or JPEG, row after row without padding."""
    with av.open(io.BytesIO(image), "r") as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format="bgra").tobytes()
