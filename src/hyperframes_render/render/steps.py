"""A render in three steps that may run on different machines: plan, chunks, join. What passes between them is JSON."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.render.chunking import Chunking, choose_chunks
from hyperframes_render.render.job import check_output, finish_video
from hyperframes_render.render.plan import Chunk, Plan, frames_to_render, split_frames
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.result import CaptureRecord, RenderResult, make_result
from hyperframes_render.render.session import Attempt, in_session
from hyperframes_render.task import RenderInput

__all__ = ["Chunking", "assemble", "make_plan", "render_chunk"]

#: Places at which the planner looks how long a frame takes.
PROBES = 12


def make_plan(source: Path, request: RenderInput, chunking: Chunking, *, listener: Listener | None = None) -> Plan:
    """Open the composition, see how long it is and how long a frame takes, and cut it into chunks.

    Raises a RenderError: whatever is wrong with the composition shows here.
    """

    async def work(attempt: Attempt) -> Plan:
        page, content = attempt.page, attempt.pool.first.page.content
        frames = frames_to_render(page, attempt.declared, attempt.pool.first.page.duration)
        seconds = await _seconds_per_frame(attempt, frames)
        chunks, reason = choose_chunks(frames, float(page.fps), seconds, chunking)
        return Plan(page.width, page.height, page.fps, frames, content, split_frames(frames, chunks), reason)

    return asyncio.run(in_session(source, request, ProgressMeter(listener), work))


async def _seconds_per_frame(attempt: Attempt, frames: int) -> float:
    """Mean seconds to capture a frame, from some spread over the video; unchanged ones count as they are."""
    capture = attempt.pool.first.capture
    attempt.session.meter.enter("probe")
    first = await capture.take(0, look_ahead=False, must_have=True)
    assert first is not None
    await first.data
    first.release()
    # The frame clock never goes back: each place is at least a frame beyond the one before and its own roll-in.
    step = max(2, frames // PROBES)
    places = range(step, frames, step)[:PROBES]
    spent = 0.0
    for frame in places:
        await capture.roll_in(frame - 1)
        started = time.monotonic()
        picture = await capture.take(frame, look_ahead=False, must_have=False)
        if picture is not None:
            await picture.data
            picture.release()
        spent += time.monotonic() - started
        attempt.session.meter.sign()
    return spent / len(places) if places else 0.0


def render_chunk(
    source: Path, request: RenderInput, plan: Plan, chunk: Chunk, output: Path, *, listener: Listener | None = None
) -> CaptureRecord:
    """Render one chunk of `plan` to the file `output` (.mp4), silent. The file appears whole or not at all."""
    check_output(output)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")

    async def work(attempt: Attempt) -> CaptureRecord:
        meter = attempt.session.meter
        meter.start_frames(chunk.frames.count)
        meter.enter("render")
        await attempt.render_chunk(plan, chunk, part, last=True)
        meter.enter("done")
        part.replace(output)
        return attempt.record()

    try:
        return asyncio.run(in_session(source, request, ProgressMeter(listener), work))
    finally:
        part.unlink(missing_ok=True)


def assemble(
    request: RenderInput,
    plan: Plan,
    chunks: Sequence[tuple[Chunk, Path]],
    records: Sequence[CaptureRecord],
    output: Path,
) -> RenderResult:
    """Join the rendered `chunks` of `plan` to the video `output` and check it. `records` are theirs.

    Raises EncoderFailed where they are not the plan's, or the video is not what was asked for.
    """
    check_output(output)
    if [chunk for chunk, _ in chunks] != list(plan.chunks) or len(records) != len(chunks):
        raise EncoderFailed("The chunks at hand are not those of the plan.")
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        if len(chunks) == 1:
            shutil.copyfile(chunks[0][1], part)
        return make_result(plan, finish_video(plan, chunks, part, output), records, output)
    finally:
        part.unlink(missing_ok=True)
