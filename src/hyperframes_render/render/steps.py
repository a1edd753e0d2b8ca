"""A render in three steps that may run on different machines: plan, chunks, join. They exchange JSON and files."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hyperframes_render.composition.declared import read_declared
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.source import Source, WebPage, open_project
from hyperframes_render.errors import EncoderFailed
from hyperframes_render.formats import Content
from hyperframes_render.input import NetworkPolicy, RenderInput
from hyperframes_render.media.encode import chunk_suffix
from hyperframes_render.problems import Problem
from hyperframes_render.render.chunking import SECONDS_PER_PIXEL, SHORT_WORK, Chunking, check_room, choose_chunks
from hyperframes_render.render.job import check_output
from hyperframes_render.render.mux import chunk_file, finish_video
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Chunk, Plan, frames_to_render, split_frames, whole_plan
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.result import CaptureRecord, RenderResult, make_result
from hyperframes_render.render.session import open_session, page_spec

__all__ = ["Chunking", "assemble", "make_plan", "probe", "render_chunk"]

#: Frames whose capture time the planner measures.
PROBES = 12


@dataclass(frozen=True)
class Planned:
    """The plan, title and comment of the file, and the mixed sound if there is any."""

    plan: Plan
    tags: tuple[tuple[str, str], ...]
    sound: Path | None
    warnings: tuple[Problem, ...]
    #: Mean time to capture a frame, measured at some frames of the video.
    seconds_per_frame: float = 0.0


def make_plan(
    source: Source,
    request: RenderInput,
    chunking: Chunking,
    *,
    sound: Path,
    audio: Path | None = None,
    ceiling: NetworkPolicy = "public",
    listener: Listener | None = None,
    thorough: bool = False,
) -> Planned:
    """Open the composition, measure its length and its time per frame, divide it into chunks, and mix its sound.

    The sound, if there is any, is written to `sound` (.flac or .wav). `audio` is a local file to use for audio_url;
    without it, audio_url is fetched within the policy `ceiling`.

    Raises a RenderError for errors of the composition. A short composition is not opened unless `thorough`; its errors
    are raised when it is rendered as one chunk.
    """
    if not thorough and (short := _short_plan(source, request)) is not None:
        check_room(short, chunking)
        return Planned(short, (), None, ())

    async def run() -> Planned:
        opening = open_session(source, request, ProgressMeter(listener), audio=audio, ceiling=ceiling)
        async with opening as session:
            return await session.run(lambda composition: _plan(composition, chunking, sound))

    return asyncio.run(run())


async def _plan(composition: OpenComposition, chunking: Chunking, sound: Path) -> Planned:
    whole = composition.make_plan()
    check_room(whole, chunking)
    seconds = await _seconds_per_frame(composition, whole)
    chunks, reason = choose_chunks(whole.frames, float(whole.fps), seconds, chunking)
    plan = replace(whole, chunks=split_frames(whole.frames, chunks), reason=reason)
    mixed = await composition.mix(plan, sound)
    return Planned(plan, composition.tags(), mixed, composition.record().warnings, seconds)


@dataclass(frozen=True)
class Probe:
    """A composition's plan as one chunk, and its mean time to capture a frame in seconds."""

    plan: Plan
    seconds_per_frame: float


def probe(source: Source, request: RenderInput) -> Probe:
    """Measure the composition without rendering it. Raises a RenderError."""

    async def run() -> Probe:
        async with open_session(source, request, ProgressMeter(None), workers=1) as session:
            return await session.run(_probe)

    return asyncio.run(run())


async def _probe(composition: OpenComposition) -> Probe:
    whole = composition.make_plan()
    return Probe(whole, await _seconds_per_frame(composition, whole))


