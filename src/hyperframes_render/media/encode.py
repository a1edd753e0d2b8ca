"""Encodes frames: one ffmpeg that reads them from a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.formats import FORMATS, Codec, Content, Format, Joining, Quality, encoder_arguments, even
from hyperframes_render.media.ffmpeg import FILE_ONLY, FfmpegProcess, has_encoder
from hyperframes_render.media.frame_form import FrameForm
from hyperframes_render.media.matroska import frame_header, stream_header

#: Linux's F_SETPIPE_SZ, and the largest pipe that an ordinary user may have. A large pipe needs fewer switches between
#: processes.
_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1024 * 1024
#: Seconds for ffmpeg to write the frames that it holds: up to 20 frames of look-ahead, at 4K on a slow machine.
FINISH_TIMEOUT = 300.0
#: Threads of the encoder: one processor is the browser's. With one thread x264 also needs a tenth less of it.
ENCODER_THREADS = max(1, len(os.sched_getaffinity(0)) - 1)
#: Conversion between RGB and 4:2:0 as the official renderer does it; anything else costs decibels on saturated colours.
_SCALER = "flags=area+accurate_rnd"
_TO_BT709 = f"scale=out_color_matrix=bt709:out_range=tv:{_SCALER}"
#: 4:2:0 stores one colour for four pixels: their mean weighted by alpha, since a transparent pixel has no colour. The
#: plain mean mixes the black of transparent pixels into every edge (3 dB, docs/guides/render.md).
_ALPHA_TO_420 = (
    f"format=gbrap,split[full][half];[full]{_TO_BT709},format=yuva444p[luma];"
    f"[half]premultiply=inplace=1,scale=iw/2:ih/2:{_SCALER},unpremultiply=inplace=1,{_TO_BT709},format=yuva444p[chroma];"
    "[luma][chroma]mergeplanes=map0s=0:map0p=0:map1s=1:map1p=1:map2s=1:map2p=2:map3s=0:map3p=3:format=yuva420p"
)
#: Lossless and fast, with or without alpha: for chunks of a codec that is encoded when the chunks are joined.
_LOSSLESS: tuple[str, ...] = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4", "-pix_fmt", "bgra")


@dataclass(frozen=True)
class EncodeSpec:
    """What is encoded. `width` and `height` are the size of the frames in pixels."""

    width: int
    height: int
    fps: Fraction
    frames: int
    content: Content
    form: FrameForm
    #: Number of the first frame in the whole video.
    first: int = 0
    codec: Codec = Codec.H264
    quality: Quality | int = Quality.STANDARD
    transparent: bool = False
    #: Size of the video before it is made even, if it is not the size of the frames (a draft is enlarged).
    video_size: tuple[int, int] | None = None
    #: Title and comment.
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def format(self) -> Format:
        """The codec's entry in the table."""
        return FORMATS[self.codec]

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height of the video in pixels."""
        return self.format.coded_size(*(self.video_size or (self.width, self.height)))


def frame_form(form: Format, *, transparent: bool) -> FrameForm:
    """The form of frames that the encoder of `form` takes."""
    if transparent:
        return FrameForm.PNG
    return FrameForm.PLANES if form.pixel_format == "yuv420p" else FrameForm.PIXELS


def chunk_suffix(form: Format) -> str:
    """File name suffix of one chunk."""
    return ".mkv" if form.joining is Joining.ENCODE else form.suffix


def filter_chain(spec: EncodeSpec) -> str:
    """ffmpeg's filters: one explicit conversion to bt709 limited range, then one frame for every frame number."""
    filters = []
    width, height = spec.video_size or (spec.width, spec.height)
    target = spec.format.alpha_pixel_format if spec.transparent else spec.format.pixel_format
    assert target is not None
    if spec.form is not FrameForm.PLANES:
        if spec.form is FrameForm.JPEG:
            # Straight from the JPEG's bt601 to bt709 was 5 dB worse than by way of RGB (docs/reference/performance.md).
            filters += [f"scale={_SCALER}", "format=gbrp"]
        if (width, height) != (spec.width, spec.height):
            filters.append(f"scale={width}:{height}:flags=bicubic")
        if spec.format.even and (width % 2 or height % 2):
            filters.append(f"pad={even(width)}:{even(height)}")
            filters.append(f"fillborders=right={width % 2}:bottom={height % 2}:mode=smear")
        if target == "yuva420p":
            filters.append(_ALPHA_TO_420)
        elif target.startswith("yuv"):
            filters.append(_TO_BT709)
        filters.append(f"format={'bgra' if spec.format.joining is Joining.ENCODE else target}")
    elif spec.coded_size != (even(spec.width), even(spec.height)):
        filters.append(f"scale={spec.coded_size[0]}:{spec.coded_size[1]}:flags=bicubic+accurate_rnd")
    if target.startswith("yuv"):
        # Planes are converted already (media/convert.py): only their tags are missing.
        filters.append("setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709")
    # After scaling, so that a repeated frame is converted once; "near" survives times rounded to microseconds.
    filters.append(f"fps={spec.fps}:round=near")
    return ",".join(filters)


