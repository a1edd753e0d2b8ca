"""One whole render on this machine: composition in, finished and checked video out."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.errors import OutputUnwritable
from hyperframes_render.media.convert import even
from hyperframes_render.media.probe import VideoFacts, check_video, probe_video
from hyperframes_render.render.assemble import join_chunks
from hyperframes_render.render.plan import Chunk, Plan, frames_to_render, split_frames
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.result import RenderResult, make_result
from hyperframes_render.render.session import Attempt, in_session
from hyperframes_render.task import RenderInput


@dataclass(frozen=True)
class LocalOptions:
    """How this machine is used: browsers that feed one encoder (None: as many as pay), and chunks."""

    workers: int | None = None
    chunks: int = 1


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
    options = options or LocalOptions()
    check_output(output)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")

    async def work(attempt: Attempt) -> RenderResult:
        return await _render(attempt, options.chunks, part, output)

    try:
        return await in_session(source, request, ProgressMeter(listener), work, workers=options.workers, driver=driver)
    finally:
        part.unlink(missing_ok=True)


def check_output(output: Path) -> None:
    """Raise OutputUnwritable where no video can be written at `output`; its folder is made."""
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


async def _render(attempt: Attempt, chunks: int, part: Path, output: Path) -> RenderResult:
    meter, page = attempt.session.meter, attempt.pool.first.page
    frames = frames_to_render(attempt.page, attempt.declared, page.duration)
    plan = Plan(
        attempt.page.width, attempt.page.height, attempt.page.fps, frames, page.content, split_frames(frames, chunks)
    )
    meter.start_frames(plan.frames)
    meter.enter("render")
    parts: list[tuple[Chunk, Path]] = []
    for chunk in plan.chunks:
        path = part if len(plan.chunks) == 1 else attempt.session.folder / f"chunk-{chunk.index:05}.mp4"
        await attempt.render_chunk(plan, chunk, path, last=chunk is plan.chunks[-1])
        parts.append((chunk, path))
    meter.enter("finish")
    facts = await asyncio.to_thread(finish_video, plan, parts, part, output)
    meter.enter("done")
    return make_result(plan, facts, [attempt.record()], output)


def finish_video(plan: Plan, parts: Sequence[tuple[Chunk, Path]], part: Path, output: Path) -> VideoFacts:
    """Join the chunks (a single one is `part` already), check the video and put it at `output` in one step."""
    if len(parts) > 1:
        join_chunks(parts, part, plan.fps)
    facts = probe_video(part)
    check_video(facts, width=even(plan.width), height=even(plan.height), frames=plan.frames, fps=plan.fps)
    part.replace(output)
    return facts
