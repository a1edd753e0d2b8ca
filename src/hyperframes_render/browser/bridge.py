"""The calls that the renderer makes into a page, with typed answers.

`js/bridge.js` puts one frozen object, `__hyperframesRender`, on the page's window. This module is the only Python code
that knows that name and the JSON that its functions return. A page's scripts can damage those functions or their
answers, so every answer is validated here while it is turned into a dataclass.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Error

from hyperframes_render.browser.chromium import Chromium
from hyperframes_render.errors import PageScriptFailed
from hyperframes_render.media.sound_clip import Effects, SoundBus, SoundClip

#: The global object of js/bridge.js.
_BRIDGE = "__hyperframesRender"
#: Called by reference, not evaluated as text: its images are large, and the browser keeps every evaluated text.
_SHOW = f"(images, seconds) => {_BRIDGE}.show(images, seconds)"


@contextlib.contextmanager
def page_answers() -> Iterator[None]:
    """Turn a failed call or a malformed answer into PageScriptFailed: the page's scripts are the cause."""
    try:
        yield
    except (Error, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise PageScriptFailed(
            f"The page broke the objects that the renderer needs: {text}.",
            "Its scripts must leave the browser's own objects and the page runtime as they are.",
        ) from error


@dataclass(frozen=True)
class PageStatus:
    """How far a loading page has come."""

    #: Whether the document and everything that it names has loaded.
    document_complete: bool
    #: Whether `window.gsap` is defined.
    gsap: bool
    #: Whether the page runtime's player exists.
    player: bool
    #: Whether the page runtime says that it is ready.
    ready: bool
    #: Names of the registered timelines.
    timelines: tuple[str, ...]
    #: Ids of the compositions without a registered timeline that do not say `data-no-timeline`.
    missing: tuple[str, ...]
    #: Videos, animated images and sounds whose description is still being fetched.
    pending_media: int
    #: Sub-compositions that are not inserted yet.
    pending_parts: int
    #: Whether scripts wait for something that they asked for.
    loading: bool
    #: Whether shader transitions have not started yet.
    pending_transitions: bool
    #: The page's own clock, and when its next timer is due (None: there is none), in milliseconds.
    time: float
    next_timer: float | None
    #: Whether a script waits for an animation frame.
    frame_wanted: bool
    #: Whether the browser runs a finite CSS or Web Animation.
    animated: bool
    #: Id of a composition that requires WebGPU; empty if there is none.
    webgpu: str

    @property
    def blocked(self) -> bool:
        """Whether something is loading without which the page cannot be seeked."""
        return bool(self.pending_parts or self.pending_media or self.pending_transitions)

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> PageStatus:
        """Raises LookupError, TypeError or ValueError if the answer is malformed."""
        return PageStatus(
            document_complete=found["document"] == "complete",
            gsap=bool(found["gsap"]),
            player=bool(found["player"]),
            ready=bool(found["ready"]),
            timelines=tuple(map(str, found["timelines"])),
            missing=tuple(map(str, found["missing"])),
            pending_media=int(found["media"]),
            pending_parts=int(found["hosts"]),
            loading=bool(found["loading"]),
            pending_transitions=bool(found["transitions"]),
            time=float(found["time"]),
            next_timer=_optional(found["timer"]),
            frame_wanted=bool(found["frameWanted"]),
            animated=bool(found["animated"]),
            webgpu=str(found["webgpu"]),
        )


@dataclass(frozen=True)
class Settled:
    """What `settle` found once images and fonts were loaded."""

    #: Addresses of the images that cannot be decoded, and families of the fonts that cannot be loaded.
    failed_images: tuple[str, ...]
    failed_fonts: tuple[str, ...]
    #: Whether the page draws HTML elements into canvases.
    draws_elements: bool


@dataclass(frozen=True)
class Length:
    """Length of the video in seconds (0: unknown). `source` names what it was inferred from; empty: it was declared."""

    seconds: float
    source: str


@dataclass(frozen=True)
class VideoFrameRequest:
    """The source frame that a video or animated image element must show."""

    #: Number of the element.
    id: int
    #: The media file by the short name that MediaLibrary uses.
    file: str
    #: Seconds into the file at which playback starts.
    trim: float
    loop: bool
    #: Whether it is an image element, not a video element.
    image: bool
    #: Frames of the render since the start of playback.
    index: int

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> VideoFrameRequest:
        """Raises LookupError, TypeError or ValueError if the answer is malformed."""
        return VideoFrameRequest(
            id=int(found["id"]),
            file=str(found["file"]),
            trim=float(found["trim"]),
            loop=bool(found["loop"]),
            image=bool(found["image"]),
            index=int(found["index"]),
        )


@dataclass(frozen=True)
class SeekAnswer:
    """One step of a seek.

    `unfinished`: let the browser send its events, wait for what is loading, then call `seek` again. `videos`: call
    `show` with the frames of these. Otherwise the page stands at the time, and `errors` are what its scripts raised.
    """

    unfinished: bool = False
    #: Of an unfinished seek: the time in seconds at which the page stands.
    time: float = 0.0
    #: Whether scripts wait for something that they asked for.
    loading: bool = False
    videos: tuple[VideoFrameRequest, ...] = ()
    errors: tuple[str, ...] = ()
    #: What the page was found to use that does not follow the video's time.
    warnings: tuple[str, ...] = ()
    #: Whether a script has played a media element that is not a clip, since the video began.
    played: bool = False

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> SeekAnswer:
        """Raises AttributeError, LookupError, TypeError or ValueError if the answer is malformed."""
        if found.get("more"):
            return SeekAnswer(unfinished=True, time=float(found["at"]), loading=bool(found["loading"]))
        if videos := found.get("videos"):
            return SeekAnswer(videos=tuple(map(VideoFrameRequest.from_json, videos)))
        return SeekAnswer(
            errors=tuple(map(str, found["errors"] or ())),
            loading=bool(found["loading"]),
            warnings=tuple(map(str, found["warnings"] or ())),
            played=bool(found["played"]),
        )


@dataclass(frozen=True)
class ClipTimes:
    """One timed element. Seconds of the video; `end` is None for an element that lasts until the video's end."""

    name: str
    #: "composition", or the element's tag name.
    kind: str
    #: Id of the composition that contains it.
    composition: str
    track: int
    start: float
    end: float | None
    source: str

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> ClipTimes:
        """Raises LookupError, TypeError or ValueError if the answer is malformed."""
        return ClipTimes(
            name=str(found["name"]),
            kind=str(found["kind"]),
            composition=str(found["composition"]),
            track=int(found["track"]),
            start=float(found["start"]),
            end=_optional(found["end"]),
            source=str(found["source"]),
        )


@dataclass(frozen=True)
class Graph:
    """A Web Audio graph that is heard: start in seconds of the video, samples per second, number of samples."""

    start: float
    rate: int
    count: int


@dataclass(frozen=True)
class Played:
    """The sounds of the video with those that scripts made, and warnings about them."""

    sounds: SoundBus
    graphs: tuple[Graph, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PageBridge:
    """Calls the functions of js/bridge.js in one page.

    Each method raises what Chromium.evaluate raises, and LookupError, TypeError, ValueError or AttributeError if the
    answer is malformed; `page_answers` turns the latter into PageScriptFailed. `timeout` is in seconds; None stands
    for FRAME_TIMEOUT.
    """

    chromium: Chromium

    async def status(self, *, timeout: float | None = None) -> PageStatus:
        """How far the page has come."""
        return PageStatus.from_json(await self._call("status", timeout=timeout))

    async def draw_first_frame(self, *, timeout: float | None = None) -> None:
        """Run one animation frame at time 0, for scripts that register a timeline in one."""
        await self._call("setUp", timeout=timeout)

    async def pass_time(self, until: float, *, timeout: float | None = None) -> None:
        """Run the page's timers up to `until` milliseconds of its own clock."""
        await self._call("passTime", repr(until), timeout=timeout)

    async def run_set_up_timers(self, *, timeout: float | None = None) -> bool:
        """Run the short timers that register timelines; whether there were any."""
        return bool(await self._call("runSetUpTimers", timeout=timeout))

    async def timeline_scripts(self) -> str:
        """The text of the inline scripts that mention `__timelines`."""
        return str(await self._call("timelineScripts"))

    async def settle(self, *, timeout: float | None = None) -> Settled:
        """Decode all images and load all fonts, before the first frame."""
        found = await self._call("settle", timeout=timeout)
        return Settled(
            failed_images=tuple(map(str, found["images"])),
            failed_fonts=tuple(map(str, found["fonts"])),
            draws_elements=bool(found["drawsElements"]),
        )

    async def length(self) -> Length:
        """The length of the video."""
        found = await self._call("length")
        return Length(float(found["seconds"]), str(found["from"]))

    async def moving_spans(self, *, elements_only: bool) -> tuple[tuple[float, float], ...] | None:
        """Merged (start, end) ranges in seconds in which a tween runs; None if unknown.

        `elements_only`: of tweens of elements in the page only.
        """
        try:
            found = await self._call("movingSpans", str(elements_only).lower())
        except Error:  # the timelines are not GSAP's: only an estimate is lost
            return None
        return None if found is None else _pairs(found)

    async def tween_ends(self) -> tuple[float, ...]:
        """The times in seconds at which tweens end; empty if the timelines are not GSAP's."""
        try:
            return tuple(map(float, await self._call("tweenEnds")))
        except Error:
            return ()

    async def has_canvas_or_video(self) -> bool:
        """Whether a canvas or video element may show content as rich as a photograph."""
        return bool(await self._call("paints"))

    async def seek(self, seconds: float) -> SeekAnswer:
        """Move the page to `seconds`, or as far as one call may take it."""
        return SeekAnswer.from_json(await self._call("seek", repr(seconds)))

    async def show(self, images: Sequence[tuple[int, str]], seconds: float) -> SeekAnswer:
        """Finish a seek: show (element number, data: URL) images and move the page's clock to `seconds`."""
        return SeekAnswer.from_json(await self.chromium.call(_SHOW, images, seconds))

    async def painted(self) -> bool:
        """Finish the work that waits for the paint after a seek. True: the frame needs another paint, and `blend`."""
        return bool(await self._call("painted"))

    async def blend(self) -> None:
        """Draw a shader transition from its two painted scenes."""
        await self._call("blend")

    async def settled(self) -> None:
        """Wait until the images and the work that the last seek started are ready."""
        await self._call("settled")

    async def sounds(self, path_of: Callable[[str], Path]) -> SoundBus:
        """The sounds that are heard in the video. `path_of` finds a file by its short name (MediaLibrary.path)."""
        return _sound_bus(await self._call("sounds"), path_of)

    async def plays_sounds(self) -> bool:
        """Whether scripts in the document may play a sound that no clip describes."""
        return bool(await self._call("plays"))

    async def has_free_media(self) -> bool:
        """Whether the document has a media element that is not a clip, so that a script may play it."""
        return bool(await self._call("hasFreeMedia"))

    async def played(self, end: float, path_of: Callable[[str], Path]) -> Played:
        """The sounds after the page has run through the whole video, which ends at `end` seconds.

        `path_of` finds a file by its short name (MediaLibrary.path).
        """
        found = await self._call("played", repr(end))
        graphs = tuple(Graph(float(g["start"]), int(g["rate"]), int(g["count"])) for g in found["graphs"])
        return Played(_sound_bus(found, path_of), graphs, tuple(map(str, found["warnings"])))

    async def samples(self, graph: int, first: int, end: int) -> bytes:
        """Samples `first` to `end` of a graph of `played`: two channels, interleaved, 16-bit little-endian."""
        return base64.b64decode(await self._call("samples", f"{graph}, {first}, {end}"))

    async def clips(self) -> tuple[ClipTimes, ...]:
        """All timed elements of the page, with resolved times."""
        return tuple(map(ClipTimes.from_json, await self._call("clips")))

    async def _call(self, function: str, argument: str = "", *, timeout: float | None = None) -> Any:
        """The JSON value of a call. `argument` is a JavaScript literal."""
        return await self.chromium.evaluate(f"{_BRIDGE}.{function}({argument})", timeout=timeout)


def _sound_bus(found: Mapping[str, Any], path_of: Callable[[str], Path]) -> SoundBus:
    by_group: dict[str, list[SoundClip]] = {"": []}
    for sound in found["clips"]:
        by_group.setdefault(sound["group"], []).append(_sound_clip(sound, path_of))
    groups = [
        SoundBus(
            members=tuple(by_group[group["key"]]),
            volume=float(group["volume"]),
            envelope=_pairs(group["envelope"]),
            effects=_effects(group),
            name=str(group["name"]),
        )
        for group in found["groups"]
    ]
    return SoundBus((*by_group[""], *groups), effects=_effects(found), name="the whole")


def _sound_clip(sound: Mapping[str, Any], path_of: Callable[[str], Path]) -> SoundClip:
    return SoundClip(
        path=path_of(sound["file"]),
        start=float(sound["start"]),
        duration=_optional(sound["duration"]),
        media_start=float(sound["trim"]),
        rate=float(sound["rate"]),
        ramp=_pairs(sound["ramp"] or ()),
        loop=bool(sound["loop"]),
        volume=float(sound["volume"]),
        envelope=_pairs(sound["envelope"]),
        fade_in=float(sound["fadeIn"]),
        fade_out=float(sound["fadeOut"]),
        effects=_effects(sound),
        name=str(sound["name"]),
    )


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)


def _pairs(found: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(first), float(second)) for first, second in found)


def _effects(found: Mapping[str, Any]) -> Effects | None:
    return Effects(str(found["chain"]), str(found.get("automation", ""))) if found["chain"] else None
