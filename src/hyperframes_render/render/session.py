"""One piece of work on one composition: its folder, its browsers, and another attempt where a browser fails."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from playwright.async_api import Error, Playwright

from hyperframes_render.browser.capture import FastPathFailed
from hyperframes_render.browser.chromium import chromium_path, reports_dead_browser
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.interceptor import RequestLog
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.composition.compile import PageSpec, compile_page
from hyperframes_render.composition.declared import Declared, read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.source import Source, WebPage, open_project
from hyperframes_render.errors import BrowserFailed, DiskFull
from hyperframes_render.formats import FORMATS, Quality
from hyperframes_render.input import DEFAULT_FPS, DEFAULT_HEIGHT, DEFAULT_WIDTH, NetworkPolicy, RenderInput, check_size
from hyperframes_render.media.encode import picture_form
from hyperframes_render.network.fetch import FetchBudget
from hyperframes_render.packages.root import packages_root
from hyperframes_render.paths import remove_folder
from hyperframes_render.render.opened import CompiledProject, OpenComposition
from hyperframes_render.render.pipeline import WorkerPool
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.remote import fetch_source
from hyperframes_render.render.sound import check_sound, fetch_sound
from hyperframes_render.render.threads import job_threads
from hyperframes_render.render.watchdog import watched
from hyperframes_render.render.worker import WorkerSpec, start_worker
from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.sandbox.processes import processor_seconds

#: A page that misbehaves at every frame must not make a result of megabytes.
MAX_WARNINGS = 50

#: A draft's pictures have a quarter of the pixels.
DRAFT_SCALE = 0.5

Made = TypeVar("Made")


@dataclass
class Session:
    """One piece of work on one composition: its request, its temporary folder, its warnings."""

    source: Source
    request: RenderInput
    meter: ProgressMeter
    folder: Path
    #: Started with the session, stopped with its work.
    driver: BrowserDriver
    #: Browsers that may be used; None: as many as pay.
    workers: int | None = None
    #: The sound that the caller gives as a file; None: audio_url is fetched, if there is one.
    audio: Path | None = None
    #: Hosts that audio_url may be fetched from, whatever the page may ask for.
    ceiling: NetworkPolicy = "public"
    #: Files outside the folder that must not outlive the session.
    files: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    log: RequestLog = field(default_factory=RequestLog)
    media: MediaLibrary = field(init=False)
    budget: FetchBudget = field(default_factory=FetchBudget)
    _use_surface: bool = True
    _reuse_frames: bool = True
    _browser_retries: int = 1

    def __post_init__(self) -> None:
        self.media = MediaLibrary(self.folder / "media")

    async def watch(self, work: Coroutine[Any, Any, Made]) -> Made:
        """Do `work` under the watchdog, then stop the driver.

        Raises RenderStalled, MemoryExceeded, or what `work` raises.
        """
        return await watched(self._and_stop_driver(work), self.meter)

    async def _and_stop_driver(self, work: Coroutine[Any, Any, Made]) -> Made:
        try:
            return await work
        finally:
            await self.driver.stop()

    def warn(self, text: str) -> None:
        """Keep a warning for the result, once."""
        if text not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)

    def note_seek_errors(self, frame: int, errors: list[str]) -> None:
        """An error of the page's scripts while seeking is a warning."""
        for error in errors:
            self.warn(f"A script of the page failed at frame {frame}: {error}")

    async def attempts(self) -> AsyncIterator[Attempt]:
        """Attempts at the work, one after the other: enter each with `async with`.

        One that fails because a fast path or a browser failed is followed by another; the block's own result or any
        other error ends the loop. Raises a RenderError where the composition cannot be opened at all.
        """
        compiled = await self._compile()
        while True:
            yield Attempt(self, compiled)

    async def _compile(self) -> CompiledProject:
        unpack_to = self.folder / "project"
        unpack_to.mkdir()
        chromium_path()  # where there is none, nothing else need be done
        composition = self.request.composition
        source = await self._fetched()
        project = await asyncio.to_thread(open_project, source, unpack_to=unpack_to, composition=composition)
        document = Document(project.read_html())
        declared = read_declared(document, name=project.name)
        spec = page_spec(self.request, declared)
        if project.address is not None and declared.rootless:
            spec = replace(spec, lenient_scripts=True)
        await self._prepare_sound()
        page = await asyncio.to_thread(
            compile_page,
            document,
            declared,
            spec,
            project=project.root,
            packages=packages_root(),
            entry=project.entry,
        )
        return CompiledProject(project, declared, spec, page)

    def worker_spec(self, compiled: CompiledProject, playwright: Playwright) -> WorkerSpec:
        """What each browser of the session needs to know."""
        return WorkerSpec(
            playwright=playwright,
            project=compiled.project,
            html=compiled.page.html,
            page=compiled.spec,
            packages=packages_root(),
            network=self.request.network,
            job=self.folder,
            use_surface=self._use_surface,
            form=picture_form(FORMATS[self.request.codec], transparent=self.request.transparent),
            reuse=self._reuse_frames,
            log=self.log,
            media=self.media,
            budget=self.budget,
            on_seek_errors=self.note_seek_errors,
        )

    async def _fetched(self) -> Source:
        """The source, on this machine."""
        if isinstance(self.source, WebPage) and self.source.path is None:
            folder = self.folder / "fetched"
            folder.mkdir()
            return await fetch_source(self.source.address, folder, self.ceiling)
        return self.source

    async def _prepare_sound(self) -> None:
        """Fetch and check the caller's sound, so that what is wrong with it shows before anything is rendered."""
        address = self.request.audio_url
        if self.audio is None and address is not None:
            self.audio = await fetch_sound(address, self.folder, self.ceiling)
        if self.audio is not None:
            await asyncio.to_thread(check_sound, self.audio, address or self.audio.name)

    def may_try_again(self, error: BaseException) -> bool:
        """Whether the work may be done again after this error; what changed for it is noted as a warning.

        Raises BrowserFailed where a browser died for the second time.
        """
        if isinstance(error, FastPathFailed):
            self._give_up_fast_path(error)
            return True
        # The driver may be asked for something while the browser dies.
        if isinstance(error, Error) and reports_dead_browser(error):
            error = BrowserFailed("The browser died.", "Try again.")
        if not isinstance(error, BrowserFailed):
            return False
        if not self._browser_retries:
            raise BrowserFailed("The browser died twice.", error.action) from error
        self._browser_retries -= 1
        self.warn(f"The browser died after frame {self.meter.frames_done}; the render was started again.")
        return True

    def _give_up_fast_path(self, failed: FastPathFailed) -> None:
        if failed.path == "surface":
            self._use_surface = False
        else:
            self._reuse_frames = False
        self.warn(str(failed))


