"""Pictures of a composition at some times, without a render."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.composition.source import Source
from hyperframes_render.errors import InvalidOption, OutputUnwritable
from hyperframes_render.formats import Codec
from hyperframes_render.input import RenderInput
from hyperframes_render.media.stills import image_of, sheet_of
from hyperframes_render.render.job import check_writable
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Plan
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.session import Session, open_session

#: Pictures on a sheet where no times are given, and at most.
SHEET_PICTURES, MAX_PICTURES = 9, 100
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Snapshot:
    """What was drawn: the file, its size in pixels, the times in seconds, and warnings."""

    output: Path
    width: int
    height: int
    times: tuple[float, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For a JSON result."""
        sizes = {"output": str(self.output), "width": self.width, "height": self.height}
        return {**sizes, "times": list(self.times), "warnings": list(self.warnings)}


async def take_snapshot(
    source: Source,
    output: Path,
    request: RenderInput,
    times: Sequence[float] = (),
    listener: Listener | None = None,
    driver: BrowserDriver | None = None,
) -> Snapshot:
    """Draw the composition at `times` (seconds): one as it is, several on a sheet; without times, nine on a sheet.

    Raises a RenderError; `output` appears whole or not at all.
    """
    _check(output, times)
    lossless = request.model_copy(update={"codec": Codec.PNG, "audio_url": None})

    async with open_session(source, lossless, ProgressMeter(listener), workers=1, driver=driver) as session:
        return await session.watch(_drawn(session, output, times))


async def _drawn(session: Session, output: Path, times: Sequence[float]) -> Snapshot:
    async for attempt in session.attempts():
        async with attempt as composition:
            pictures = await _pictures(composition, _frames(composition.make_plan(), times))
            image = pictures[0][1] if len(pictures) == 1 else sheet_of(pictures)
            part = output.with_name(f".{output.stem}.{os.getpid()}.part{output.suffix}")
            session.files.append(part)
            await asyncio.to_thread(_save, image, part, output)
            shown = tuple(round(seconds, 3) for seconds, _ in pictures)
            return Snapshot(output, image.width, image.height, shown, composition.record().warnings)
    raise AssertionError("attempts end with a result or an error")


async def _pictures(composition: OpenComposition, frames: Sequence[int]) -> list[tuple[float, Image.Image]]:
    """The frames as images, each with its time in seconds."""
    capture, spec = composition.first_capture, composition.spec
    pictures = []
    before = -1
    for frame in frames:
        # Pixels can depend on the frame before; the clock never goes back to one that was drawn.
        if frame - 1 > before:
            await capture.pre_roll(frame - 1)
        picture = await capture.take(frame, look_ahead=False, must_have=True)
        assert picture is not None
        data = await picture.data
        picture.release()
        image = image_of(data, capture.form, (spec.device_width, spec.device_height))
        pictures.append((float(frame / spec.fps), image))
        before = frame
    return pictures


def _save(image: Image.Image, part: Path, output: Path) -> None:
    image.save(part)
    part.replace(output)


def _frames(plan: Plan, times: Sequence[float]) -> list[int]:
    """The frames to draw, in order, each once. Raises InvalidOption for a time outside the composition."""
    if not times:
        count = min(SHEET_PICTURES, plan.frames)
        return [plan.first + plan.frames * (2 * index + 1) // (2 * count) for index in range(count)]
    end = float((plan.first + plan.frames) / plan.fps)
    for seconds in times:
        if not 0 <= seconds <= end:
            raise InvalidOption(f"at: {seconds:g} s is not within the composition's {end:g} s.")
    last = plan.first + plan.frames - 1
    return sorted({min(last, int(seconds * plan.fps + 1e-9)) for seconds in times})


def _check(output: Path, times: Sequence[float]) -> None:
    if output.suffix.lower() not in _SUFFIXES:
        raise OutputUnwritable(f'The output "{output.name}" does not end in {", ".join(_SUFFIXES)}.', "Name an image.")
    if len(times) > MAX_PICTURES:
        raise InvalidOption(f"at: {len(times)} times are too many for one sheet: the limit is {MAX_PICTURES}.")
    check_writable(output)