def _short_plan(source: Source, request: RenderInput) -> Plan | None:
    """The plan of a short composition that declares its length. None if a browser must open it first.

    The step that renders it detects the kind of content and mixes the sound.
    """
    if isinstance(source, WebPage) and source.path is None:
        return None
    with tempfile.TemporaryDirectory(prefix="hyperframes-render-") as folder:
        project = open_project(source, unpack_to=Path(folder), composition=request.composition)
        declared = read_declared(Document(project.read_html()), name=project.name)
    page = page_spec(request, declared)
    if not page.duration and not declared.duration:
        return None
    frames = frames_to_render(page, declared, 0.0, request)
    seconds = frames.count * page.device_width * page.device_height * SECONDS_PER_PIXEL
    if seconds > SHORT_WORK:
        return None
    reason = f"{frames.count} frames should take at most {seconds:.0f} s: they are rendered as one chunk."
    return whole_plan(page, request, frames, Content.GRAPHICS, reason)


async def _seconds_per_frame(composition: OpenComposition, plan: Plan) -> float:
    """Mean seconds to capture a frame, measured at frames that are spread over the video. Includes unchanged frames."""
    capture = composition.first_capture
    composition.session.meter.enter("probe")
    first = await capture.take(plan.first, look_ahead=False, must_have=True)
    assert first is not None
    await first.data
    first.release()
    # The frame clock cannot go back, so each frame and its pre-roll frame come after the one before.
    step = max(2, plan.frames // PROBES)
    measured = range(plan.first + step, plan.first + plan.frames, step)[:PROBES]
    spent = 0.0
    for frame in measured:
        await capture.pre_roll(frame - 1)
        started = time.monotonic()
        captured = await capture.take(frame, look_ahead=False, must_have=False)
        if captured is not None:
            await captured.data
            captured.release()
        spent += time.monotonic() - started
        composition.session.meter.heartbeat()
    return spent / len(measured) if measured else 0.0


def render_chunk(
    source: Source, request: RenderInput, plan: Plan, chunk: Chunk, output: Path, *, listener: Listener | None = None
) -> CaptureRecord:
    """Render one chunk of `plan` to the file `output`, without sound. The file appears complete or not at all."""
    # make_plan has mixed the sound of the whole video.
    silent = request.model_copy(update={"audio_url": None})

    async def run() -> CaptureRecord:
        async with open_session(source, silent, ProgressMeter(listener)) as session:
            return await session.run(lambda composition: _render_chunk(composition, plan, chunk, output))

    return asyncio.run(run())


async def _render_chunk(composition: OpenComposition, plan: Plan, chunk: Chunk, output: Path) -> CaptureRecord:
    session = composition.session
    meter, path = session.meter, session.folder / f"chunk{chunk_suffix(plan.format)}"
    meter.start_frames(chunk.frames.count)
    meter.enter("render")
    await composition.render_chunk(plan, chunk, path, last=True)
    meter.enter("done")
    chunk_file(chunk, path, output)
    return composition.record()


def assemble(
    plan: Plan,
    chunks: Sequence[tuple[Chunk, Path]],
    records: Sequence[CaptureRecord],
    output: Path,
    *,
    sound: Path | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> RenderResult:
    """Join the rendered `chunks` of `plan` to the video `output` and check it. `records` are the chunks' records.

    `sound` is the finished mix (see make_plan). Raises EncoderFailed if the chunks or the video do not match the plan.
    """
    check_output(output, plan.codec)
    if [chunk for chunk, _ in chunks] != list(plan.chunks) or len(records) != len(chunks):
        raise EncoderFailed("The chunks are not those of the plan.")
    with tempfile.TemporaryDirectory(prefix="hyperframes-render-") as job:
        copies = list(chunks)
        if len(copies) == 1:
            copies = [(copies[0][0], Path(job) / copies[0][1].name)]
            shutil.copyfile(chunks[0][1], copies[0][1])
        facts = finish_video(plan, copies, output, job=Path(job), sound=sound, tags=tags)
    return make_result(plan, facts, records, output)
