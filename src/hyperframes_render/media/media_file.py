"""Media files that a composition names: which may be opened, and their facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av

from hyperframes_render.media.colour import WideColours, wide_colours

#: Protocols that ffmpeg may use for a media file: the file itself, nothing on the network.
PROTOCOLS = "file"
#: Formats that contain their video and sound. Playlists (hls, dash, concat) and image sequences name other files, and
#: are refused under any file name.
FORMATS = (
    *("mov", "matroska", "avi", "flv", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "obu", "ivf", "gif", "apng"),
    *("mp3", "wav", "w64", "flac", "ogg", "aac", "ac3", "eac3", "aiff", "caf", "amr", "asf"),
)
#: Options that open a media file: of the ffmpeg program (before -i), and of PyAV.
MEDIA_INPUT = ("-protocol_whitelist", PROTOCOLS, "-format_whitelist", ",".join(FORMATS))
MEDIA_OPTIONS = {"protocol_whitelist": PROTOCOLS, "format_whitelist": ",".join(FORMATS)}
#: Errors that a damaged file causes: unknown text encodings, numbers out of range, sizes beyond the memory.
DAMAGED = (av.FFmpegError, ValueError, ArithmeticError, MemoryError)
#: Formats of images that may be animated.
_IMAGE_FORMATS = ("gif", "apng")
#: Formats without an index: a seek uses the mean bit rate, and times after it are estimates.
_ESTIMATED_SEEKS = {"mp3", "aac", "ac3", "eac3", "mpegts", "mpeg", "mpegvideo", "amr"}


class MediaUnreadable(Exception):
    """A media file that cannot be read. The message gives the reason, without the name of the file."""


@dataclass(frozen=True)
class VideoTrack:
    """The first video stream that is no cover image: coded size in pixels, clockwise rotation in degrees.

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
    #: Width of a pixel divided by its height.
    pixel_aspect: float
    #: Colours that must be converted to BT.709.
    wide_colours: WideColours | None = None

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height of the video as it is shown: upright, with square pixels."""
        size = (max(1, round(self.width * self.pixel_aspect)), self.height)
        return size if self.rotation in (0, 180) else (size[1], size[0])


@dataclass(frozen=True)
class SoundFacts:
    """The first audio stream. `start` is its delay after the start of the file, in seconds."""

    codec: str
    channels: int
    sample_rate: int
    start: float


@dataclass(frozen=True)
class MediaFacts:
    """The facts of a media file. `duration` in seconds, None if the file does not state it."""

    format: str
    duration: float | None
    exact_seek: bool
    video: VideoTrack | None
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
                video=_video_track(container),
                sound=_sound(container, start / av.time_base),
            )
    except DAMAGED as error:
        raise MediaUnreadable(getattr(error, "strerror", "") or "its format is unknown or damaged") from None


def _video_track(container: av.container.InputContainer) -> VideoTrack | None:
    for number, stream in enumerate(container.streams.video):
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue  # a cover image
        context = stream.codec_context
        if context is None:
            continue  # an unknown codec
        rotation, wide = _first_frame_facts(container, stream)
        ratio = stream.sample_aspect_ratio or context.sample_aspect_ratio
        length = None if stream.duration is None else float(stream.duration * (stream.time_base or 0))
        if container.format.name in _IMAGE_FORMATS:
            length = _length(container, stream)
        return VideoTrack(
            stream=number,
            codec=context.name,
            width=context.width,
            height=context.height,
            rotation=rotation,
            alpha=has_alpha_tag(stream.metadata) or _has_alpha(context.pix_fmt),
            fps=stream.average_rate or stream.guessed_rate,
            duration=length,
            pixel_aspect=float(ratio) if ratio else 1.0,
            wide_colours=wide,
        )
    return None


def _length(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Length of an animated image in seconds, summed up: its header does not state it."""
    end = 0
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            end = max(end, packet.pts + (packet.duration or 0))
    container.seek(0)
    return float(end * (stream.time_base or 0)) or None


def _has_alpha(pixel_format: str | None) -> bool:
    if pixel_format is None:
        return False
    return pixel_format.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8"))


def has_alpha_tag(metadata: Mapping[str, str]) -> bool:
    """Whether the tags of a WebM or Matroska stream declare alpha.

    VP8 and VP9 code alpha in a second stream of blocks, which their pixel format does not show. Programs write the
    tag's name in small or capital letters.
    """
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in metadata.items())


def _first_frame_facts(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[int, WideColours | None]:
    """Clockwise degrees to turn the frames by, and their colours: PyAV shows both on decoded frames only."""
    try:
        frame = next(container.decode(stream))
    except (StopIteration, *DAMAGED):
        return 0, None
    finally:
        container.seek(0)
    wide = wide_colours(
        primaries=int(frame.color_primaries), transfer=int(frame.color_trc), matrix=int(frame.colorspace)
    )
    return round(-frame.rotation / 90) % 4 * 90, wide


def _sound(container: av.container.InputContainer, start: float) -> SoundFacts | None:
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is None:
            continue
        begins = float((stream.start_time or 0) * (stream.time_base or 0))
        return SoundFacts(context.name, context.layout.nb_channels, context.sample_rate, max(0.0, begins - start))
    return None
