"""From a seeked page to a picture: the browser's surface where it can be read, else screenshots.

The choice is made per browser, reported in the result and never silent. Every fast path is checked against a
lossless screenshot while it runs; where the two disagree it is given up, with a warning, and never a wrong frame.
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
from hyperframes_render.browser.page import FRAME_CLOCK_START, CompositionPage
from hyperframes_render.browser.surface import STRIP_PIXELS, Surface, SurfaceUnavailable, find_surface
from hyperframes_render.media.convert import Converter, planes_of
from hyperframes_render.media.pictures import PictureForm


class CapturePath(StrEnum):
    """Where pictures come from."""

    SURFACE = "surface"
    SCREENSHOT = "screenshot"


#: JPEG at full quality is what the official renderer captures; PNG takes three times as long
#: (docs/reference/performance.md).
JPEG = {"format": "jpeg", "quality": 100, "optimizeForSpeed": True}
#: Lossless, with the fast deflate setting.
PNG = {"format": "png", "optimizeForSpeed": True}
#: Nobody looks at it: it is taken for its effect on the browser.
SMALLEST = {"format": "jpeg", "quality": 1, "optimizeForSpeed": True}
#: Milliseconds between the drawing of a frame and a second look at it: no animation moves visibly in that time.
SECOND_LOOK = 0.001
#: A worker compares the surface with a lossless screenshot at its first frame and once in this many captured frames.
CHECK_EVERY = 150
#: A screenshot draws the frame once more, and may round a soft edge that moves by fractions of a pixel the other way:
#: in one of 56 frames of a moving composition 30 of 57,600 pixels differed, by 1 of 255.
CHECK_TOLERANCE = 1
_STRIP_HEIGHT = 4
#: After so many different pictures in a row, a screenshot is taken while a frame is drawn the first time: it would have
#: to be drawn a second time otherwise. A picture that comes twice ends that.
_MOVING = 3
#: Frames drawn before the first that counts, in a browser that has drawn none or where HTML is drawn into canvases:
#: what waits for one animation frame after another before it draws is then as in a browser that drew all frames.
_ROLL_IN = 3
#: Strips drawn until one is found: the first frame after a change is not always drawn (12 of 12 found with 2).
_SEARCHES = 3


@dataclass(frozen=True)
class Picture:
    """One captured frame, in the form that the encoder gets.

    `data` is made ready while the next frame is drawn; awaiting it raises FastPathFailed where a check failed.
    `release` is called once the encoder has it: a worker holds a limited number of pictures.
    """

    data: asyncio.Future[bytes]
    release: Callable[[], None]


@dataclass
class CaptureReport:
    """What one browser's capture has to say in the result."""

    path: CapturePath
    reason: str = ""
    captured: int = 0
    repeated: int = 0
    checks: int = 0


async def locate_surface(chromium: Chromium, width: int, height: int) -> Surface | str:
    """Find where the display process keeps the picture (sizes in device pixels); or why it cannot be read.

    Needs a blank page: it draws a strip of random colours at the top left and looks for it in memory.
    """
    if os.environ.get("HYPERFRAMES_RENDER_CAPTURE") == CapturePath.SCREENSHOT:
        return "screenshots were asked for (HYPERFRAMES_RENDER_CAPTURE)"
    if chromium.display_pid is None:
        return "the display process is not known"
    if width < STRIP_PIXELS or height < _STRIP_HEIGHT:
        return "the picture is too small to find it in memory"
    reason = "the picture was not found in the display process's memory"
    try:
        for _ in range(_SEARCHES):
            strip = await _draw_strip(chromium)
            found = await asyncio.to_thread(find_surface, chromium.display_pid, width, height, strip)
            if len(found) == 1:
                return found[0]
            if len(found) > 1:
                reason = f"the picture stands {len(found)} times in the display process's memory"
    except SurfaceUnavailable as unavailable:
        reason = str(unavailable)
    return reason


