"""A session on one composition: its folder, its browsers, and a new attempt after a browser failed."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from playwright.async_api import Error, Playwright

from hyperframes_render.browser.capture import FastPathFailed
from hyperframes_render.browser.chromium import chromium_path, reports_dead_browser
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.interceptor import RequestLog
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.composition.compile import PageSpec, compile_page
from hyperframes_render.composition.declared import Declared, read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.marks import with_marks
from hyperframes_render.composition.source import Project, Source, WebPage, open_project
from hyperframes_render.errors import BrowserFailed, DiskFull, InvalidComposition, PageError
from hyperframes_render.formats import FORMATS, Quality
from hyperframes_render.input import DEFAULT_FPS, DEFAULT_HEIGHT, DEFAULT_WIDTH, NetworkPolicy, RenderInput, check_size
from hyperframes_render.media.encode import frame_form
from hyperframes_render.network.fetch import FetchBudget
from hyperframes_render.packages.root import packages_root
from hyperframes_render.paths import remove_folder
from hyperframes_render.problems import Problem, Severity, with_place
from hyperframes_render.render.opened import CompiledProject, OpenComposition
from hyperframes_render.render.pipeline import WorkerPool
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.remote import fetch_source, fetch_sub_compositions
from hyperframes_render.render.sound import check_sound, fetch_sound
from hyperframes_render.render.static import problems_of_project, repaired_copy
from hyperframes_render.render.threads import job_threads
from hyperframes_render.render.watchdog import watched
from hyperframes_render.render.worker import WorkerSpec, start_worker
from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.sandbox.processes import processor_seconds

#: Maximum warnings of a result, since a page may cause one at every frame.
MAX_WARNINGS = 50
#: Scale of a draft's frames: they have a quarter of the pixels.
DRAFT_SCALE = 0.5
#: Scale of large frames in `check`, which takes a third of the time, and CSS pixels of a large frame. A smaller scale
#: makes the thinnest border wider than two CSS pixels, which moves what lies beside it.
INSPECTED_SCALE, LARGE_FRAME = 0.5, 1280 * 720

Result = TypeVar("Result")


@dataclass
class Session:
    """The state of a job on one composition: its request, temporary folder, driver and warnings."""

    source: Source
    request: RenderInput
    meter: ProgressMeter
    folder: Path
    #: Starts with the session, stops after its work.
    driver: BrowserDriver
    #: Number of browsers. None starts more if they make the render faster.
    workers: int | None = None
    #: A local file to use for audio_url. None fetches audio_url, if the request has one.
    audio: Path | None = None
    #: The network policy for fetching audio_url and the source. The page's policy is in the request.
    ceiling: NetworkPolicy = "public"
    #: Files outside the folder that are removed at the end of the session.
    files: list[Path] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    #: The project, once it is open.
    project: Project | None = None
    #: Errors of scripts during a seek, and the frame of each.
    failed_at: dict[str, int] = field(default_factory=dict)
    log: RequestLog = field(default_factory=RequestLog)
    media: MediaLibrary = field(init=False)
    budget: FetchBudget = field(default_factory=FetchBudget)
    #: Whether elements of the page say where they stand in the author's files, for `check`.
    marks: bool = False
    _use_surface: bool = True
    _reuse_frames: bool = True
    _browser_retries: int = 1

    def __post_init__(self) -> None:
        self.media = MediaLibrary(self.folder / "media")

    async def run(self, work: Callable[[OpenComposition], Awaitable[Result]]) -> Result:
        """Open the composition, do `work` on it under the watchdog, then stop the driver.

        Repeats `work` with new browsers if a fast capture path or a browser failed. Raises a RenderError if the
        composition cannot be opened, RenderStalled, MemoryExceeded, or the exception of `work`.
        """
        return await watched(self._run_attempts(work), self.meter)

    async def _run_attempts(self, work: Callable[[OpenComposition], Awaitable[Result]]) -> Result:
        try:
            compiled = await self._compile()
            while True:
                async with Attempt(self, compiled) as composition:
                    return await work(composition)
        except (PageError, InvalidComposition) as error:
            if self.project is not None and not error.problems:
                found = await asyncio.to_thread(problems_of_project, self.project)
                error.problems = [problem.as_dict() for problem in found if problem.severity == "error"]
            raise
        finally:
            await self.driver.stop()

    def warn(self, code: str, text: str, severity: Severity = "warning", fix: str = "") -> None:
        """Add a problem to the result, once. A place that ends its text becomes its file, line and column."""
        problem = with_place(Problem(code, severity, text, fix))
        if problem not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(problem)

    def warn_of_seek_errors(self, frame: int, errors: list[str]) -> None:
        """Note the script errors of the page while it seeked to `frame`: `record` reports them with their place."""
        for error in errors:
            self.failed_at.setdefault(error, frame)

    async def _compile(self) -> CompiledProject:
        unpack_to = self.folder / "project"
        unpack_to.mkdir()
        chromium_path()  # raises an error early if Chromium is missing
        composition = self.request.composition
        source = await self._local_source()
        project = await asyncio.to_thread(open_project, source, unpack_to=unpack_to, composition=composition)
        self.project = project
        if project.address is not None:
            await fetch_sub_compositions(project, self.request.network, self.budget)
        if self.request.repair:
            project = await self._repaired(project)
        html = project.read_html()
        if self.marks and project.part is None:
            html = await asyncio.to_thread(with_marks, html, project.entry)
        document = Document(html)
        declared = read_declared(document, name=project.name)
        spec = page_spec(self.request, declared)
        if self.marks:
            spec = replace(spec, marks=True, scale=inspected_scale(spec))
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
        static = await asyncio.to_thread(problems_of_project, project, scripts=False)
        return CompiledProject(project, declared, spec, page, tuple(static))

    async def _repaired(self, project: Project) -> Project:
        """The project with the patches of its problems, in this session's folder. What was repaired is a notice."""
        copy, repaired = await asyncio.to_thread(repaired_copy, project, self.folder / "repaired")
        for problem in repaired:
            self.warnings.append(
                replace(problem, severity="notice", message=f"Repaired: {problem.message}", patch=None)
            )
        return copy

    def worker_spec(self, compiled: CompiledProject, playwright: Playwright) -> WorkerSpec:
        """The parameters of each browser of the session."""
        return WorkerSpec(
            playwright=playwright,
            project=compiled.project,
            html=compiled.page.html,
            page=compiled.spec,
            packages=packages_root(),
            network=self.request.network,
            job=self.folder,
            use_surface=self._use_surface and not self.marks,  # `check` takes a few screenshots
            form=frame_form(FORMATS[self.request.codec], transparent=self.request.transparent),
            reuse=self._reuse_frames,
            log=self.log,
            media=self.media,
            budget=self.budget,
            on_seek_errors=self.warn_of_seek_errors,
        )

    async def _local_source(self) -> Source:
        """The source, fetched to this machine if it is an address."""
        if isinstance(self.source, WebPage) and self.source.path is None:
            folder = self.folder / "fetched"
            folder.mkdir()
            return await fetch_source(self.source.address, folder, self.ceiling)
        return self.source

    async def _prepare_sound(self) -> None:
        """Fetch and check the request's sound, so that its errors are reported before rendering."""
        address = self.request.audio_url
        if self.audio is None and address is not None:
            self.audio = await fetch_sound(address, self.folder, self.ceiling)
        if self.audio is not None:
            await asyncio.to_thread(check_sound, self.audio, address or self.audio.name)

    def may_try_again(self, error: BaseException) -> bool:
        """Whether to repeat the work after this error. Warns of the repetition.

        Raises BrowserFailed if a browser died for the second time.
        """
        if isinstance(error, FastPathFailed):
            self._give_up_fast_path(error)
            return True
        # A call to the driver may fail while the browser dies.
        if isinstance(error, Error) and reports_dead_browser(error):
            error = BrowserFailed("The browser died.", "Try again.")
        if not isinstance(error, BrowserFailed):
            return False
        if not self._browser_retries:
            raise BrowserFailed("The browser died twice.", error.action) from error
        self._browser_retries -= 1
        self.warn(
            "browser_restarted", f"The browser died after frame {self.meter.frames_done}; the render was started again."
        )
        return True

    def _give_up_fast_path(self, failed: FastPathFailed) -> None:
        if failed.path == "surface":
            self._use_surface = False
        else:
            self._reuse_frames = False
        self.warn("capture_path", str(failed), "notice")


