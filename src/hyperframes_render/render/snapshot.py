"""Draws images of a composition at some times, without a render."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from hyperframes_render.browser.bridge import page_answers
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.composition.source import Source
from hyperframes_render.errors import InvalidOption, OutputUnwritable
from hyperframes_render.formats import Codec
from hyperframes_render.input import NetworkPolicy, RenderInput
from hyperframes_render.media.stills import image_of, sheet_of
from hyperframes_render.problems import Problem
from hyperframes_render.render.job import check_writable
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.plan import Plan
from hyperframes_render.render.progress import Listener, ProgressMeter
from hyperframes_render.render.session import open_session

#: Frames on a sheet without times in the request.
SHEET_FRAMES = 9
#: Maximum frames on a sheet.
MAX_FRAMES = 100
#: Maximum frames for moments of a composition: more are too small to read.
MAX_MOMENTS = 24
#: Moments of a composition: when its clips start, or when its tweens end.
Moments = Literal["clips", "tweens"]
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Snapshot:
    """The image file, its size in pixels, the times of its frames in seconds, and warnings."""

    output: Path
    width: int
    height: int
    times: tuple[float, ...]
    warnings: tuple[Problem, ...]

    def as_dict(self) -> dict[str, object]:
        """The result as a dict for JSON."""
        sizes = {"output": str(self.output), "width": self.width, "height": self.height}
        return {**sizes, "times": list(self.times), "warnings": [warning.as_dict() for warning in self.warnings]}


async def take_snapshot(
    source: Source,
    output: Path,
    request: RenderInput,
    times: Sequence[float] | Moments = (),
    listener: Listener | None = None,
    driver: BrowserDriver | None = None,
    *,
    ceiling: NetworkPolicy = "public",
) -> Snapshot:
    """Draw the composition at `times` in seconds: one frame as an image, several on a sheet with the time below each.

    No times: nine frames, evenly spaced. `ceiling` limits what the page may load, whatever the request says.
    `output` appears complete or not at all. Raises a RenderError.
    """
    _check_options(output, times)
    lossless = request.model_copy(update={"codec": Codec.PNG, "audio_url": None})

    meter = ProgressMeter(listener)
    async with open_session(source, lossless, meter, workers=1, driver=driver, ceiling=ceiling) as session:
        return await session.run(lambda composition: _draw(composition, output, times))


async def _draw(composition: OpenComposition, output: Path, times: Sequence[float] | Moments) -> Snapshot:
    plan = composition.make_plan()
    if isinstance(times, str):
        times = await _times_of(composition, plan, times)
    images = await _capture_images(composition, _frames(plan, times))
    image = images[0][1] if len(images) == 1 else sheet_of(images)
    part = output.with_name(f".{output.stem}.{os.getpid()}.part{output.suffix}")
    composition.session.files.append(part)
    await asyncio.to_thread(_save, image, part, output)
    drawn_times = tuple(round(seconds, 3) for seconds, _ in images)
    return Snapshot(output, image.width, image.height, drawn_times, composition.record().warnings)


async def _times_of(composition: OpenComposition, plan: Plan, moments: str) -> list[float]:
    """The times at which clips start, or tweens end, in seconds: each once, MAX_MOMENTS of many."""
    page, frame = composition.first_page, float(1 / plan.fps)
    with page_answers():
        if moments == "clips":
            times = [clip.start for clip in await page.bridge.clips()]
        else:
            times = list(await page.bridge.tween_ends())
    first, last = float(plan.first / plan.fps), float((plan.first + plan.frames - 1) / plan.fps)
    # At the very moment, an entrance has not begun: a clip is looked at one frame later.
    later = frame if moments == "clips" else 0.0
    found = sorted({min(last, max(first, time + later)) for time in times})
    step = max(1.0, len(found) / MAX_MOMENTS)
    return [found[int(index * step)] for index in range(min(len(found), MAX_MOMENTS))]


async def _capture_images(composition: OpenComposition, frames: Sequence[int]) -> list[tuple[float, Image.Image]]:
    """The frames as images, each with its time in seconds."""
    capture, spec = composition.first_capture, composition.spec
    images = []
    before = -1
    for frame in frames:
        # Pixels can depend on the frame before. The frame clock cannot go back to a frame that was drawn.
        if frame - 1 > before:
            await capture.pre_roll(frame - 1)
        captured = await capture.take(frame, look_ahead=False, must_have=True)
        assert captured is not None
        data = await captured.data
        captured.release()
        image = image_of(data, capture.form, (spec.device_width, spec.device_height))
        images.append((float(frame / spec.fps), image))
        before = frame
    return images


def _save(image: Image.Image, part: Path, output: Path) -> None:
    image.save(part)
    part.replace(output)


def _frames(plan: Plan, times: Sequence[float]) -> list[int]:
    """The numbers of the frames to draw, sorted, each once. Raises InvalidOption for a time outside the composition."""
    if not times:
        count = min(SHEET_FRAMES, plan.frames)
        return [plan.first + plan.frames * (2 * index + 1) // (2 * count) for index in range(count)]
    end = float((plan.first + plan.frames) / plan.fps)
    for seconds in times:
        if not 0 <= seconds <= end:
            raise InvalidOption(f"at: {seconds:g} s is not within the composition's {end:g} s.")
    last = plan.first + plan.frames - 1
    return sorted({min(last, int(seconds * plan.fps + 1e-9)) for seconds in times})


def _check_options(output: Path, times: Sequence[float] | str) -> None:
    if output.suffix.lower() not in _SUFFIXES:
        raise OutputUnwritable(f'The output "{output.name}" does not end in {", ".join(_SUFFIXES)}.', "Name an image.")
    if not isinstance(times, str) and len(times) > MAX_FRAMES:
        raise InvalidOption(f"at: {len(times)} times are too many for one sheet: the limit is {MAX_FRAMES}.")
    check_writable(output)
