"""Frames in, an encoded video stream out: one ffmpeg fed by a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.media.convert import even
from hyperframes_render.media.ffmpeg import FILE_ONLY, FfmpegProcess
from hyperframes_render.media.matroska import picture_header, stream_header

#: Linux's F_SETPIPE_SZ, and the largest pipe that an ordinary user may have: fewer switches between processes.
_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1024 * 1024
#: Seconds for ffmpeg to write what it still holds: its look-ahead is 20 frames, a slow disk may add to it.
FINISH_TIMEOUT = 300.0


class Content(StrEnum):
    """What the pictures are like: flat shapes and text, or photographs, film and canvas among them."""

    GRAPHICS = "graphics"
    PHOTOGRAPHIC = "photographic"


#: x264's settings, chosen by VMAF, size and processor time against the official renderer's "medium, crf 16"
#: (docs/performance.md). Flat shapes need no psychovisual search: half the time of the other profile. On photographs
#: that costs 9 VMAF in the worst frame, so they get adaptive quantisation and a look-ahead.
X264_PROFILES = {
    Content.GRAPHICS: (
        *("-preset", "ultrafast", "-crf", "21", "-x264-params"),
        "cabac=1:bframes=3:b-adapt=0:scenecut=40:8x8dct=1:partitions=i4x4,i8x8:trellis=1:weightp=1",
    ),
    Content.PHOTOGRAPHIC: (
        *("-preset", "superfast", "-crf", "13.5", "-x264-params"),
        "mbtree=1:rc-lookahead=20:aq-mode=3:aq-strength=0.4:deblock=1,1",
    ),
}


@dataclass(frozen=True)
class EncodeSpec:
    """What is encoded: size in pixels, rate, number of frames, what is in them, and whether they come as JPEG."""

    width: int
    height: int
    fps: Fraction
    frames: int
    content: Content
    jpeg: bool


def filter_chain(spec: EncodeSpec) -> str:
    """To bt709 limited-range 4:2:0 once, explicitly; then every frame number gets its picture."""
    filters = []
    if spec.jpeg:
        # Straight from the JPEG's bt601 to bt709 was 5 dB worse than by way of RGB (docs/performance.md).
        filters.append("scale=flags=area+accurate_rnd,format=gbrp")
        if spec.width % 2 or spec.height % 2:
            filters.append(f"pad={even(spec.width)}:{even(spec.height)}")
            filters.append(f"fillborders=right={spec.width % 2}:bottom={spec.height % 2}:mode=smear")
        filters.append("scale=out_color_matrix=bt709:out_range=tv:flags=area+accurate_rnd")
        filters.append("format=yuv420p")
    # Planes come converted (media/convert.py); they only need to be told so.
    filters.append("setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709")
    # After scaling, so that a repeated frame is converted once; "near" survives times rounded to microseconds.
    filters.append(f"fps={spec.fps}:round=near")
    return ",".join(filters)


def encoder_arguments(spec: EncodeSpec, output: Path) -> list[str]:
    """ffmpeg's command line for one stream of frames from a pipe to `output` (.mp4)."""
    return [
        *FILE_ONLY,
        # The format is known: nothing is probed, and the first frame is not waited for twice.
        *("-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"),
        *("-vf", filter_chain(spec), "-frames:v", str(spec.frames)),
        *("-c:v", "libx264", *X264_PROFILES[spec.content]),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
        # A timescale in which one frame is a whole number of ticks, whatever the rate.
        *("-video_track_timescale", str(spec.fps.numerator * _ticks_per_frame_factor(spec.fps))),
        *("-movflags", "+faststart", "-f", "mp4", "-y", str(output)),
    ]


def _ticks_per_frame_factor(fps: Fraction) -> int:
    """Players expect a timescale of at least some thousands: 30 becomes 15360, as ffmpeg's own choice would."""
    factor = 1
    while fps.numerator * factor < 10_000:
        factor *= 2
    return factor


class FrameEncoder:
    """Feeds pictures to one ffmpeg, in order. Blocking: call it from a thread.

    A frame that is not put shows the picture before it; the last frame must be put.
    """

    def __init__(self, spec: EncodeSpec, output: Path, *, job: Path) -> None:
        self.spec = spec
        self._ffmpeg = FfmpegProcess(encoder_arguments(spec, output), job=job)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._ffmpeg.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
        width, height = (spec.width, spec.height) if spec.jpeg else (even(spec.width), even(spec.height))
        self._picture_bytes = None if spec.jpeg else width * height * 3 // 2
        self._write((stream_header(width, height, spec.fps, jpeg=spec.jpeg),))

    @property
    def pid(self) -> int:
        """ffmpeg's process id."""
        return self._ffmpeg.pid

    def put(self, frame: int, picture: bytes) -> None:
        """Show `picture` from frame number `frame` on. Raises EncoderFailed or DiskFull."""
        if self._picture_bytes not in (None, len(picture)):
            raise EncoderFailed(f"Frame {frame} has {len(picture)} bytes, not {self._picture_bytes}.")
        self._write((picture_header(frame, self.spec.fps, len(picture)), picture))

    def finish(self) -> None:
        """All frames are in: wait for the file. Raises EncoderFailed or DiskFull."""
        self._ffmpeg.finish(FINISH_TIMEOUT)

    def abort(self) -> None:
        """End ffmpeg at once."""
        self._ffmpeg.kill()

    def _write(self, parts: Sequence[bytes]) -> None:
        descriptor = self._ffmpeg.fileno()
        try:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(descriptor, view) :]
        except (BrokenPipeError, ValueError, OSError):
            self._ffmpeg.raise_failure()
