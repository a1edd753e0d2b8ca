"""A composition opened for work: unpacked, prepared, in a first browser; opened again where a fast path fails."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from playwright.async_api import Error

from hyperframes_render.browser.capture import FastPathFailed
from hyperframes_render.browser.chromium import chromium_path, reports_dead_browser
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.interceptor import RequestLog
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.composition.compile import CompiledPage, PageSpec, compile_page
from hyperframes_render.composition.declared import Declared, read_declared
from hyperframes_render.composition.integrity import without_integrity
from hyperframes_render.composition.source import Project, Source, WebPage, open_project
from hyperframes_render.errors import BrowserFailed, DiskFull
from hyperframes_render.formats import FORMATS, Quality
from hyperframes_render.input import DEFAULT_FPS, DEFAULT_HEIGHT, DEFAULT_WIDTH, NetworkPolicy, RenderInput, check_size
from hyperframes_render.media.encode import EncodeSpec, FrameEncoder, picture_form
from hyperframes_render.media.sound_clip import SoundClip
from hyperframes_render.network.fetch import FetchBudget
from hyperframes_render.packages.root import packages_root
from hyperframes_render.paths import remove_folder
from hyperframes_render.render.pipeline import FrameStatistics, RangeRender, WorkerPool
from hyperframes_render.render.plan import Chunk, Plan, about_rootless, frames_to_render, length_of, whole_plan
from hyperframes_render.render.progress import ProgressMeter, watched
from hyperframes_render.render.remote import fetch_source
from hyperframes_render.render.result import CaptureFacts, CaptureRecord
from hyperframes_render.render.sound import check_sound, fetch_sound, mix_for
from hyperframes_render.render.threads import job_threads
from hyperframes_render.render.versions import versions
from hyperframes_render.render.worker import WorkerSpec, block_frames, start_worker
from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.sandbox.processes import processor_seconds

if TYPE_CHECKING:
    from hyperframes_render.media.sound_effects import Processor

#: A page that misbehaves at every frame must not make a result of megabytes.
MAX_WARNINGS = 50

#: Black for less than this many seconds is a cut or a fade.
BLACK_SECONDS = 1

#: A tween that is not seen for less than this many seconds may be slow, or end gently.
FROZEN_SECONDS = 1

#: A draft's pictures have a quarter of the pixels.
DRAFT_SCALE = 0.5

Made = TypeVar("Made")


@dataclass
class Attempt:
    """The composition is open in the first browser: work may begin."""

    session: Session
    declared: Declared
    page: PageSpec
    prepared: CompiledPage
    pool: WorkerPool
    processor_before: float
    statistics: FrameStatistics = field(default_factory=FrameStatistics)

    async def render_chunk(self, plan: Plan, chunk: Chunk, path: Path, *, last: bool) -> None:
        """Capture and encode one chunk to `path`; after the `last` one the browsers end beside the encoder."""
        spec = EncodeSpec(
            width=self.page.device_width,
            height=self.page.device_height,
            fps=plan.fps,
            frames=chunk.frames.count,
            content=plan.content,
            form=self.pool.first.capture.form,
            first=chunk.frames.first,
            codec=plan.codec,
            quality=plan.quality,
            transparent=plan.transparent,
            video_size=(plan.width, plan.height),
            tags=self.tags(),
        )
        encoder = await asyncio.to_thread(FrameEncoder, spec, path, job=self.session.folder)
        block = block_frames(self.page.device_width, self.page.device_height, spec.form)
        try:
            await RangeRender(plan.seeks(chunk), self.pool, encoder, self.session.meter, self.statistics, block).run()
            closing = [self.pool.close()] if last else []
            await asyncio.gather(asyncio.to_thread(encoder.finish), *closing)
        except BaseException:
            encoder.abort()
            raise

    def _oddities(self) -> Iterator[str]:
        """Stretches of the picture that an author would want to know of."""
        fps = self.page.fps
        for first, end in self.statistics.black:
            if (end - first) / fps >= BLACK_SECONDS:
                yield f"The picture is black from {float(first / fps):.2f} s to {float(end / fps):.2f} s."
        for first, end in self.statistics.frozen:
            for start, to in self.pool.first.page.tweened:
                # The frame that begins a tween shows its beginning, as the one that ends another shows its end.
                since, until = max(float((first + 1) / fps), start), min(float((end - 1) / fps), to)
                if until - since >= FROZEN_SECONDS:
                    yield f"Nothing moves from {since:.2f} s to {until:.2f} s, although a timeline moves elements then."

    @property
    def has_effects(self) -> bool:
        """Whether the mix needs the browser, which applies effects on sounds."""
        return self.pool.first.page.sounds.has_effects()

    async def mix(self, plan: Plan, path: Path) -> Path | None:
        """The sound of the whole video in `path` (.wav or .flac), or None where there is none."""
        sounds = self.pool.first.page.sounds
        own = (SoundClip(self.session.audio, name="audio_url"),) if self.session.audio is not None else ()
        process: Processor | None = None
        if self.has_effects:
            # Not at the top: it imports numpy, as the mix does.
            from hyperframes_render.browser.effects import EffectsPage

            process = EffectsPage(self.pool.first.page.chromium.browser, packages_root(), self.session.meter.sign)
        members = (*((sounds,) if sounds.members else ()), *own)
        mixed = await asyncio.to_thread(mix_for, plan, members, path, process)
        if mixed is None:
            return None
        for text in mixed.warnings:
            self.session.warn(text)
        return mixed.path

    def make_plan(self) -> Plan:
        """The whole video as one chunk."""
        opened = self.pool.first.page
        frames = frames_to_render(self.page, self.declared, opened.duration, self.session.request)
        return whole_plan(self.page, self.session.request, frames, opened.content)

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """What was taken for granted of a page without a composition root, as (code, sentence)."""
        if not self.declared.rootless:
            return ()
        opened = self.pool.first.page
        return tuple(about_rootless(length_of(self.page, self.declared, opened.duration, opened.length_from)))

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Title and comment of the file; what it was made with is enough to make it again."""
        made_with = ", ".join(f"{name} {version}" for name, version in self.versions().items())
        title = (("title", self.declared.title[:200]),) if self.declared.title else ()
        return (*title, ("comment", made_with))

    def versions(self) -> dict[str, str]:
        """Of all that decides what the pictures look like."""
        return versions(packages_root(), self.pool.first.page.chromium.browser.version)

    def record(self) -> CaptureRecord:
        """What was captured so far, how, and what there was to complain about."""
        session, browsers = self.session, self.pool.workers
        for text in (*(sentence for _, sentence in self.assumptions()), *self.prepared.warnings):
            session.warn(text)
        for worker in browsers:
            for text in (*worker.page.warnings, *worker.page.console):
                session.warn(text)
            for text in worker.page.errors:
                session.warn(f"A script of the page failed: {text}")
        for text in (*session.log.warnings(), *session.media.warnings.values()):
            session.warn(text)
        for text in self._oddities():
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
            versions=self.versions(),
        )