def ffmpeg_arguments(spec: EncodeSpec, output: Path) -> list[str]:
    """ffmpeg's command line for one stream of frames from a pipe to `output`.

    `output` is a video; for png it is a folder that gets one file for each frame.
    """
    form = spec.format
    muxer = form.muxers.get(output.suffix, form.muxers[form.suffix])
    if form.joining is Joining.ENCODE:
        encoder, muxer = _LOSSLESS, "matroska"
    else:
        encoder = encoder_arguments(form, spec.quality, spec.content, alpha=spec.transparent)
        if form.codec is Codec.AV1 and not has_encoder("libsvtav1"):
            encoder = _with_libaom(encoder)
    target = str(output / FRAME_NAME) if form.codec is Codec.PNG else str(output)
    return [
        *FILE_ONLY,
        # The format is known, so that ffmpeg need not probe it: probing waits for the first frame twice.
        *("-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"),
        *("-vf", filter_chain(spec), "-frames:v", str(spec.frames)),
        *encoder,
        *("-threads", str(ENCODER_THREADS)),
        *("-map_metadata", "-1", *tag_arguments(spec.tags), "-fflags", "+bitexact", "-flags:v", "+bitexact"),
        *muxer_arguments(muxer, spec.fps),
        *(("-start_number", str(spec.first + 1)) if form.codec is Codec.PNG else ()),
        *("-f", muxer, "-y", target),
    ]


def _with_libaom(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments for the AV1 encoder of the aarch64 build of ffmpeg. Its CRF scale is similar."""
    kept = list(arguments)
    kept[kept.index("libsvtav1")] = "libaom-av1"
    preset = kept.index("-preset")
    kept[preset : preset + 2] = ["-cpu-used", "8", "-row-mt", "1"]
    return tuple(kept)


#: File names of a sequence of frames, as in the official renderer.
FRAME_NAME = "frame_%06d.png"


def tag_arguments(tags: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """ffmpeg's arguments for title, comment and other tags."""
    return tuple(part for name, value in tags for part in ("-metadata", f"{name}={value}"))


def muxer_arguments(muxer: str, fps: Fraction) -> tuple[str, ...]:
    """ffmpeg's arguments for exact times, and for an index at the start of the file."""
    if muxer in ("mp4", "mov"):
        # A timescale in which a frame is a whole number of ticks at every rate.
        ticks = fps.numerator * _ticks_per_frame_factor(fps)
        return ("-video_track_timescale", str(ticks), "-movflags", "+faststart")
    return ()


def _ticks_per_frame_factor(fps: Fraction) -> int:
    """Players expect a timescale of some thousands: 30 becomes 15360, as ffmpeg chooses by itself."""
    factor = 1
    while fps.numerator * factor < 10_000:
        factor *= 2
    return factor


class FrameEncoder:
    """Feeds frames to one ffmpeg, in order. Blocking: call it from a thread.

    A frame number that is left out repeats the frame before it. The last frame must be put.
    """

    def __init__(self, spec: EncodeSpec, output: Path, *, job: Path) -> None:
        self.spec = spec
        if spec.codec is Codec.PNG:
            output.mkdir(exist_ok=True)
        self._ffmpeg = FfmpegProcess(ffmpeg_arguments(spec, output), job=job)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._ffmpeg.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
        width, height = spec.width, spec.height
        self._frame_bytes: int | None = None
        if spec.form is FrameForm.PLANES:
            width, height = even(width), even(height)
            self._frame_bytes = width * height * 3 // 2
        elif spec.form is FrameForm.PIXELS:
            self._frame_bytes = width * height * 4
        self._write((stream_header(width, height, spec.fps, spec.form),))

    def put(self, frame: int, data: bytes) -> None:
        """Show `data` from frame number `frame` on. Raises EncoderFailed or DiskFull."""
        if self._frame_bytes not in (None, len(data)):
            raise EncoderFailed(f"Frame {frame} has {len(data)} bytes, not {self._frame_bytes}.")
        self._write((frame_header(frame, self.spec.fps, len(data)), data))

    def finish(self) -> None:
        """Wait for the file after the last frame. Raises EncoderFailed or DiskFull."""
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
