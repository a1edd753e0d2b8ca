"""A complete render on this machine: from a composition to a finished and checked video."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.composition.source import Source
from hyperframes_render.errors import OutputUnwritable
from hyperframes_render.formats import FORMATS, Codec
from hyperframes_render.input import NetworkPolicy, RenderInput
from hyperframes_render.media.encode import chunk_suffix
from hyperframes_render.render.mux import finish_video
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Chunk, Plan, split_frames
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.result import RenderResult, make_result
from hyperframes_render.render.session import open_session


@dataclass(frozen=True)
class LocalOptions:
    """Options of a local render. `workers` is the number of browsers that feed one encoder; None chooses it."""

    workers: int | None = None
    chunks: int = 1
    #: A local file to use for audio_url. None fetches audio_url.
    audio: Path | None = None
    #: The network policy for fetching audio_url and a composition at an address.
    ceiling: NetworkPolicy = "public"


async def render(
    source: Source,
    output: Path,
    request: RenderInput,
    options: LocalOptions | None = None,
    listener: Listener | None = None,
    driver: BrowserDriver | None = None,
) -> RenderResult:
    """Render the composition at `source` (.html, folder or .zip) to the video file `output`.

    `driver` is a driver that the caller has started; it is stopped in any case.
    The file appears complete or not at all. Raises a RenderError, and removes all temporary files.
    """
    options = options or LocalOptions()
    check_output(output, request.codec)

    opening = open_session(
        source,
        request,
        ProgressMeter(listener),
        workers=options.workers,
        audio=options.audio,
        ceiling=options.ceiling,
        driver=driver,
    )
    async with opening as session:
        return await session.run(lambda composition: _render(composition, options.chunks, output))


def check_output(output: Path, codec: Codec) -> None:
    """Raise OutputUnwritable if no video of `codec` can be written to `output`. Creates its folder."""
    suffixes = FORMATS[codec].muxers
    if output.suffix.lower() not in suffixes:
        raise OutputUnwritable(
            f'The output "{output.name}" does not end in {" or ".join(suffixes)}.',
            f"{codec} is written as {' or '.join(suffixes)}.",
        )
    check_writable(output)


def check_writable(output: Path) -> None:
    """Raise OutputUnwritable if no file can be written to `output`. Creates its folder."""
    try:
        if output.is_dir():
            raise OutputUnwritable(f"The output {output} is a folder.", "Name a file.")
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise OutputUnwritable(
            f"The output {output} cannot be written: {error.strerror or error}.", "Choose another folder."
        ) from None


async def _render(composition: OpenComposition, chunks: int, output: Path) -> RenderResult:
    session, whole = composition.session, composition.make_plan()
    plan = replace(whole, chunks=split_frames(whole.frames, chunks))
    session.meter.start_frames(plan.frames)
    session.meter.enter("render")
    mixing = asyncio.create_task(composition.mix(plan, session.folder / "sound.wav"))
    try:
        parts = await _render_chunks(composition, plan, output)
        session.meter.enter("finish")
        sound = await mixing
    finally:
        mixing.cancel()
    facts = await asyncio.to_thread(
        finish_video, plan, parts, output, job=session.folder, sound=sound, tags=composition.tags()
    )
    session.meter.enter("done")
    return make_result(plan, facts, [composition.record()], output)


async def _render_chunks(composition: OpenComposition, plan: Plan, output: Path) -> list[tuple[Chunk, Path]]:
    session = composition.session
    parts: list[tuple[Chunk, Path]] = []
    for chunk in plan.chunks:
        name = f".{output.name}.{os.getpid()}.{chunk.index}.part{chunk_suffix(plan.format)}"
        path = session.folder / name
        if len(plan.chunks) == 1 and plan.codec is not Codec.PNG:
            path = output.with_name(name)  # in the output's folder, so that it need not be copied
            session.files.append(path)
        # The browsers close while the encoder finishes, unless the mix needs one for its effects.
        last = chunk is plan.chunks[-1] and not composition.has_effects
        await composition.render_chunk(plan, chunk, path, last=last)
        parts.append((chunk, path))
    return parts
