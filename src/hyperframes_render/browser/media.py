"""The media files that a page names: find them, describe them to the page, and decode their frames for it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote_to_bytes

from hyperframes_render.browser.bridge import VideoFrameRequest
from hyperframes_render.media.colour import WideColours
from hyperframes_render.media.media_file import MediaFacts, MediaUnreadable, probe_media
from hyperframes_render.media.video_reader import Still, VideoReader

if TYPE_CHECKING:
    from hyperframes_render.media.animated_image import AnimatedImage

#: Maximum open videos of one page: each holds a decoder. Videos beyond it are closed and opened again when needed.
MAX_OPEN_VIDEOS = 12
#: Maximum media files of one render: each fetched file is stored in the job's folder.
MAX_MEDIA = 1000
_COLOURS = {
    WideColours.HLG: "HDR colours (HLG)",
    WideColours.PQ: "HDR colours (PQ)",
    WideColours.SDR: "colours of BT.2020",
}


class FrameReader(Protocol):
    """Reads the frames of a video or an animated image."""

    name: str

    def still(self, index: int) -> Still:
        """The frame to show `index` render frames after the start of playback. Raises MediaUnreadable."""

    def close(self) -> None:
        """Close the file and its decoder."""


@dataclass
class MediaLibrary:
    """The media files of a page, each found once for all browsers of a render.

    `fetch` arguments map an address to its local file, and fetch it if needed. They raise MediaUnreadable.
    """

    folder: Path
    warnings: dict[str, str] = field(default_factory=dict)
    _found: dict[str, asyncio.Future[Path]] = field(default_factory=dict)
    #: Files by the short name that pages use: a data: address may have a megabyte.
    _files: dict[str, Path] = field(default_factory=dict)

    async def find(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> Path:
        """The local file of `url`. Raises MediaUnreadable."""
        known = self._found.get(url)
        if known is None:
            if len(self._found) >= MAX_MEDIA:
                raise MediaUnreadable(f"there are more than {MAX_MEDIA}")
            known = self._found[url] = asyncio.ensure_future(self._locate(url, fetch))
        return await asyncio.shield(known)

    async def _locate(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> Path:
        return await asyncio.to_thread(self._unpack, url) if url.startswith("data:") else await fetch(url)

    def keep(self, url: str, data: bytes) -> Path:
        """Write the fetched `data` of `url` to a file and return its path."""
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
        """The facts of a media file for the page. `name` is the file's name in warnings.

        {"error": …} and a warning if the file cannot be read.
        """
        try:
            path = await self.find(url, fetch)
            facts = await asyncio.to_thread(probe_media, path)
            if facts.video is None and facts.sound is None:
                raise MediaUnreadable("it has neither video nor sound")
        except MediaUnreadable as unreadable:
            self.warnings[_short(url)] = f"{name} cannot be played: {unreadable}."
            return {"error": str(unreadable)}
        self._files[_short(url)] = path
        return {"file": _short(url), **_for_page(facts)}

    async def describe_image(self, url: str, fetch: Callable[[str], Awaitable[Path]]) -> dict[str, object]:
        """The facts of an image file for the page: {"moves": False} if the image is not animated."""
        try:
            path = await self.find(url, fetch)
        except MediaUnreadable:
            return {"moves": False}
        image = await asyncio.to_thread(_probe_image, path)
        if image is None:
            return {"moves": False}
        self._files[_short(url)] = path
        return {"file": _short(url), "width": image.width, "height": image.height, "moves": True}

    def path(self, file: str) -> Path:
        """The file with this short name. Raises KeyError."""
        return self._files[file]


def _short(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:24]


def _for_page(facts: MediaFacts) -> dict[str, object]:
    width, height = facts.video.shown_size if facts.video else (0, 0)
    return {
        "duration": facts.duration,
        "width": width,
        "height": height,
        "sound": facts.sound is not None,
    }


def _probe_image(path: Path) -> AnimatedImage | None:
    # Not at the top: it imports Pillow, which most compositions do not need.
    from hyperframes_render.media.animated_image import probe_animation

    return probe_animation(path)


@dataclass
class PageVideos:
    """Decodes the videos and animated images of one page while it is captured."""

    library: MediaLibrary
    fps: Fraction
    warn: Callable[[str], None]
    #: By element: what its reader was opened for, and the reader. The least recently used comes first.
    _readers: OrderedDict[int, tuple[tuple[object, ...], FrameReader]] = field(default_factory=OrderedDict)
    #: By element: the file and the key of the frame that it shows.
    _shown: dict[int, tuple[str, int]] = field(default_factory=dict)

    async def images(self, wanted: Sequence[VideoFrameRequest]) -> list[tuple[int, str]]:
        """(element number, data: URL) of each element that does not show its frame yet."""
        found = await asyncio.gather(*(asyncio.to_thread(self._image, *opened) for opened in self._opened(wanted)))
        changed = []
        for video, (key, url) in zip(wanted, found, strict=True):
            if url and self._shown.get(video.id) != (video.file, key):
                self._shown[video.id] = (video.file, key)
                changed.append((video.id, url))
        return changed

    def _opened(self, wanted: Sequence[VideoFrameRequest]) -> list[tuple[VideoFrameRequest, FrameReader | None]]:
        """Each request with its reader, or None if the file cannot be opened. Closes the readers beyond the limit."""
        opened = []
        for video in wanted:
            opened_for = (video.file, video.trim, video.loop)
            known = self._readers.pop(video.id, None)
            if known is not None and known[0] != opened_for:
                known[1].close()
                known = None
            reader = known[1] if known else self._open(video)
            if reader is not None:
                self._readers[video.id] = (opened_for, reader)
            opened.append((video, reader))
        while len(self._readers) > max(MAX_OPEN_VIDEOS, len(wanted)):
            _, (_, oldest) = self._readers.popitem(last=False)
            oldest.close()
        return opened

    def _open(self, video: VideoFrameRequest) -> FrameReader | None:
        try:
            path = self.library.path(video.file)
            if video.image:
                from hyperframes_render.media.animated_image import open_moving

                return open_moving(path, fps=self.fps)
            reader = VideoReader(path, fps=self.fps, media_start=video.trim, loop=video.loop)
            if reader.wide_colours is not None:
                self.warn(f"The video {reader.name} has {_COLOURS[reader.wide_colours]}. They are converted to BT.709.")
            return reader
        except (MediaUnreadable, KeyError) as unreadable:
            self.warn(f"A video is not shown: {unreadable}.")
            return None

    def _image(self, video: VideoFrameRequest, reader: FrameReader | None) -> tuple[int, str]:
        """The frame's key and its data: URL; the URL is "shown" if the element shows it, empty if there is no frame."""
        if reader is None:
            return 0, ""
        try:
            still = reader.still(video.index)
        except MediaUnreadable as unreadable:
            self.warn(f"The video {reader.name} has no frame {video.index} frames after its start: {unreadable}.")
            return 0, ""
        if self._shown.get(video.id) == (video.file, still.key):
            return still.key, "shown"
        return still.key, f"data:{still.mime};base64,{base64.b64encode(still.data).decode('ascii')}"

    def close(self) -> None:
        """Close all files and decoders."""
        for _, reader in self._readers.values():
            reader.close()
        self._readers.clear()
