"""One whole render on this machine: composition in, finished and checked video out."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hyperframes_render.browser.assets import packages_root
from hyperframes_render.browser.capture import FastPathFailed
from hyperframes_render.browser.chromium import chromium_path
from hyperframes_render.browser.door import DoorLog
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.browser.processes import adopt_orphans, processor_seconds
from hyperframes_render.composition.document import Declared, read_declared
from hyperframes_render.composition.prepare import PageSpec, PreparedHtml, prepare_html
from hyperframes_render.composition.source import Project, open_project, remove_folder
from hyperframes_render.errors import BrowserFailed, DiskFull, DurationUnknown, OutputUnwritable
from hyperframes_render.media.convert import even
from hyperframes_render.media.encode import EncodeSpec, FrameEncoder
from hyperframes_render.media.probe import VideoFacts, check_video, probe_video
from hyperframes_render.render.assemble import join_chunks
from hyperframes_render.render.frames import FrameStatistics, RangeRender, WorkerPool
from hyperframes_render.render.plan import Chunk, Plan, count_frames, split_frames
from hyperframes_render.render.progress import Listener, ProgressMeter, watched
from hyperframes_render.render.result import CaptureFacts, RenderResult
from hyperframes_render.render.versions import versions
from hyperframes_render.render.worker import FrameWorker, WorkerSpec, block_frames, start_worker
from hyperframes_render.task import DEFAULT_FPS, DEFAULT_HEIGHT, DEFAULT_WIDTH, RenderInput, check_size

#: A page that misbehaves at every frame must not make a result of megabytes.
MAX_WARNINGS = 50


@dataclass(frozen=True)
class LocalOptions:
    """How this machine is used: browsers that feed one encoder (None: as many as pay), and chunks."""

    workers: int | None = None
    chunks: int = 1


@dataclass
class _FastPaths:
    """What is still trusted in this render."""

    surface: bool = True
    reuse: bool = True
    browser_retries: int = 1


@dataclass
class _Job:
    """The state of one render."""

    source: Path
    output: Path
    request: RenderInput
    options: LocalOptions
    meter: ProgressMeter
    folder: Path
    part: Path
    trusted: _FastPaths = field(default_factory=_FastPaths)
    warnings: list[str] = field(default_factory=list)
    log: DoorLog = field(default_factory=DoorLog)

    def warn(self, text: str) -> None:
        if text not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)

    def note_seek_errors(self, frame: int, errors: list[str]) -> None:
        for error in errors:
            self.warn(f"A script of the page failed at frame {frame}: {error}")


async def render(
    source: Path,
    output: Path,
    request: RenderInput,
    options: LocalOptions | None = None,
    listener: Listener | None = None,
    driver: BrowserDriver | None = None,
) -> RenderResult:
    """Render the composition at `source` (.html, folder or .zip) to the video file `output`.

    `driver` is one that was started already; it is stopped here in any case.
    The file appears whole or not at all. Raises a RenderError; nothing is left behind.
    """
    adopt_orphans()
    meter = ProgressMeter(listener)
    _check_output(output)
    try:
        folder = Path(tempfile.mkdtemp(prefix="hyperframes-render-"))
    except OSError as error:
        raise DiskFull(f"No folder for temporary files can be made: {error.strerror}.") from error
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    job = _Job(source, output, request, options or LocalOptions(), meter, folder, part)
    try:
        return await watched(_render(job, driver or BrowserDriver()), meter)
    finally:
        part.unlink(missing_ok=True)
        remove_folder(folder)


def _check_output(output: Path) -> None:
    if output.suffix.lower() != ".mp4":
        raise OutputUnwritable(f'The output "{output.name}" does not end in .mp4.', "h264 is written as .mp4.")
    if output.is_dir():
        raise OutputUnwritable(f"The output {output} is a folder.", "Name a file.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise OutputUnwritable(
            f"The output {output} cannot be written: {error.strerror or error}.", "Choose another folder."
        ) from None


async def _render(job: _Job, driver: BrowserDriver) -> RenderResult:
    try:
        unpack_to = job.folder / "project"
        unpack_to.mkdir()
        packages = packages_root()
        chromium_path()
        project = await asyncio.to_thread(open_project, job.source, unpack_to=unpack_to)
        html = project.read_html()
        declared = read_declared(html, name=project.name)
        page = _page_spec(job.request, declared)
        prepared = await asyncio.to_thread(prepare_html, html, declared, page, packages=packages)
        while True:
            try:
                return await _attempt(job, driver, packages, project, declared, prepared, page)
            except FastPathFailed as failed:
                setattr(job.trusted, failed.path, False)
                job.warn(str(failed))
            except BrowserFailed as failed:
                if not job.trusted.browser_retries:
                    raise BrowserFailed("The browser died twice.", failed.action) from failed
                job.trusted.browser_retries -= 1
                job.warn(f"The browser died after frame {job.meter.frames_done}; the render was started again.")
    finally:
        await driver.stop()


def _page_spec(request: RenderInput, declared: Declared) -> PageSpec:
    width = request.width or declared.width or DEFAULT_WIDTH
    height = request.height or declared.height or DEFAULT_HEIGHT
    check_size(width, height)
    fps = request.fps or declared.fps or DEFAULT_FPS
    return PageSpec(width, height, fps, request.duration or None)


async def _attempt(
    job: _Job,
    driver: BrowserDriver,
    packages: Path,
    project: Project,
    declared: Declared,
    prepared: PreparedHtml,
    page: PageSpec,
) -> RenderResult:
    processor_before = processor_seconds()
    spec = WorkerSpec(
        playwright=await driver.ready(),
        project=project,
        html=prepared.html,
        page=page,
        packages=packages,
        network=job.request.network,
        job=job.folder,
        use_surface=job.trusted.surface,
        reuse=job.trusted.reuse,
        log=job.log,
        on_seek_errors=job.note_seek_errors,
    )
    statistics = FrameStatistics()
    async with AsyncExitStack() as stack:
        job.meter.enter("load")
        first = await start_worker(spec, stack, raw=None)
        plan = _plan(job, declared, page, first)
        pool = WorkerPool(
            first=first,
            limit=job.options.workers or default_workers(),
            start_another=lambda stack: start_worker(spec, stack, raw=first.capture.raw),
            stack=stack,
            eager=job.options.workers is not None,
            driver=driver,
        )
        job.meter.start_frames(plan.frames)
        job.meter.enter("render")
        parts = [(chunk, await _render_chunk(job, plan, chunk, pool, statistics)) for chunk in plan.chunks]
        job.meter.enter("finish")
    facts = await asyncio.to_thread(_finish, job, plan, parts)
    seconds = processor_seconds() - processor_before
    job.meter.enter("done")
    return _result(job, plan, pool.workers, facts, statistics, prepared, seconds)


def default_workers() -> int:
    """Browsers on this machine: one for each processor, four at most (more share the encoder's pipe)."""
    return max(1, min(4, len(os.sched_getaffinity(0))))


def _plan(job: _Job, declared: Declared, page: PageSpec, worker: FrameWorker) -> Plan:
    # What is declared wins over the page runtime's own reckoning, which may exceed it (6.2 s against 6.0 s seen).
    duration = page.duration or declared.duration or worker.page.duration
    if duration <= 0:
        raise DurationUnknown(
            "The composition's duration cannot be found: no data-duration on its root, no timeline with a length on "
            "window.__timelines, no clip with an end, no media, no CSS or Web Animation that ends.",
            'Give the root a data-duration (seconds), or ask for one with "duration".',
        )
    frames = count_frames(duration, page.fps)
    chunks = split_frames(frames, job.options.chunks)
    return Plan(page.width, page.height, page.fps, frames, worker.page.content, chunks)


async def _render_chunk(job: _Job, plan: Plan, chunk: Chunk, pool: WorkerPool, statistics: FrameStatistics) -> Path:
    """Capture and encode one chunk to a file of its own (the only chunk: to the output's part file)."""
    path = job.part if len(plan.chunks) == 1 else job.folder / f"chunk-{chunk.index:05}.mp4"
    spec = EncodeSpec(
        plan.width, plan.height, plan.fps, chunk.frames.count, plan.content, jpeg=not pool.first.capture.raw
    )
    encoder = await asyncio.to_thread(FrameEncoder, spec, path, job=job.folder)
    try:
        await RangeRender(
            chunk.frames, pool, encoder, job.meter, statistics, block_frames(plan.width, plan.height)
        ).run()
        await asyncio.gather(asyncio.to_thread(encoder.finish), *([pool.close()] if chunk is plan.chunks[-1] else []))
    except BaseException:
        encoder.abort()
        raise
    return path


def _finish(job: _Job, plan: Plan, parts: Sequence[tuple[Chunk, Path]]) -> VideoFacts:
    if len(parts) > 1:
        join_chunks(parts, job.part, plan.fps)
    facts = probe_video(job.part)
    check_video(facts, width=even(plan.width), height=even(plan.height), frames=plan.frames, fps=plan.fps)
    job.part.replace(job.output)
    return facts


def _result(
    job: _Job,
    plan: Plan,
    browsers: Sequence[FrameWorker],
    facts: VideoFacts,
    statistics: FrameStatistics,
    prepared: PreparedHtml,
    seconds: float,
) -> RenderResult:
    for text in prepared.warnings:
        job.warn(text)
    for worker in browsers:
        for text in (*worker.page.warnings, *worker.page.console):
            job.warn(text)
        for text in worker.page.errors:
            job.warn(f"A script of the page failed: {text}")
    for text in job.log.warnings():
        job.warn(text)
    reports = [worker.capture.report for worker in browsers]
    timings = {**job.meter.phases, "total": time.monotonic() - job.meter.started}
    if statistics.first_picture_at is not None:
        timings["first_frame"] = statistics.first_picture_at - job.meter.started
    return RenderResult(
        output=job.output,
        width=facts.width,
        height=facts.height,
        fps=str(plan.fps),
        frames=plan.frames,
        duration=plan.duration,
        size=facts.size,
        video=facts.as_dict(),
        capture=tuple(CaptureFacts(r.path.value, r.reason, r.captured, r.repeated, r.checks) for r in reports),
        unique_frames=sum(report.captured for report in reports),
        chunks=len(plan.chunks),
        timings={name: round(value, 3) for name, value in timings.items()},
        processor_seconds=round(seconds, 2),
        slowest_frames=tuple((frame, round(value, 3)) for value, frame in sorted(statistics.slowest, reverse=True)),
        warnings=tuple(job.warnings),
        versions=versions(packages_root(), browsers[0].page.chromium.browser.version),
    )
