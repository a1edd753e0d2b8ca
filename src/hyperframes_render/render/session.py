"""A composition opened for work: unpacked, prepared, in a first browser; opened again where a fast path fails."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hyperframes_render.browser.assets import packages_root
from hyperframes_render.browser.capture import FastPathFailed
from hyperframes_render.browser.chromium import chromium_path
from hyperframes_render.browser.door import DoorLog
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.footage import MediaLibrary
from hyperframes_render.browser.processes import adopt_orphans, processor_seconds
from hyperframes_render.composition.document import Declared, read_declared
from hyperframes_render.composition.prepare import PageSpec, PreparedHtml, prepare_html
from hyperframes_render.composition.source import Project, open_project, remove_folder
from hyperframes_render.errors import BrowserFailed, DiskFull
from hyperframes_render.media.encode import EncodeSpec, FrameEncoder
from hyperframes_render.render.frames import FrameStatistics, RangeRender, WorkerPool
from hyperframes_render.render.plan import Chunk, Plan
from hyperframes_render.render.progress import ProgressMeter, watched
from hyperframes_render.render.result import CaptureFacts, CaptureRecord
from hyperframes_render.render.versions import versions
from hyperframes_render.render.worker import WorkerSpec, block_frames, start_worker
from hyperframes_render.task import DEFAULT_FPS, DEFAULT_HEIGHT, DEFAULT_WIDTH, RenderInput, check_size

#: A page that misbehaves at every frame must not make a result of megabytes.
MAX_WARNINGS = 50

Made = TypeVar("Made")


@dataclass
class Attempt:
    """The composition is open in the first browser: work may begin."""

    session: Session
    declared: Declared
    page: PageSpec
    prepared: PreparedHtml
    pool: WorkerPool
    processor_before: float
    statistics: FrameStatistics = field(default_factory=FrameStatistics)

    async def render_chunk(self, plan: Plan, chunk: Chunk, path: Path, *, last: bool) -> None:
        """Capture and encode one chunk to `path`; after the `last` one the browsers end beside the encoder."""
        spec = EncodeSpec(
            plan.width,
            plan.height,
            plan.fps,
            chunk.frames.count,
            plan.content,
            jpeg=not self.pool.first.capture.raw,
        )
        encoder = await asyncio.to_thread(FrameEncoder, spec, path, job=self.session.folder)
        block = block_frames(plan.width, plan.height)
        try:
            await RangeRender(chunk.frames, self.pool, encoder, self.session.meter, self.statistics, block).run()
            closing = [self.pool.close()] if last else []
            await asyncio.gather(asyncio.to_thread(encoder.finish), *closing)
        except BaseException:
            encoder.abort()
            raise

    def record(self) -> CaptureRecord:
        """What was captured so far, how, and what there was to complain about."""
        session, browsers = self.session, self.pool.workers
        for text in self.prepared.warnings:
            session.warn(text)
        for worker in browsers:
            for text in (*worker.page.warnings, *worker.page.console):
                session.warn(text)
            for text in worker.page.errors:
                session.warn(f"A script of the page failed: {text}")
        for text in (*session.log.warnings(), *session.media.warnings.values()):
            session.warn(text)
        meter = session.meter
        timings = {**meter.phases, "total": time.monotonic() - meter.started}
        if self.statistics.first_picture_at is not None:
            timings["first_frame"] = self.statistics.first_picture_at - meter.started
        reports = [worker.capture.report for worker in browsers]
        return CaptureRecord(
            capture=tuple(CaptureFacts(r.path.value, r.reason, r.captured, r.repeated, r.checks) for r in reports),
            timings={name: round(value, 3) for name, value in timings.items()},
            processor_seconds=round(processor_seconds() - self.processor_before, 2),
            slowest_frames=tuple(
                (frame, round(value, 3)) for value, frame in sorted(self.statistics.slowest, reverse=True)
            ),
            warnings=tuple(session.warnings),
            versions=versions(packages_root(), browsers[0].page.chromium.browser.version),
        )


@dataclass
class Session:
    """One piece of work on one composition, with a folder of its own that is removed in the end."""

    source: Path
    request: RenderInput
    meter: ProgressMeter
    folder: Path
    #: Browsers that may be used; None: as many as pay.
    workers: int | None = None
    warnings: list[str] = field(default_factory=list)
    log: DoorLog = field(default_factory=DoorLog)
    media: MediaLibrary = field(init=False)
    _surface: bool = True
    _reuse: bool = True
    _browser_retries: int = 1

    def __post_init__(self) -> None:
        self.media = MediaLibrary(self.folder / "media")

    def warn(self, text: str) -> None:
        """Keep a warning for the result, once."""
        if text not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)

    def note_seek_errors(self, frame: int, errors: list[str]) -> None:
        """An error of the page's scripts while seeking is a warning."""
        for error in errors:
            self.warn(f"A script of the page failed at frame {frame}: {error}")

    async def run(self, driver: BrowserDriver, work: Callable[[Attempt], Awaitable[Made]]) -> Made:
        """Open the composition and do `work` on it, once more where a fast path is given up or a browser dies.

        The driver is stopped in any case. Raises a RenderError.
        """
        try:
            unpack_to = self.folder / "project"
            unpack_to.mkdir()
            chromium_path()
            project = await asyncio.to_thread(open_project, self.source, unpack_to=unpack_to)
            html = project.read_html()
            declared = read_declared(html, name=project.name)
            page = _page_spec(self.request, declared)
            prepared = await asyncio.to_thread(
                prepare_html, html, declared, page, project=project.root, packages=packages_root()
            )
            while True:
                try:
                    return await self._attempt(driver, project, declared, page, prepared, work)
                except FastPathFailed as failed:
                    self._give_up(failed)
                except BrowserFailed as failed:
                    self._retry_browser(failed)
        finally:
            await driver.stop()

    async def _attempt(
        self,
        driver: BrowserDriver,
        project: Project,
        declared: Declared,
        page: PageSpec,
        prepared: PreparedHtml,
        work: Callable[[Attempt], Awaitable[Made]],
    ) -> Made:
        processor_before = processor_seconds()
        spec = WorkerSpec(
            playwright=await driver.ready(),
            project=project,
            html=prepared.html,
            page=page,
            packages=packages_root(),
            network=self.request.network,
            job=self.folder,
            use_surface=self._surface,
            reuse=self._reuse,
            log=self.log,
            media=self.media,
            on_seek_errors=self.note_seek_errors,
        )
        async with AsyncExitStack() as stack:
            self.meter.enter("load")
            first = await start_worker(spec, stack, raw=None)
            pool = WorkerPool(
                first=first,
                limit=self.workers or default_workers(),
                start_another=lambda stack: start_worker(spec, stack, raw=first.capture.raw),
                stack=stack,
                eager=self.workers is not None,
                driver=driver,
            )
            return await work(Attempt(self, declared, page, prepared, pool, processor_before))

    def _give_up(self, failed: FastPathFailed) -> None:
        if failed.path == "surface":
            self._surface = False
        else:
            self._reuse = False
        self.warn(str(failed))

    def _retry_browser(self, failed: BrowserFailed) -> None:
        if not self._browser_retries:
            raise BrowserFailed("The browser died twice.", failed.action) from failed
        self._browser_retries -= 1
        self.warn(f"The browser died after frame {self.meter.frames_done}; the render was started again.")


async def in_session(
    source: Path,
    request: RenderInput,
    meter: ProgressMeter,
    work: Callable[[Attempt], Awaitable[Made]],
    *,
    workers: int | None = None,
    driver: BrowserDriver | None = None,
) -> Made:
    """Do `work` in a session under the watchdog; every file and process of it is gone when this returns."""
    adopt_orphans()
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperframes-render-"))
    except OSError as error:
        raise DiskFull(f"No folder for temporary files can be made: {error.strerror}.") from error
    try:
        session = Session(source, request, meter, folder, workers)
        return await watched(session.run(driver or BrowserDriver(), work), meter)
    finally:
        remove_folder(folder)


def default_workers() -> int:
    """Browsers on this machine: one for each processor, four at most (more share the encoder's pipe)."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def _page_spec(request: RenderInput, declared: Declared) -> PageSpec:
    width = request.width or declared.width or DEFAULT_WIDTH
    height = request.height or declared.height or DEFAULT_HEIGHT
    check_size(width, height)
    fps = request.fps or declared.fps or DEFAULT_FPS
    return PageSpec(width, height, fps, request.duration or None)
