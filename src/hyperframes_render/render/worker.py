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
from hyperframes_render.browser.chromium import launch_chromium
from hyperframes_render.browser.door import Door, DoorLog
from hyperframes_render.browser.footage import MediaLibrary
from hyperframes_render.browser.page import CompositionPage, open_composition
from hyperframes_render.composition.prepare import PageSpec
from hyperframes_render.composition.source import Project
from hyperframes_render.media.convert import Converter
from hyperframes_render.task import NetworkPolicy

#: Frames that a worker takes at a time: long enough that the frame rolled in before each block costs little
#: (1-3 %), short enough that workers end together.
BLOCK_FRAMES = 15
#: Bytes of pictures that one worker may hold: a block must fit, at 8K it gets shorter.
PICTURE_BYTES = 256 * 1024**2
#: Pictures beyond a block's: one being written, one held for the end, two for slack.
EXTRA_PICTURES = 4


def block_frames(width: int, height: int) -> int:
    """Frames in a block for pictures of this size in device pixels."""
    # 1.5 bytes a pixel in 4:2:0.
    return max(1, min(BLOCK_FRAMES, PICTURE_BYTES * 2 // (width * height * 3) - EXTRA_PICTURES))


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
    reuse: bool
    log: DoorLog
    media: MediaLibrary
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


async def start_worker(spec: WorkerSpec, stack: AsyncExitStack, *, raw: bool | None) -> FrameWorker:
    """Start a browser and open the composition in it; `stack` ends it.

    `raw`: the form of pictures that an earlier worker settled on, None for the first.
    """
    width, height = spec.page.width, spec.page.height
    home = Path(mkdtemp(prefix="browser-", dir=spec.job))
    chromium = await launch_chromium(spec.playwright, width=width, height=height, scale_factor=1, job=home)
    stack.push_async_callback(chromium.close)
    found = "screenshots only: the first browser's surface cannot be read"
    surface = None
    if raw is not False:
        located = await locate_surface(chromium, width, height) if spec.use_surface else "it disagreed before"
        surface, found = (None, located) if isinstance(located, str) else (located, "")
    door = Door(spec.project.root, spec.project.entry, spec.html, spec.packages, spec.network, spec.media, spec.log)
    page = await open_composition(chromium, door, spec.page)
    stack.callback(page.footage.close)
    path = CapturePath.SURFACE if surface else CapturePath.SCREENSHOT
    capture = FrameCapture(
        page=page,
        surface=surface,
        raw=surface is not None if raw is None else raw,
        reuse=spec.reuse,
        converters=_converters(width, height),
        slots=asyncio.Semaphore(block_frames(width, height) + EXTRA_PICTURES),
        on_seek_errors=spec.on_seek_errors,
        report=CaptureReport(path, found),
    )
    return FrameWorker(page, capture)