@dataclass
class Session:
    """One piece of work on one composition, with a folder of its own that is removed in the end."""

    source: Source
    request: RenderInput
    meter: ProgressMeter
    folder: Path
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
            composition = self.request.composition
            source = await self._fetched()
            project = await asyncio.to_thread(open_project, source, unpack_to=unpack_to, composition=composition)
            html = project.read_html()
            declared = read_declared(html, name=project.name)
            page = page_spec(self.request, declared)
            if project.address is not None and declared.rootless:
                page = replace(page, lenient_scripts=True)
            await self._settle_sound()
            prepared = await asyncio.to_thread(_prepare, html, declared, page, project)
            while True:
                try:
                    return await self._attempt(driver, project, declared, page, prepared, work)
                except FastPathFailed as failed:
                    self._give_up(failed)
                except BrowserFailed as failed:
                    self._retry_browser(failed)
                except Error as error:
                    # Wherever the driver was asked for something when the browser went.
                    if not reports_dead_browser(error):
                        raise
                    self._retry_browser(BrowserFailed("The browser died.", "Try again."))
        finally:
            await driver.stop()

    async def _attempt(
        self,
        driver: BrowserDriver,
        project: Project,
        declared: Declared,
        page: PageSpec,
        prepared: CompiledPage,
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
            form=picture_form(FORMATS[self.request.codec], transparent=self.request.transparent),
            reuse=self._reuse,
            log=self.log,
            media=self.media,
            budget=self.budget,
            on_seek_errors=self.note_seek_errors,
        )
        async with AsyncExitStack() as stack:
            self.meter.enter("load")
            first = await start_worker(spec, stack, form=None)
            pool = WorkerPool(
                first=first,
                limit=self.workers or default_workers(),
                start_another=lambda stack: start_worker(spec, stack, form=first.capture.form),
                stack=stack,
                eager=self.workers is not None,
                driver=driver,
            )
            return await work(Attempt(self, declared, page, prepared, pool, processor_before))

    async def _fetched(self) -> Source:
        """The source, on this machine."""
        if isinstance(self.source, WebPage) and self.source.path is None:
            folder = self.folder / "fetched"
            folder.mkdir()
            return await fetch_source(self.source.address, folder, self.ceiling)
        return self.source

    async def _settle_sound(self) -> None:
        """Have the caller's sound at hand, or say what is wrong with it before anything is rendered."""
        address = self.request.audio_url
        if self.audio is None and address is not None:
            self.audio = await fetch_sound(address, self.folder, self.ceiling)
        if self.audio is not None:
            await asyncio.to_thread(check_sound, self.audio, address or self.audio.name)

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
    source: Source,
    request: RenderInput,
    meter: ProgressMeter,
    work: Callable[[Attempt], Awaitable[Made]],
    *,
    workers: int | None = None,
    audio: Path | None = None,
    ceiling: NetworkPolicy = "public",
    driver: BrowserDriver | None = None,
) -> Made:
    """Do `work` in a session under the watchdog; every file and process of it is gone when this returns.

    A thread of it may still be at work (threads.outlived): then the process must end.
    `audio` is the file that audio_url stands for, where the caller has it already; else it is fetched within `ceiling`.
    """
    adopt_orphaned_processes()
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperframes-render-"))
    except OSError as error:
        raise DiskFull(f"No folder for temporary files can be made: {error.strerror}.") from error
    session = Session(source, request, meter, folder, workers, audio, ceiling)
    try:
        async with job_threads():
            return await watched(session.run(driver or BrowserDriver(), work), meter)
    finally:
        for file in session.files:
            file.unlink(missing_ok=True)
        remove_folder(folder)


def _prepare(html: str, declared: Declared, page: PageSpec, project: Project) -> CompiledPage:
    """The markup as it is served, fit for the files that it is answered with. Raises RenderError."""
    packages = packages_root()
    prepared = compile_page(html, declared, page, project=project.root, packages=packages)
    return replace(prepared, html=without_integrity(prepared.html, packages))


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