class Attempt:
    """One attempt at the work of a session: opens the composition in a first browser, and closes all browsers."""

    def __init__(self, session: Session, compiled: CompiledProject) -> None:
        self._session, self._compiled = session, compiled
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> OpenComposition:
        while True:
            try:
                return await self._open()
            except BaseException as error:
                await self._stack.aclose()
                self._stack = AsyncExitStack()
                if not self._session.may_try_again(error):
                    raise

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        await self._stack.aclose()
        return error is not None and self._session.may_try_again(error)

    async def _open(self) -> OpenComposition:
        session = self._session
        processor_before = processor_seconds()
        spec = session.worker_spec(self._compiled, await session.driver.ready())
        session.meter.enter("load")
        first = await start_worker(spec, self._stack, form=None)
        pool = WorkerPool(
            first=first,
            limit=session.workers or default_workers(),
            start_another=lambda stack: start_worker(spec, stack, form=first.capture.form),
            stack=self._stack,
            eager=session.workers is not None,
            driver=session.driver,
        )
        return OpenComposition(session, self._compiled, pool, processor_before)


@asynccontextmanager
async def open_session(
    source: Source,
    request: RenderInput,
    meter: ProgressMeter,
    *,
    workers: int | None = None,
    audio: Path | None = None,
    ceiling: NetworkPolicy = "public",
    driver: BrowserDriver | None = None,
) -> AsyncIterator[Session]:
    """A session on the composition at `source`; when the block ends, every file and process of it is gone.

    A thread of it may still be at work (threads.outlived): then the process must end.
    `audio` is the file that audio_url stands for, where the caller has it already; else it is fetched within `ceiling`.
    `driver` is one that was started already; it is stopped in any case. Raises DiskFull.
    """
    adopt_orphaned_processes()
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperframes-render-"))
    except OSError as error:
        raise DiskFull(f"No folder for temporary files can be made: {error.strerror}.") from error
    session = Session(source, request, meter, folder, driver or BrowserDriver(), workers, audio, ceiling)
    try:
        async with job_threads():
            yield session
    finally:
        for file in session.files:
            file.unlink(missing_ok=True)
        remove_folder(folder)


def default_workers() -> int:
    """Browsers on this machine: one for each processor, four at most (more share the encoder's pipe)."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def page_spec(request: RenderInput, declared: Declared) -> PageSpec:
    """What the page is asked for: by the caller, else as declared, else by default. Raises LimitExceeded."""
    width = request.width or declared.width or DEFAULT_WIDTH
    height = request.height or declared.height or DEFAULT_HEIGHT
    check_size(round(width * request.scale_factor), round(height * request.scale_factor))
    fps = request.fps or declared.fps or DEFAULT_FPS
    most = FORMATS[request.codec].max_fps
    if most is not None and fps > most:
        fps = Fraction(most)
    # A draft is drawn at half the size and enlarged by the encoder: drawing is what takes the time.
    scale = request.scale_factor * (DRAFT_SCALE if request.quality is Quality.DRAFT else 1)
    return PageSpec(
        width,
        height,
        fps,
        request.duration or None,
        scale,
        request.transparent,
        request.variables,
        request.strict_variables,
        declared.rootless,
        declared.duration,
    )
