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
from hyperframes_render.media.pictures import PictureForm
from hyperframes_render.network.fetch import FetchBudget

#: Frames that a worker takes at a time, at most: the frame rolled in before each block costs little (some 3 %), and the
#: pictures that wait for the encoder are few.
BLOCK_FRAMES = 30
#: Bytes of pictures that one worker may hold: a block must fit, at 8K it gets shorter.
PICTURE_BYTES = 384 * 1024**2
#: Pictures beyond a block's: one being written, one held for the end, two for slack.
EXTRA_PICTURES = 4


def block_frames(width: int, height: int, form: PictureForm) -> int:
    """Frames in a block at most, for pictures of this size in device pixels."""
    # BGRA has 4 bytes a pixel and a PNG at most as many, 4:2:0 has 1.5, a JPEG at full quality some 0.5-1.
    picture = width * height * (8 if form in (PictureForm.PIXELS, PictureForm.PNG) else 3) // 2
    return max(1, min(BLOCK_FRAMES, PICTURE_BYTES // picture - EXTRA_PICTURES))


@dataclass(frozen=True)
class WorkerSpec:
    """All that a worker needs to know, the same for each worker of a render."""

    playwright: Playwright
    project: Project
    html: str
    page: PageSpec
    packages: Path
    network: NetworkPolicy
    job: Path
    use_surface: bool
    #: How the encoder would like its pictures.
    form: PictureForm
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


#: What screenshots are taken as where the encoder would like something from the surface.
_IMAGE_FORMS = {
    PictureForm.PLANES: PictureForm.JPEG,
    PictureForm.PIXELS: PictureForm.PNG,
    PictureForm.JPEG: PictureForm.JPEG,
    PictureForm.PNG: PictureForm.PNG,
}


async def _surface(chromium: Chromium, spec: WorkerSpec, form: PictureForm) -> tuple[Surface | None, str]:
    """The surface, or why there is none."""
    if spec.page.transparent:
        return None, "the surface has no alpha: transparent pictures are screenshots"
    if form in (PictureForm.JPEG, PictureForm.PNG):
        return None, "screenshots only: the first browser's surface cannot be read"
    if not spec.use_surface:
        return None, "it disagreed before"
    located = await locate_surface(chromium, spec.page.device_width, spec.page.device_height)
    return (None, located) if isinstance(located, str) else (located, "")


async def start_worker(spec: WorkerSpec, stack: AsyncExitStack, *, form: PictureForm | None) -> FrameWorker:
    """Start a browser and open the composition in it; `stack` ends it.

    `form`: the form of pictures that an earlier worker settled on, None for the first.
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
    surface, found = await _surface(chromium, spec, form or spec.form)
    if form is None:
        form = spec.form if surface else _IMAGE_FORMS[spec.form]
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
        slots=asyncio.Semaphore(block_frames(width, height, form) + EXTRA_PICTURES),
        on_seek_errors=spec.on_seek_errors,
        report=CaptureReport(path, found),
    )
    return FrameWorker(page, capture)
