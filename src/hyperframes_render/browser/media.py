"""Films and sounds that a page names: found, described to the page, and its pictures given to it frame by frame."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_to_bytes

from hyperframes_render.media.media_file import MediaFacts, MediaUnreadable, probe_media
from hyperframes_render.media.sound_clip import Effects, SoundBus, SoundClip
from hyperframes_render.media.video_reader import Still, VideoReader

if TYPE_CHECKING:
    from hyperframes_render.media.animated_image import AnimatedImage

#: Films that one page may have open at once: each holds a decoder. More are opened again when they are needed.
MAX_OPEN_FILMS = 12
#: Media files that one render may name: each that comes from elsewhere is a file in the job's folder.
MAX_MEDIA = 1000
#: Shows pictures, (element, image address) each, and moves the page's clock to a time in seconds.
SHOW_VIDEO_FRAMES = "(pictures, seconds) => __hyperframesRender.show(pictures, seconds)"


class FrameReader(Protocol):
    """Gives the pictures of a film or a moving picture."""

    name: str

    def still(self, index: int) -> Still:
        """The picture at `index` frames of the render. Raises MediaUnreadable."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass
class MediaLibrary:
    """The media files behind a page's addresses, each found once for all browsers of a render.

    `fetch` answers where the file of an address lies, having brought it there, or raises MediaUnreadable.
    """

    folder: Path
    warnings: dict[str, str] = field(default_factory=dict)
    _found: dict[str, asyncio.Future[Path]] = field(default_factory=dict)
    #: Files by the short name that pages know them by: an address may be a megabyte of data.
    _files: dict[str, Path] = field(default_factory=dict)

    async def find(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> Path:
        """The local file of `url`. Raises MediaUnreadable."""
        known = self._found.get(url)
        if known is None:
            if len(self._found) >= MAX_MEDIA:
                raise MediaUnreadable(f"there are more than {MAX_MEDIA}")
            known = self._found[url] = asyncio.ensure_future(self._bring(url, fetch))
        return await asyncio.shield(known)

    async def _bring(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> Path:
        return await asyncio.to_thread(self._unpack, url) if url.startswith("data:") else await fetch(url)

    def keep(self, url: str, data: bytes) -> Path:
        """Put what was fetched into a file of its own."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / _short(url)
        path.write_bytes(data)
        return path

    def _unpack(self, url: str) -> Path:
        head, _, body = url.removeprefix("data:").partition(",")
        raw = unquote_to_bytes(body)
        try:
            return self.keep(url, base64.b64decode(raw) if head.endswith(";base64") else raw)
        except ValueError:
            raise MediaUnreadable("its data: address is broken") from None

    async def describe(self, url: str, fetch: Callable[[str], Awaitable[Path]], *, name: str) -> dict[str, object]:
        """What a page gets to know of a media file, which problems call `name`.

        {"error": …} where it cannot be read, with a warning in the result.
        """
        try:
            path = await self.find(url, fetch)
            facts = await asyncio.to_thread(probe_media, path)
            if facts.picture is None and facts.sound is None:
                raise MediaUnreadable("it has neither picture nor sound")
        except MediaUnreadable as unreadable:
            self.warnings[_short(url)] = f"{name} cannot be played: {unreadable}."
            return {"error": str(unreadable)}
        self._files[_short(url)] = path
        return {"file": _short(url), **_for_page(facts)}

    async def describe_picture(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> dict[str, object]:
        """What a page gets to know of an image file: {"moves": False} where the browser shows it by itself."""
        try:
            path = await self.find(url, fetch)
        except MediaUnreadable:
            return {"moves": False}
        picture = await asyncio.to_thread(_probe_picture, path)
        if picture is None:
            return {"moves": False}
        self._files[_short(url)] = path
        return {"file": _short(url), "width": picture.width, "height": picture.height, "moves": True}

    def path(self, file: str) -> Path:
        """The file that a page was told of under this short name."""
        return self._files[file]


def _short(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:24]


def _for_page(facts: MediaFacts) -> dict[str, object]:
    width, height = facts.picture.shown_size if facts.picture else (0, 0)
    return {
        "duration": facts.duration,
        "width": width,
        "height": height,
        "sound": facts.sound is not None,
    }


def _probe_picture(path: Path) -> AnimatedImage | None:
    # Not at the top: it imports Pillow, which most compositions do without.
    from hyperframes_render.media.animated_image import probe_picture

    return probe_picture(path)


@dataclass
class PageVideos:
    """The films of one page while it is captured: each visible one gets the picture of the frame."""

    library: MediaLibrary
    fps: Fraction
    warn: Callable[[str], None]
    _readers: OrderedDict[int, tuple[tuple[object, ...], FrameReader]] = field(default_factory=OrderedDict)
    _shown: dict[int, tuple[str, int]] = field(default_factory=dict)

    async def pictures(self, wanted: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
        """(element, image address) of each film whose picture is not shown already."""
        found = await asyncio.gather(*(asyncio.to_thread(self._picture, film) for film in self._opened(wanted)))
        changed = []
        for film, (key, address) in zip(wanted, found, strict=True):
            if address and self._shown.get(film["id"]) != (film["file"], key):
                self._shown[film["id"]] = (film["file"], key)
                changed.append((int(film["id"]), address))
        return changed

    def _opened(self, wanted: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], FrameReader | None]]:
        opened = []
        for film in wanted:
            number, form = film["id"], (film["file"], film["trim"], film["loop"])
            known = self._readers.pop(number, None)
            if known is not None and known[0] != form:
                known[1].close()
                known = None
            reader = known[1] if known else self._open(film)
            if reader is not None:
                self._readers[number] = (form, reader)
            opened.append((film, reader))
        while len(self._readers) > max(MAX_OPEN_FILMS, len(wanted)):
            _, (_, oldest) = self._readers.popitem(last=False)
            oldest.close()
        return opened

    def _open(self, film: Mapping[str, Any]) -> FrameReader | None:
        try:
            path = self.library.path(film["file"])
            if film["image"]:
                from hyperframes_render.media.animated_image import open_moving

                return open_moving(path, fps=self.fps)
            return VideoReader(path, fps=self.fps, media_start=film["trim"], loop=film["loop"])
        except (MediaUnreadable, KeyError) as unreadable:
            self.warn(f"A film is not shown: {unreadable}.")
            return None

    def _picture(self, opened: tuple[Mapping[str, Any], FrameReader | None]) -> tuple[int, str]:
        film, reader = opened
        if reader is None:
            return 0, ""
        try:
            still = reader.still(film["index"])
        except MediaUnreadable as unreadable:
            self.warn(f"The film {reader.name} has no picture {film['index']} frames after its start: {unreadable}.")
            return 0, ""
        if self._shown.get(film["id"]) == (film["file"], still.key):
            return still.key, "shown"
        return still.key, f"data:{still.mime};base64,{base64.b64encode(still.data).decode('ascii')}"

    def close(self) -> None:
        """Give all files and decoders back."""
        for _, reader in self._readers.values():
            reader.close()
        self._readers.clear()


def sounds_of(found: Mapping[str, Any], library: MediaLibrary) -> SoundBus:
    """What is to be mixed of what the page says is heard."""
    clips: dict[str, list[SoundClip]] = {"": []}
    for sound in found["clips"]:
        clips.setdefault(sound["group"], []).append(
            SoundClip(
                path=library.path(sound["file"]),
                start=float(sound["start"]),
                duration=None if sound["duration"] is None else float(sound["duration"]),
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
        )
    groups = [
        SoundBus(
            members=tuple(clips[group["key"]]),
            volume=float(group["volume"]),
            envelope=_pairs(group["envelope"]),
            effects=_effects(group),
            name=str(group["name"]),
        )
        for group in found["groups"]
    ]
    return SoundBus((*clips[""], *groups), effects=_effects(found), name="the whole")


def _pairs(found: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(one), float(other)) for one, other in found)


def _effects(found: Mapping[str, Any]) -> Effects | None:
    return Effects(str(found["chain"]), str(found.get("automation", ""))) if found["chain"] else None
