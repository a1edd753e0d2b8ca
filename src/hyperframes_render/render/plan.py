"""Converts seconds to frames, and divides frames into chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hyperframes_render.composition.compile import PageSpec
from hyperframes_render.composition.declared import Declared
from hyperframes_render.errors import DurationUnknown, InvalidOption, LimitExceeded
from hyperframes_render.formats import FORMATS, Codec, Content, Format, Quality
from hyperframes_render.input import MAX_DURATION, MAX_FRAMES, RenderInput
from hyperframes_render.media.probe import Expected

#: A duration within this many frames of a whole number is rounded to it. The official renderer has the same tolerance.
FRAME_TOLERANCE = 0.001
#: Seconds of a page without a composition root that declares no length: the default of the public app.
DEFAULT_LENGTH = 5.0


@dataclass(frozen=True)
class FrameRange:
    """`count` frames, beginning with frame number `first`."""

    first: int
    count: int

    @property
    def end(self) -> int:
        """The first frame after the range."""
        return self.first + self.count


@dataclass(frozen=True)
class Chunk:
    """A range of frames that is rendered and encoded separately, then joined to the others by stream copy."""

    index: int
    frames: FrameRange


@dataclass(frozen=True)
class Plan:
    """The parameters of a video, fixed before the first frame is captured.

    `width` and `height` are the video's size in pixels before it is rounded to even numbers. The video begins at the
    composition's frame number `first`; frame numbers of chunks count from there.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    content: Content
    chunks: tuple[Chunk, ...]
    first: int = 0
    codec: Codec = Codec.H264
    quality: Quality | int = Quality.STANDARD
    transparent: bool = False
    #: The reason for the number of chunks, for people.
    reason: str = ""

    @property
    def duration(self) -> float:
        """Length of the video in seconds."""
        return float(self.frames / self.fps)

    @property
    def format(self) -> Format:
        """The codec's entry in FORMATS."""
        return FORMATS[self.codec]

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the encoded video in pixels."""
        return self.format.coded_size(self.width, self.height)

    @property
    def sound_end(self) -> Fraction:
        """The composition's time in seconds at which the video ends."""
        return Fraction(self.first + self.frames) / self.fps

    @property
    def sound_start(self) -> Fraction:
        """The composition's time in seconds at which the video begins."""
        return Fraction(self.first) / self.fps

    def seeks(self, chunk: Chunk) -> FrameRange:
        """The composition's frame numbers of `chunk`."""
        return FrameRange(self.first + chunk.frames.first, chunk.frames.count)

    def wanted(self, *, sound: bool) -> Expected:
        """The expected properties of the finished file."""
        width, height = self.coded_size
        return Expected(self.codec, width, height, self.frames, self.fps, self.transparent, sound)

    def as_dict(self) -> dict[str, Any]:
        """The plan as a dict for JSON; `from_dict` reads it."""
        return {
            "width": self.width,
            "height": self.height,
            "fps": str(self.fps),
            "frames": self.frames,
            "content": self.content.value,
            "first": self.first,
            "codec": self.codec.value,
            "quality": self.quality,
            "transparent": self.transparent,
            "chunks": [[chunk.frames.first, chunk.frames.count] for chunk in self.chunks],
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """Read a plan from the dict of `as_dict`."""
        return cls(
            width=values["width"],
            height=values["height"],
            fps=Fraction(values["fps"]),
            frames=values["frames"],
            content=Content(values["content"]),
            first=values["first"],
            codec=Codec(values["codec"]),
            quality=values["quality"] if isinstance(values["quality"], int) else Quality(values["quality"]),
            transparent=values["transparent"],
            chunks=tuple(
                Chunk(index, FrameRange(first, count)) for index, (first, count) in enumerate(values["chunks"])
            ),
            reason=values["reason"],
        )


def whole_plan(page: PageSpec, request: RenderInput, frames: FrameRange, content: Content, reason: str = "") -> Plan:
    """The plan of the whole video as one chunk."""
    return Plan(
        width=max(1, round(page.width * request.scale_factor)),
        height=max(1, round(page.height * request.scale_factor)),
        fps=page.fps,
        frames=frames.count,
        content=content,
        chunks=split_frames(frames.count, 1),
        first=frames.first,
        codec=request.codec,
        quality=request.quality,
        transparent=request.transparent,
        reason=reason,
    )


def count_frames(duration: float, fps: Fraction) -> int:
    """Number of frames of `duration` seconds, rounded up, at least 1. Raises LimitExceeded."""
    if duration > MAX_DURATION:
        raise LimitExceeded(
            f"The composition is {duration:g} s long: the limit is {MAX_DURATION:g} s.", "Ask for a shorter duration."
        )
    exact = duration * float(fps)
    nearest = round(exact)
    frames = nearest if abs(exact - nearest) <= FRAME_TOLERANCE else math.ceil(exact)
    if frames > MAX_FRAMES:
        raise LimitExceeded(
            f"The composition has {frames} frames: the limit is {MAX_FRAMES}.", "Ask for a lower fps or duration."
        )
    return max(frames, 1)


def split_frames(frames: int, chunks: int) -> tuple[Chunk, ...]:
    """Divide `frames` frames into at most `chunks` chunks. Their lengths differ by at most one frame."""
    chunks = max(1, min(chunks, frames))
    edges = [frames * index // chunks for index in range(chunks + 1)]
    return tuple(Chunk(index, FrameRange(edges[index], edges[index + 1] - edges[index])) for index in range(chunks))


@dataclass(frozen=True)
class Length:
    """The length of a page in seconds, and its source: request, page, clips, timelines, animations, or default."""

    seconds: float
    source: str


def length_of(page: PageSpec, declared: Declared, measured: float, measured_from: str = "") -> Length:
    """The length of a page: the requested one, else the declared one, else the `measured` one.

    `measured` is in seconds, 0 if no length was found. The length is then DEFAULT_LENGTH for a page without a
    composition root, and 0 for a composition.
    """
    # The declared length wins over the page runtime's, which may exceed it (once 6.2 s instead of 6.0 s).
    if page.duration:
        return Length(page.duration, "request")
    if declared.duration:
        return Length(declared.duration, "page")
    if measured > 0:
        return Length(measured, measured_from or "timelines")
    return Length(DEFAULT_LENGTH if declared.rootless else 0.0, "default")


#: The words for the source of a length in a notice.
_LENGTH_SOURCES = {
    "request": "as asked for",
    "page": "as the page declares",
    "clips": "from its clips",
    "timelines": "from its timelines",
    "animations": "from its animations",
    "default": "by default",
}


def about_rootless(length: Length) -> Iterator[tuple[str, str]]:
    """The assumptions about a page without a composition root, as (code, sentence)."""
    yield (
        "no_composition_root",
        "No composition root: the body is the composition; "
        f"length {length.seconds:g} s {_LENGTH_SOURCES[length.source]}.",
    )
    if length.source == "default":
        yield (
            "length_by_default",
            f"The page declares no length: the video is {length.seconds:g} s long. "
            "Ask for a duration, give clips a data-start and a data-duration, or register a timeline on "
            "window.__timelines.",
        )


def frames_to_render(page: PageSpec, declared: Declared, measured: float, request: RenderInput) -> FrameRange:
    """The composition's frames that the video shows: all, or the range from `from` to `to` of the request.

    The composition's length is that of `length_of`. Raises DurationUnknown, LimitExceeded or InvalidOption.
    """
    duration = length_of(page, declared, measured).seconds
    if duration <= 0:
        # If an invalid data-duration was ignored, the error must not say that it is missing.
        ignored = next((warning for warning in declared.warnings if "duration=" in warning), None)
        raise DurationUnknown(
            f"The composition's duration cannot be found. {ignored or 'Its root has no data-duration.'} Nor is there a "
            "timeline with a length on window.__timelines, a clip with an end, media, or an animation that ends.",
            'Give the root a data-duration (seconds), or ask for one with "duration".',
        )
    frames = count_frames(duration, page.fps)
    first = min(round(request.from_time * float(page.fps)), frames)
    end = frames if request.to_time is None else min(count_frames(request.to_time, page.fps), frames)
    if first >= end:
        raise InvalidOption(
            f"There is no frame from {request.from_time:g} s on: the composition is {duration:g} s long.",
            'Ask for a smaller "from".',
        )
    return FrameRange(first, end - first)