async def _draw_strip(chromium: Chromium) -> bytes:
    """Draw a strip of random colours on the blank page; its first row as BGRA bytes.

    Its right half is a layer of its own: the halves meet in the finished picture only, not in a layer's tiles.
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
    """A fast path disagreed with what the browser really shows: the render starts again without it."""

    def __init__(self, path: Literal["surface", "reuse"], frame: int, reason: str) -> None:
        super().__init__(f"{_PATH_NAMES[path]} was given up at frame {frame}: {reason}.")
        self.path = path


def _agree(png: str, seen: bytes) -> bool:
    """Whether no sample of a screenshot (base64) and of what was read differs by more than the tolerance."""
    shown = decode_picture(base64.b64decode(png))
    if shown == seen:
        return True
    if len(shown) != len(seen):
        return False
    import numpy as np  # not at the top: it is large, and hardly ever needed

    both = (np.frombuffer(picture, np.uint8).astype(np.int16) for picture in (shown, seen))
    return int(np.abs(np.subtract(*both)).max()) <= CHECK_TOLERANCE


_PATH_NAMES = {"surface": "Reading the browser's surface", "reuse": "Repeating unchanged frames"}


@dataclass
class FrameCapture:
    """Captures frames of one page in increasing order.

    `take(frame)` answers a picture, or None where the frame is the same as the one before it.
    """

    page: CompositionPage
    surface: Surface | None
    #: What the encoder gets.
    form: PictureForm
    #: Whether unchanged frames may be repeated.
    reuse: bool
    #: Those that are free; two, so that one picture is converted while the next is drawn.
    converters: asyncio.Queue[Converter]
    #: How many pictures may wait for the encoder.
    slots: asyncio.Semaphore
    on_seek_errors: Callable[[int, list[str]], None]
    report: CaptureReport
    _seeking: tuple[int, asyncio.Task[list[str]]] | None = None
    _last_image: bytes = b""
    #: Screenshots in a row that were not the one before.
    _different: int = 0
    _next_still_check: int = 1
    #: The last frame that was drawn.
    _drawn: int = -1

    async def pre_roll(self, frame: int) -> None:
        """Draw the frames before a block, to `frame`, without keeping them: pixels can depend on those."""
        fresh = self._drawn < 0
        depth = _ROLL_IN if fresh or self.page.draws_elements else 1
        for before in range(max(self._drawn + 1, frame - depth + 1, 0), frame + 1):
            await self._draw(before)
        self._last_image = b""  # of another block: no longer the frame before

    async def take(self, frame: int, *, look_ahead: bool, must_have: bool) -> Picture | None:
        """The picture of `frame`, or None where nothing changed.

        `look_ahead`: the next call is for the next frame, so its seek may start now.
        `must_have`: a picture is needed even where nothing changed (the first frame of a chunk).
        Raises FastPathFailed.
        """
        check = self.surface is not None and self.report.captured % CHECK_EVERY == 0
        at_once = self.surface is None and (self._different >= _MOVING or not self.reuse)
        answer = await self._draw(frame, screenshot=PNG if check else self._image if at_once else None)
        if not answer.get("hasDamage") and self.reuse and not must_have:
            await self._note_unchanged(frame)
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
        if self.page.interceptor.open_requests:
            # The seek made the page ask for something: draw the frame again once it is there.
            await self.page.settled()
            answer = {**await self._begin(frame, SECOND_LOOK, screenshot), "hasDamage": True}
        return answer

    async def _paint(self, frame: float) -> bool:
        """Let the page paint without showing it: WebGL that a paint event draws is shown by the frame after. False, and
        nothing is painted, where the frame is drawn again.
        """
        ahead = self._ticks(frame) - self.page.chromium.ticks
        if ahead > 0:
            await self.page.chromium.tick(ahead)
        return ahead > 0

    def _start_seek(self, frame: int) -> None:
        self._seeking = (frame, asyncio.create_task(self.page.seek(frame)))

    async def _begin(self, frame: int, later: float, screenshot: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self.page.chromium.begin_frame(self._ticks(frame) + later, self._interval, screenshot=screenshot)

    @property
    def _interval(self) -> float:
        return float(1000 / self.page.spec.fps)

    def _ticks(self, frame: float) -> float:
        return FRAME_CLOCK_START + frame * self._interval

    async def _read_surface(self, frame: int, png: str | None) -> Picture:
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

        return Picture(asyncio.create_task(convert()), self.slots.release)

    async def _copy_surface(self, frame: int, converter: Converter) -> bytes | None:
        """Copy the surface into `converter`; its BGRA bytes where they could not be copied in one go."""
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
        """What to raise where the surface cannot be read. Raises BrowserFailed where the browser is gone."""
        await self.page.chromium.check_alive()
        return FastPathFailed("surface", frame, str(unavailable))

    async def _compare(self, frame: int, seen: bytes, png: str) -> None:
        self.report.checks += 1
        if not await asyncio.to_thread(_agree, png, seen):
            raise FastPathFailed("surface", frame, "it disagreed with a lossless screenshot")

    async def _screenshot(self, frame: int, drawn: dict[str, Any], *, must_have: bool) -> Picture | None:
        """The picture of a frame from the answer to its drawing, or drawn again; None where it is the last one."""
        if "screenshotData" not in drawn:
            drawn = await self._begin(frame, 2 * SECOND_LOOK, self._image)
        image = base64.b64decode(drawn["screenshotData"])
        same, self._last_image = image == self._last_image, image
        self._different = 0 if same else self._different + 1
        if same:
            # A screenshot makes the next frame report damage: where the page stands still, clear that.
            await self._begin(frame, 3 * SECOND_LOOK)
            if self.reuse and not must_have:
                self.report.repeated += 1
                return None
        await self.slots.acquire()
        self.report.captured += 1
        data = asyncio.get_running_loop().create_future()
        as_it_is = self.form in (PictureForm.JPEG, PictureForm.PNG)
        data.set_result(image if as_it_is else await self._convert_image(image))
        return Picture(data, self.slots.release)

    @property
    def _image(self) -> dict[str, Any]:
        return JPEG if self.form is PictureForm.JPEG else PNG

    def _bytes_of(self, converter: Converter) -> bytes:
        return converter.planes() if self.form is PictureForm.PLANES else converter.pixels()

    async def _convert_image(self, image: bytes) -> bytes:
        converter = await self.converters.get()
        try:
            converter.set_pixels(await asyncio.to_thread(decode_picture, image))
            return await asyncio.to_thread(self._bytes_of, converter)
        finally:
            self.converters.put_nowait(converter)

    async def _note_unchanged(self, frame: int) -> None:
        """Count an unchanged frame; some of them are looked at again, more rarely the longer all is well."""
        self.report.repeated += 1
        if self.report.repeated < self._next_still_check:
            return
        self._next_still_check *= 4
        self.report.checks += 1
        if not await (self._image_is_unchanged(frame) if self.surface is None else self._surface_is_unchanged(frame)):
            raise FastPathFailed("reuse", frame, "the picture had changed")
        # A screenshot makes the next frame report damage: clear that.
        await self._begin(frame, 2 * SECOND_LOOK)

    async def _image_is_unchanged(self, frame: int) -> bool:
        answer = await self._begin(frame, SECOND_LOOK, self._image)
        return not self._last_image or base64.b64decode(answer["screenshotData"]) == self._last_image

    async def _surface_is_unchanged(self, frame: int) -> bool:
        assert self.surface is not None
        try:
            before = await asyncio.to_thread(self.surface.read)
            # Any screenshot makes the browser draw the whole picture again, damage or not.
            await self._begin(frame, SECOND_LOOK, SMALLEST)
            return await asyncio.to_thread(self.surface.read) == before
        except SurfaceUnavailable as unavailable:
            raise await self._lost_surface(frame, unavailable) from None


def decode_picture(image: bytes) -> bytes:
    """BGRA bytes of a PNG or JPEG, row after row without padding."""
    with av.open(io.BytesIO(image), "r") as container:
        frame = next(container.decode(video=0))
        return frame.to_ndarray(format="bgra").tobytes()