class Attempt:
    """One attempt at the work of a session. It opens the composition in a first browser, and closes all browsers."""

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
    marks: bool = False,
) -> AsyncIterator[Session]:
    """A session on the composition at `source`. Its files are removed and its processes ended after the block.

    A thread of the session may still run (threads.outlived); then the process must end.
    `audio` is a local file to use for audio_url; without it, audio_url is fetched within the policy `ceiling`.
    `driver` is a driver that the caller has started; it is stopped in any case. `marks`: elements of the page say where
    they stand in the author's files. Raises DiskFull.
    """
    adopt_orphaned_processes()
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperframes-render-"))
    except OSError as error:
        raise DiskFull(f"A temporary folder could not be created: {error.strerror}.") from error
    session = Session(source, request, meter, folder, driver or BrowserDriver(), workers, audio, ceiling, marks=marks)
    try:
        async with job_threads():
            yield session
    finally:
        for file in session.files:
            file.unlink(missing_ok=True)
        remove_folder(folder)


def default_workers() -> int:
    """Browsers on this machine: one for each processor, at most four, since all share the encoder's pipe."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def inspected_scale(spec: PageSpec) -> float:
    """Device pixels of a CSS pixel where frames are looked at and not kept: half, unless the frames are small."""
    return INSPECTED_SCALE if spec.width * spec.height >= LARGE_FRAME else 1.0


def page_spec(request: RenderInput, declared: Declared) -> PageSpec:
    """The parameters of the page: from the request, else declared, else defaults. Raises LimitExceeded."""
    width = request.width or declared.width or DEFAULT_WIDTH
    height = request.height or declared.height or DEFAULT_HEIGHT
    check_size(round(width * request.scale_factor), round(height * request.scale_factor))
    fps = request.fps or declared.fps or DEFAULT_FPS
    most = FORMATS[request.codec].max_fps
    if most is not None and fps > most:
        fps = Fraction(most)
    # A draft is drawn at half the size and enlarged by the encoder, since drawing takes most of the time.
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
