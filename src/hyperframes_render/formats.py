"""The table of output codecs, which validation, help, docs and encoders read.

The encoder settings were chosen by VMAF, size and processor time (docs/reference/quality.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


def even(length: int) -> int:
    """`length` in pixels, rounded up to an even number, as formats with subsampled chroma need."""
    return length + length % 2


class Codec(StrEnum):
    """Video codecs of a result."""

    H264 = "h264"
    H265 = "h265"
    VP8 = "vp8"
    VP9 = "vp9"
    PRORES = "prores"
    GIF = "gif"
    AV1 = "av1"
    PNG = "png"


class Quality(StrEnum):
    """Named quality levels. If a codec has a CRF, a CRF number may be used instead."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"


class Content(StrEnum):
    """The kind of frames: flat shapes and text only, or also photographs, video or canvas."""

    GRAPHICS = "graphics"
    PHOTOGRAPHIC = "photographic"


class Joining(StrEnum):
    """How chunks are joined: packets are copied, or lossless chunks are encoded at the join."""

    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True)
class Format:
    """One codec and its containers. Arguments are those of ffmpeg."""

    codec: Codec
    #: File name suffix → ffmpeg muxer, the default suffix first.
    muxers: Mapping[str, str]
    content_type: str
    pixel_format: str
    #: None: the codec has no alpha channel.
    alpha_pixel_format: str | None
    #: Arguments of the sound encoder; None: the format has no sound.
    sound: tuple[str, ...] | None
    joining: Joining
    #: The video encoder and arguments that all qualities share.
    encoder: tuple[str, ...]
    #: Arguments for each named quality. `custom` is used for a CRF number, which replaces "{crf}".
    qualities: Mapping[Quality, tuple[str, ...]]
    custom: tuple[str, ...] = ()
    #: Extra arguments for alpha.
    alpha: tuple[str, ...] = ()
    crf_range: tuple[int, int] | None = None
    #: Bytes per pixel and frame at most, in chunks and result together, for detailed frames at "standard".
    bytes_per_pixel: float = 0.045
    #: Seconds per pixel and frame to join the chunks, by copying or by encoding.
    joining_seconds_per_pixel: float = 5e-10
    #: Whether width and height must be even, because chroma is subsampled.
    even: bool = True
    max_fps: int | None = None
    note: str = ""

    def coded_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the video for frames of this size, in pixels."""
        return (even(width), even(height)) if self.even else (width, height)

    @property
    def suffix(self) -> str:
        """The default file name suffix, with its dot."""
        return next(iter(self.muxers))

    @property
    def has_alpha(self) -> bool:
        """Whether the result can be transparent."""
        return self.alpha_pixel_format is not None


_AAC = ("-c:a", "aac", "-b:a", "192k")
_OPUS = ("-c:a", "libopus", "-b:a", "160k")
_BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")

#: x264 settings for flat shapes skip the psychovisual search and take half the time of the other profile. On
#: photographs they lose 9 VMAF in the worst frame, so photographs get adaptive quantisation and a look-ahead
#: (docs/reference/performance.md).
_X264_GRAPHICS = "cabac=1:bframes=3:b-adapt=0:scenecut=40:8x8dct=1:partitions=i4x4,i8x8:trellis=1:weightp=1"
_X264_PHOTOGRAPHIC = "mbtree=1:rc-lookahead=6:aq-mode=1:aq-strength=0.4:deblock=0,0:subme=2:partitions=i8x8"
_X264_STANDARD = MappingProxyType(
    {
        Content.GRAPHICS: ("-preset", "ultrafast", "-crf", "21", "-x264-params", _X264_GRAPHICS),
        Content.PHOTOGRAPHIC: ("-preset", "superfast", "-crf", "11.9", "-x264-params", _X264_PHOTOGRAPHIC),
    }
)


def _qualities(draft: str, standard: str, high: str) -> Mapping[Quality, tuple[str, ...]]:
    return MappingProxyType(
        {
            Quality.DRAFT: tuple(draft.split()),
            Quality.STANDARD: tuple(standard.split()),
            Quality.HIGH: tuple(high.split()),
        }
    )


FORMATS: Mapping[Codec, Format] = MappingProxyType(
    {
        Codec.H264: Format(
            codec=Codec.H264,
            muxers=MappingProxyType({".mp4": "mp4", ".mov": "mov"}),
            content_type="video/mp4",
            pixel_format="yuv420p",
            alpha_pixel_format=None,
            sound=_AAC,
            joining=Joining.COPY,
            encoder=("-c:v", "libx264", *_BT709),
            # "standard" is chosen by content: see encoder_arguments.
            qualities=_qualities("-preset ultrafast -crf 30", "", "-preset fast -crf 13 -x264-params aq-mode=3"),
            custom=("-preset", "veryfast", "-crf", "{crf}"),
            crf_range=(0, 51),
        ),
        Codec.H265: Format(
            codec=Codec.H265,
            muxers=MappingProxyType({".mp4": "mp4", ".mov": "mov"}),
            content_type="video/mp4",
            pixel_format="yuv420p",
            alpha_pixel_format=None,
            sound=_AAC,
            joining=Joining.COPY,
            # Apple's players accept only this tag.
            encoder=("-c:v", "libx265", "-tag:v", "hvc1", *_BT709),
            qualities=_qualities(
                "-preset ultrafast -crf 32 -x265-params log-level=error",
                "-preset superfast -crf 15 -x265-params log-level=error:aq-mode=3",
                "-preset medium -crf 12 -x265-params log-level=error:aq-mode=3",
            ),
            custom=("-preset", "superfast", "-crf", "{crf}", "-x265-params", "log-level=error"),
            crf_range=(0, 51),
        ),
        Codec.VP8: Format(
            codec=Codec.VP8,
            muxers=MappingProxyType({".webm": "webm"}),
            content_type="video/webm",
            pixel_format="yuv420p",
            alpha_pixel_format="yuva420p",
            sound=_OPUS,
            joining=Joining.COPY,
            # Hidden reference frames would add packets that are not frames. CRF needs a maximum bit rate.
            encoder=("-c:v", "libvpx", "-auto-alt-ref", "0", "-deadline", "good", "-b:v", "60M", *_BT709),
            qualities=_qualities(
                "-cpu-used 8 -crf 40", "-cpu-used 5 -crf 8 -qmin 2 -qmax 40", "-cpu-used 2 -crf 4 -qmin 0 -qmax 24"
            ),
            custom=("-cpu-used", "5", "-crf", "{crf}"),
            crf_range=(4, 63),
        ),
        Codec.VP9: Format(
            codec=Codec.VP9,
            muxers=MappingProxyType({".webm": "webm"}),
            content_type="video/webm",
            pixel_format="yuv420p",
            alpha_pixel_format="yuva420p",
            sound=_OPUS,
            joining=Joining.COPY,
            encoder=("-c:v", "libvpx-vp9", "-b:v", "0", "-row-mt", "1", "-tile-columns", "2", *_BT709),
            qualities=_qualities(
                "-deadline realtime -cpu-used 8 -crf 44",
                "-deadline realtime -cpu-used 6 -crf 20",
                "-deadline good -cpu-used 4 -crf 16",
            ),
            custom=("-deadline", "good", "-cpu-used", "5", "-crf", "{crf}"),
            # libvpx refuses alpha with hidden reference frames.
            alpha=("-auto-alt-ref", "0"),
            crf_range=(0, 63),
        ),
        Codec.PRORES: Format(
            codec=Codec.PRORES,
            muxers=MappingProxyType({".mov": "mov"}),
            content_type="video/quicktime",
            pixel_format="yuv422p10le",
            alpha_pixel_format="yuva444p10le",
            sound=(
                "-c:a",
                "pcm_s16le",
            ),
            joining=Joining.COPY,
            encoder=("-c:v", "prores_ks", "-vendor", "apl0", *_BT709),
            qualities=_qualities("-profile:v proxy", "-profile:v hq", "-profile:v hq -bits_per_mb 8000"),
            # 4444 is the only profile with alpha; it keeps 16 bits of alpha.
            alpha=("-profile:v", "4444", "-alpha_bits", "16"),
            bytes_per_pixel=1.0,
            note="For editing: large files. With alpha the profile is 4444.",
        ),
        Codec.GIF: Format(
            codec=Codec.GIF,
            muxers=MappingProxyType({".gif": "gif"}),
            content_type="image/gif",
            pixel_format="bgra",
            alpha_pixel_format="bgra",
            sound=None,
            joining=Joining.ENCODE,
            encoder=("-c:v", "gif"),
            qualities=_qualities("", "", ""),
            even=False,
            max_fps=50,
            bytes_per_pixel=3.0,
            joining_seconds_per_pixel=3e-7,
            note="256 colours, frame times in 1/100 s, no sound; alpha is on or off.",
        ),
        Codec.AV1: Format(
            codec=Codec.AV1,
            muxers=MappingProxyType({".mp4": "mp4", ".webm": "webm"}),
            content_type="video/mp4",
            pixel_format="yuv420p",
            alpha_pixel_format=None,
            sound=_AAC,
            joining=Joining.COPY,
            encoder=("-c:v", "libsvtav1", *_BT709),
            qualities=_qualities("-preset 12 -crf 45", "-preset 10 -crf 14", "-preset 7 -crf 10"),
            custom=("-preset", "10", "-crf", "{crf}"),
            crf_range=(1, 63),
        ),
        Codec.PNG: Format(
            codec=Codec.PNG,
            muxers=MappingProxyType({".zip": "image2"}),
            content_type="application/zip",
            pixel_format="rgb24",
            alpha_pixel_format="rgba",
            sound=None,
            joining=Joining.COPY,
            encoder=("-c:v", "png"),
            qualities=_qualities("", "", ""),
            even=False,
            bytes_per_pixel=3.0,
            note="A .zip of lossless frames: frame_000001.png, frame_000002.png, …",
        ),
    }
)


def codecs_with_alpha() -> tuple[Codec, ...]:
    """The codecs with an alpha channel."""
    return tuple(codec for codec, form in FORMATS.items() if form.has_alpha)


def encoder_arguments(form: Format, quality: Quality | int, content: Content, *, alpha: bool) -> tuple[str, ...]:
    """ffmpeg's arguments for the video stream: encoder, rate control, pixel format."""
    if isinstance(quality, int):
        chosen = tuple(argument.replace("{crf}", str(quality)) for argument in form.custom)
    elif form.codec is Codec.H264 and quality is Quality.STANDARD:
        chosen = _X264_STANDARD[content]
    else:
        chosen = form.qualities[quality]
    pixel_format = form.alpha_pixel_format if alpha else form.pixel_format
    assert pixel_format is not None
    return (*form.encoder, *chosen, *(form.alpha if alpha else ()), "-pix_fmt", pixel_format)
