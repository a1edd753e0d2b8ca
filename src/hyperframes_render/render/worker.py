"""One browser that captures frames of one composition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from playwright.async_api import Playwright

from hyperframes_render.browser.capture import CapturePath, CaptureReport, FrameCapture, locate_surface
from hyperframes_render.browser.chromium import Chromium, launch_chromium
from hyperframes_render.browser.interceptor import RequestInterceptor, RequestLog
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.browser.page import CompositionPage, open_composition
from hyperframes_render.browser.surface import Surface
from hyperframes_render.composition.compile import PageSpec
from hyperframes_render.composition.source import Project
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.media.convert import Converter
from hyperframes_render.media.frame_form import FrameForm
from hyperframes_render.network.fetch import FetchBudget

#: Maximum frames that a worker takes at a time. The pre-roll frame of each block costs about 3 %, and few frames wait
#: for the encoder.
BLOCK_FRAMES = 30
#: Bytes of captured frames that one worker may hold. A block must fit into it, so blocks are shorter at 8K.
HELD_BYTES = 384 * 1024**2
#: Frames held in addition to a block: one being written, one held for the end, two spare.
EXTRA_FRAMES = 4


def block_frames(width: int, height: int, form: FrameForm) -> int:
    """Maximum frames of a block, for a frame size in device pixels and a form of frames."""
    # BGRA has 4 bytes per pixel, a PNG at most as many, 4:2:0 has 1.5, a JPEG at full quality about 0.5-1.
    frame_bytes = width * height * (8 if form in (FrameForm.PIXELS, FrameForm.PNG) else 3) // 2
    return max(1, min(BLOCK_FRAMES, HELD_BYTES // frame_bytes - EXTRA_FRAMES))


@dataclass(frozen=True)
class WorkerSpec:
    """The parameters of a worker, the same for each worker of a render."""

    playwright: Playwright
    project: Project
    html: str
    page: PageSpec
    packages: Path
    network: NetworkPolicy
    job: Path
    use_surface: bool
    #: The form of frames that the encoder prefers.
    form: FrameForm
    reuse: bool
    log: RequestLog
    media: MediaLibrary
    budget: FetchBudget
    on_seek_errors: Callable[[int, list[str]], None]


@dataclass
class FrameWorker:
    """A browser with the composition open and ready to be captured."""

    page: CompositionPage
    capture: FrameCapture
    next_frame: int | None = None


def _converters(width: int, height: int) -> asyncio.Queue[Converter]:
    free: asyncio.Queue[Converter] = asyncio.Queue()
    for _ in range(2):
        free.put_nowait(Converter(width, height))
    return free


#: The form of screenshots for each form that the encoder prefers, if the surface cannot be read.
_SCREENSHOT_FORMS = {
    FrameForm.PLANES: FrameForm.JPEG,
    FrameForm.PIXELS: FrameForm.PNG,
    FrameForm.JPEG: FrameForm.JPEG,
    FrameForm.PNG: FrameForm.PNG,
}


async def _surface(chromium: Chromium, spec: WorkerSpec, form: FrameForm) -> tuple[Surface | None, str]:
    """The surface, or None and the reason."""
    if spec.page.transparent:
        return None, "the surface has no alpha: transparent frames are screenshots"
    if form in (FrameForm.JPEG, FrameForm.PNG):
        return None, "screenshots only: the first browser's surface cannot be read"
    if not spec.use_surface:
        return None, "the surface differed from a screenshot before"
    located = await locate_surface(chromium, spec.page.device_width, spec.page.device_height)
    return (None, located) if isinstance(located, str) else (located, "")


async def start_worker(spec: WorkerSpec, stack: AsyncExitStack, *, form: FrameForm | None) -> FrameWorker:
    """Start a browser and open the composition in it. `stack` closes the browser.

    `form` is the form of frames that the first worker has chosen, None for the first worker.
    """
    width, height = spec.page.device_width, spec.page.device_height
    chromium = await launch_chromium(
        spec.playwright,
        width=spec.page.width,
        height=spec.page.height,
        scale_factor=spec.page.scale,
        transparent=spec.page.transparent,
        job=Path(mkdtemp(prefix="browser-", dir=spec.job)),
    )
    stack.push_async_callback(chromium.close)
    surface, reason = await _surface(chromium, spec, form or spec.form)
    if form is None:
        form = spec.form if surface else _SCREENSHOT_FORMS[spec.form]
    interceptor = RequestInterceptor(
        root=spec.project.root,
        entry=spec.project.entry,
        html=spec.html,
        packages=spec.packages,
        network=spec.network,
        media=spec.media,
        log=spec.log,
        budget=spec.budget,
        address=spec.project.address,
    )
    page = await open_composition(chromium, interceptor, spec.page)
    stack.callback(page.videos.close)
    path = CapturePath.SURFACE if surface else CapturePath.SCREENSHOT
    capture = FrameCapture(
        page=page,
        surface=surface,
        form=form,
        reuse=spec.reuse,
        converters=_converters(width, height),
        slots=asyncio.Semaphore(block_frames(width, height, form) + EXTRA_FRAMES),
        on_seek_errors=spec.on_seek_errors,
        report=CaptureReport(path, reason),
    )
    return FrameWorker(page, capture)
