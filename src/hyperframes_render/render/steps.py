"""A render in three steps that may run on different machines: plan, chunks, join. What passes between them is JSON."""

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
from hyperframes_render.render.chunking import SECONDS_PER_PIXEL, SHORT_WORK, Chunking, check_room, choose_chunks
from hyperframes_render.render.job import check_output
from hyperframes_render.render.mux import chunk_file, finish_video
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Chunk, Plan, frames_to_render, split_frames, whole_plan
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.result import CaptureRecord, RenderResult, make_result
from hyperframes_render.render.session import Session, open_session, page_spec

__all__ = ["Chunking", "assemble", "make_plan", "probe", "render_chunk"]

#: Places at which the planner looks how long a frame takes.
PROBES = 12


@dataclass(frozen=True)
class Planned:
    """The plan, what the file is to say of itself, and the mixed sound if there is any."""

    plan: Plan
    tags: tuple[tuple[str, str], ...]
    sound: Path | None
    warnings: tuple[str, ...]
    #: Measured at some places of the video.
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
    """Open the composition, see how long it is and how long a frame takes, cut it into chunks, mix its sound.

    The sound, if there is any, is written to `sound` (.flac or .wav). `audio` is the file that audio_url stands for;
    without it, that is fetched within the stack's `ceiling`.

    Raises a RenderError: whatever is wrong with the composition shows here, unless it is short and the plan not
    `thorough`: then it shows when it is rendered, in one go.
    """

    if not thorough and (short := _short_plan(source, request)) is not None:
        check_room(short, chunking)
        return Planned(short, (), None, ())

    async def plan_it() -> Planned:
        opening = open_session(source, request, ProgressMeter(listener), audio=audio, ceiling=ceiling)
        async with opening as session:
            return await session.watch(_planned(session, chunking, sound))

    return asyncio.run(plan_it())


async def _planned(session: Session, chunking: Chunking, sound: Path) -> Planned:
    async for attempt in session.attempts():
        async with attempt as composition:
            whole = composition.make_plan()
            check_room(whole, chunking)
            seconds = await _seconds_per_frame(composition, whole)
            chunks, reason = choose_chunks(whole.frames, float(whole.fps), seconds, chunking)
            plan = replace(whole, chunks=split_frames(whole.frames, chunks), reason=reason)
            mixed = await composition.mix(plan, sound)
            return Planned(plan, composition.tags(), mixed, composition.record().warnings, seconds)
    raise AssertionError("attempts end with a result or an error")


@dataclass(frozen=True)
class Probe:
    """A short look at a composition: its plan as one chunk, and seconds that a frame takes to capture."""

    plan: Plan
    seconds_per_frame: float


def probe(source: Source, request: RenderInput) -> Probe:
    """Look at the composition without rendering it. Raises a RenderError."""

    async def look() -> Probe:
        async with open_session(source, request, ProgressMeter(None), workers=1) as session:
            return await session.watch(_probed(session))

    return asyncio.run(look())


async def _probed(session: Session) -> Probe:
    async for attempt in session.attempts():
        async with attempt as composition:
            whole = composition.make_plan()
            return Probe(whole, await _seconds_per_frame(composition, whole))
    raise AssertionError("attempts end with a result or an error")


def _short_plan(source: Source, request: RenderInput) -> Plan | None:
    """The plan of a short composition that declares its length; None where a browser must look first.

    What the pictures are like is seen, and the sound mixed, by the step that renders it whole.
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
    reason = f"{frames.count} frames should be done in {seconds:.0f} s at most: they are rendered in one go."
    return whole_plan(page, request, frames, Content.GRAPHICS, reason)


async def _seconds_per_frame(composition: OpenComposition, plan: Plan) -> float:
    """Mean seconds to capture a frame, from some spread over the video; unchanged ones count as they are."""
    capture = composition.first_capture
    composition.session.meter.enter("probe")
    first = await capture.take(plan.first, look_ahead=False, must_have=True)
    assert first is not None
    await first.data
    first.release()
    # The frame clock never goes back: each place is at least a frame beyond the one before and its own pre-roll.
    step = max(2, plan.frames // PROBES)
    places = range(plan.first + step, plan.first + plan.frames, step)[:PROBES]
    spent = 0.0
    for frame in places:
        await capture.pre_roll(frame - 1)
        started = time.monotonic()
        picture = await capture.take(frame, look_ahead=False, must_have=False)
        if picture is not None:
            await picture.data
            picture.release()
        spent += time.monotonic() - started
        composition.session.meter.heartbeat()
    return spent / len(places) if places else 0.0


def render_chunk(
    source: Source, request: RenderInput, plan: Plan, chunk: Chunk, output: Path, *, listener: Listener | None = None
) -> CaptureRecord:
    """Render one chunk of `plan` to the file `output`, silent. The file appears whole or not at all."""

    # The sound of the whole video is mixed once, by the plan.
    silent = request.model_copy(update={"audio_url": None})

    async def render_it() -> CaptureRecord:
        async with open_session(source, silent, ProgressMeter(listener)) as session:
            return await session.watch(_rendered_chunk(session, plan, chunk, output))

    return asyncio.run(render_it())


async def _rendered_chunk(session: Session, plan: Plan, chunk: Chunk, output: Path) -> CaptureRecord:
    async for attempt in session.attempts():
        async with attempt as composition:
            meter, path = session.meter, session.folder / f"chunk{chunk_suffix(plan.format)}"
            meter.start_frames(chunk.frames.count)
            meter.enter("render")
            await composition.render_chunk(plan, chunk, path, last=True)
            meter.enter("done")
            chunk_file(chunk, path, output)
            return composition.record()
    raise AssertionError("attempts end with a result or an error")


def assemble(
    plan: Plan,
    chunks: Sequence[tuple[Chunk, Path]],
    records: Sequence[CaptureRecord],
    output: Path,
    *,
    sound: Path | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> RenderResult:
    """Join the rendered `chunks` of `plan` to the video `output` and check it. `records` are theirs.

    `sound` is mixed already (see make_plan). Raises EncoderFailed where the chunks are not the plan's, or the video
    is not what was asked for.
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
