"""Reads what a finished file holds, and checks it against what was asked for."""

from __future__ import annotations

import io
import zipfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.formats import Codec
from hyperframes_render.media.media_file import has_alpha_tag


@dataclass(frozen=True)
class VideoFacts:
    """The facts of a file, as read from it. Sizes in pixels and bytes, durations in seconds."""

    container: str
    codec: str
    width: int
    height: int
    pixel_format: str
    alpha: bool
    fps: str
    frames: int
    duration: float
    size: int
    color_space: str
    color_range: str
    sound_codec: str | None = None
    sound_duration: float | None = None

    def as_dict(self) -> dict[str, object]:
        """The facts as a dict for JSON."""
        return asdict(self)


#: H.273 code points that ffmpeg's enumerations carry as numbers.
_COLOR_SPACES = {1: "bt709", 0: "rgb", 5: "bt470bg", 6: "smpte170m"}
_COLOR_RANGES = {1: "tv", 2: "pc"}


def probe_video(path: Path) -> VideoFacts:
    """The facts of the first video stream, frames counted packet by packet. Raises EncoderFailed."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames, ends = 0, {index: Fraction(0) for index in range(len(container.streams))}
            for packet in container.demux():
                if packet.size:
                    frames += packet.stream is stream
                    end = (packet.pts or 0) + (packet.duration or 0)
                    ends[packet.stream.index] = max(ends[packet.stream.index], end * (packet.time_base or Fraction(0)))
            context = stream.codec_context
            pixel_format = str(context.pix_fmt)
            sound = container.streams.audio[0] if container.streams.audio else None
            return VideoFacts(
                container=container.format.name,
                codec=context.name,
                width=context.width,
                height=context.height,
                pixel_format=pixel_format,
                # The alpha of WebM is in a tag, that of a GIF in its palette.
                alpha=pixel_format.startswith(("yuva", "bgra")) or has_alpha_tag(stream.metadata),
                fps=str(stream.average_rate or 0),
                frames=frames,
                duration=float(ends[stream.index]),
                size=path.stat().st_size,
                color_space=_COLOR_SPACES.get(int(context.colorspace), str(int(context.colorspace))),
                color_range=_COLOR_RANGES.get(int(context.color_range), str(int(context.color_range))),
                sound_codec=sound.codec_context.name if sound else None,
                sound_duration=round(float(ends[sound.index]), 3) if sound else None,
            )
    except (av.FFmpegError, IndexError, OSError) as error:
        raise EncoderFailed(f"The finished file cannot be read: {error}.") from error


@dataclass(frozen=True)
class Expected:
    """What a finished file must hold. Sizes in pixels; `sound` is whether it must have some, as long as the video."""

    codec: Codec
    width: int
    height: int
    frames: int
    fps: Fraction
    transparent: bool
    sound: bool


#: Names of ffmpeg's decoders, by codec.
_DECODERS = {
    Codec.H264: ("h264",),
    Codec.H265: ("hevc",),
    Codec.VP8: ("vp8", "libvpx"),
    Codec.VP9: ("vp9", "libvpx-vp9"),
    Codec.PRORES: ("prores",),
    Codec.GIF: ("gif",),
    Codec.AV1: ("av1", "libdav1d", "libaom-av1"),
    Codec.PNG: ("png",),
}
#: Seconds between the ends of sound and video at most: an AAC frame has 1024 samples, an Opus frame 20 ms.
_SOUND_TOLERANCE = 0.05
#: Times in thousandths (WebM) or hundredths of a second (GIF) give an inexact frame rate.
_RATE_TOLERANCE = {"matroska,webm": 0.01, "gif": 0.2}
#: Seconds by which the end of the last frame may be rounded.
_LENGTH_TOLERANCE = 0.03


def check_video(facts: VideoFacts, wanted: Expected) -> None:
    """Raise EncoderFailed if the file is not what was asked for."""
    wrong = [
        f"{name} is {getattr(facts, name)}, not {getattr(wanted, name)}"
        for name in ("width", "height", "frames")
        if getattr(facts, name) != getattr(wanted, name)
    ]
    if facts.codec not in _DECODERS[wanted.codec]:
        wrong.append(f"codec is {facts.codec}, not {wanted.codec}")
    if wanted.transparent and not facts.alpha:
        wrong.append("it has no alpha")
    # One frame has no rate.
    if wanted.frames > 1 and abs(Fraction(facts.fps) / wanted.fps - 1) > _RATE_TOLERANCE.get(facts.container, 0):
        wrong.append(f"fps is {facts.fps}, not {wanted.fps}")
    length = float(wanted.frames / wanted.fps)
    if abs(facts.duration - length) > _LENGTH_TOLERANCE:
        wrong.append(f"duration is {facts.duration:.3f} s, not {length:.3f} s")
    if wanted.sound and (facts.sound_duration is None or abs(facts.sound_duration - length) > _SOUND_TOLERANCE):
        wrong.append(f"its sound is {facts.sound_duration} s long, not {length:.3f} s")
    if wrong:
        raise EncoderFailed(f"The finished file is not what was asked for: {'; '.join(wrong)}.")


def probe_frames(path: Path, fps: Fraction) -> VideoFacts:
    """The facts of a .zip of PNG frames, from its first frame. Raises EncoderFailed."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            with av.open(io.BytesIO(archive.read(names[0])), "r") as image:
                context = image.streams.video[0].codec_context
                pixel_format = str(context.pix_fmt)
                return VideoFacts(
                    container="zip",
                    codec="png",
                    width=context.width,
                    height=context.height,
                    pixel_format=pixel_format,
                    alpha="a" in pixel_format,
                    fps=str(fps),
                    frames=len(names),
                    duration=float(len(names) / fps),
                    size=path.stat().st_size,
                    color_space="rgb",
                    color_range="pc",
                )
    except (av.FFmpegError, IndexError, OSError, zipfile.BadZipFile) as error:
        raise EncoderFailed(f"The finished file cannot be read: {error}.") from error
