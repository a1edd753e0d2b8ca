"""Media files that a composition names: what may be opened, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av

#: What ffmpeg may open for a media file: this very file, and no protocol that leads elsewhere.
PROTOCOLS = "file"
#: Formats that hold their own pictures and sound. Playlists (hls, dash, concat) and image sequences name other files
#: and are refused, whatever the file is called.
FORMATS = (
    *("mov", "matroska", "avi", "flv", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "obu", "ivf", "gif", "apng"),
    *("mp3", "wav", "w64", "flac", "ogg", "aac", "ac3", "eac3", "aiff", "caf", "amr", "asf"),
)
#: How a media file is opened by a program (before its -i) and by PyAV.
MEDIA_INPUT = ("-protocol_whitelist", PROTOCOLS, "-format_whitelist", ",".join(FORMATS))
MEDIA_OPTIONS = {"protocol_whitelist": PROTOCOLS, "format_whitelist": ",".join(FORMATS)}
#: What is read of a file may be damaged: titles in no known encoding, numbers beyond their kinds, sizes beyond memory.
DAMAGED = (av.FFmpegError, ValueError, ArithmeticError, MemoryError)
#: Formats of pictures that may move.
_PICTURE_FORMATS = ("gif", "apng")
#: Formats without an index: a seek lands where the bit rate suggests, so times after it are estimates.
_ESTIMATED_SEEKS = {"mp3", "aac", "ac3", "eac3", "mpegts", "mpeg", "mpegvideo", "amr"}


class MediaUnreadable(Exception):
    """A media file that cannot be read; the message says why, without the file's name."""


@dataclass(frozen=True)
class PictureFacts:
    """The first video stream that is a film: coded size in pixels, clockwise rotation in degrees.

    `stream` is its number among the video streams, `duration` in seconds, `fps` nominal frames per second.
    """

    stream: int
    codec: str
    width: int
    height: int
    rotation: int
    alpha: bool
    fps: Fraction | None
    duration: float | None
    #: Width of a pixel by its height.
    pixel_aspect: float
    #: Whether there is more than one picture.
    moves: bool

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as the picture is shown: upright, with square pixels."""
        size = (max(1, round(self.width * self.pixel_aspect)), self.height)
        return size if self.rotation in (0, 180) else (size[1], size[0])


@dataclass(frozen=True)
class SoundFacts:
    """The first audio stream. `start` is where it begins after the file's own zero, in seconds."""

    codec: str
    channels: int
    sample_rate: int
    start: float


@dataclass(frozen=True)
class MediaFacts:
    """What is in a media file. `duration` in seconds, None where the file does not say."""

    format: str
    duration: float | None
    exact_seek: bool
    picture: PictureFacts | None
    sound: SoundFacts | None


def probe_media(path: Path) -> MediaFacts:
    """Read the headers of a media file. Raises MediaUnreadable."""
    try:
        status = path.stat()
    except OSError as error:
        raise MediaUnreadable(error.strerror or str(error)) from None
    return _probe(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _probe(path: Path, changed: int, size: int) -> MediaFacts:
    if not size:
        raise MediaUnreadable("the file is empty")
    try:
        with av.open(f"file:{path}", "r", options=dict(MEDIA_OPTIONS), metadata_errors="replace") as container:
            start = container.start_time or 0
            return MediaFacts(
                format=container.format.name,
                duration=None if container.duration is None else container.duration / av.time_base,
                exact_seek=_ESTIMATED_SEEKS.isdisjoint(container.format.name.split(",")),
                picture=_picture(container),
                sound=_sound(container, start / av.time_base),
            )
    except DAMAGED as error:
        raise MediaUnreadable(getattr(error, "strerror", "") or "it is no media file that we read") from None


def _picture(container: av.container.InputContainer) -> PictureFacts | None:
    for number, stream in enumerate(container.streams.video):
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue  # an album's cover is no film
        context = stream.codec_context
        if context is None:
            continue  # of a codec that nobody knows
        # VP8 and VP9 keep alpha beside the picture: the container says so, the pixel format does not.
        beside = stream.metadata.get("alpha_mode") == "1"
        ratio = stream.sample_aspect_ratio or context.sample_aspect_ratio
        length = None if stream.duration is None else float(stream.duration * (stream.time_base or 0))
        moves = True
        if container.format.name in _PICTURE_FORMATS:
            moves, length = _packets(container, stream)
        return PictureFacts(
            stream=number,
            codec=context.name,
            width=context.width,
            height=context.height,
            rotation=_rotation(container, stream),
            alpha=beside or _has_alpha(context.pix_fmt),
            fps=stream.average_rate or stream.guessed_rate,
            duration=length,
            pixel_aspect=float(ratio) if ratio else 1.0,
            moves=moves,
        )
    return None


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> tuple[bool, float | None]:
    """Whether a picture file has several pictures, and how many seconds they take: such files do not say."""
    end, count = 0, 0
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            count += 1
            end = max(end, packet.pts + (packet.duration or 0))
    container.seek(0)
    return count > 1, float(end * (stream.time_base or 0)) or None


def _has_alpha(pixel_format: str | None) -> bool:
    if pixel_format is None:
        return False
    return pixel_format.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8"))


def _rotation(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """Clockwise degrees to turn the picture by, from the first frame: PyAV shows it on frames only."""
    try:
        frame = next(container.decode(stream))
    except (StopIteration, *DAMAGED):
        return 0
    finally:
        container.seek(0)
    return round(-frame.rotation / 90) % 4 * 90


def _sound(container: av.container.InputContainer, start: float) -> SoundFacts | None:
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is None:
            continue
        begins = float((stream.start_time or 0) * (stream.time_base or 0))
        return SoundFacts(context.name, context.layout.nb_channels, context.sample_rate, max(0.0, begins - start))
    return None
