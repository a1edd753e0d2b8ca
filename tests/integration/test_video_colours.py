"""Frames of videos have the colours of their source: unbiased in SDR, converted to BT.709 in HDR and BT.2020."""

from __future__ import annotations

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from hyperframes_render.media.colour import WideColours
from hyperframes_render.media.convert import Converter
from hyperframes_render.media.ffmpeg import ffmpeg_path
from hyperframes_render.media.media_file import probe_media
from hyperframes_render.media.stills import make_poster
from hyperframes_render.media.tone_map import to_bt709
from hyperframes_render.media.video_reader import VideoReader

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

FPS = Fraction(30)
SIZE = (320, 180)
#: Levels of 255 by which the mean of a plane may differ from the source's.
BIAS = 0.4
#: Luma from 30 to 220 from left to right; blue from left to right, red from top to bottom.
RAMP = "lum='30+190*X/W':cb='108+40*X/W':cr='108+40*Y/H'"
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


def ffmpeg(*arguments: str) -> bytes:
    return subprocess.run([ffmpeg_path(), "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout


def make_ramp(path: Path, *options: str, form: str = "yuv420p", alpha: str = "") -> Path:
    source = f"color=gray:size={SIZE[0]}x{SIZE[1]}:rate=30,format={form},geq={RAMP}{alpha}"
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", "2", *options, *BT709, str(path))
    return path


def frame_of(path: Path) -> Image.Image:
    """The first frame as the page gets it."""
    reader = VideoReader(path, fps=FPS)
    try:
        return Image.open(io.BytesIO(reader.still(0).data))
    finally:
        reader.close()


def planes_of(image: Image.Image) -> list[Array]:
    """Y, U and V (yuv420p of BT.709) of an image that the page shows and the renderer captures."""
    converter = Converter(*image.size)
    converter.set_pixels(np.asarray(image.convert("RGBA"))[..., [2, 1, 0, 3]].tobytes())
    return split(converter.planes())


def split(data: bytes) -> list[Array]:
    width, height = SIZE
    values = np.frombuffer(data, np.uint8).astype(float)
    ends = (width * height, width * height * 5 // 4)
    return [values[: ends[0]], values[ends[0] : ends[1]], values[ends[1] : width * height * 3 // 2]]


def source_planes(path: Path) -> list[Array]:
    # Only the number of bits and of samples changes, no colour.
    return split(ffmpeg("-i", str(path), "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1"))


def bias(ours: list[Array], theirs: list[Array]) -> list[float]:
    return [float(a.mean() - b.mean()) for a, b in zip(ours, theirs, strict=True)]


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_a_frame_is_as_bright_and_as_coloured_as_its_source(tmp_path: Path, form: str) -> None:
    video = make_ramp(tmp_path / "a.mp4", "-c:v", "libx264", "-crf", "4", "-pix_fmt", form)
    found = bias(planes_of(frame_of(video)), source_planes(video))
    assert np.abs(found).max() <= BIAS, found


def test_a_frame_with_alpha_is_as_bright_as_its_source(tmp_path: Path) -> None:
    video = make_ramp(
        tmp_path / "b.webm", "-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0", form="yuva420p", alpha=":a=255"
    )
    image = frame_of(video)
    assert image.mode == "RGBA"
    found = bias(planes_of(image), source_planes(video))
    assert np.abs(found).max() <= BIAS, found


def test_a_video_of_full_range_is_as_bright_as_its_source(tmp_path: Path) -> None:
    limited = make_ramp(tmp_path / "a.mp4", "-c:v", "libx264", "-crf", "4")
    full = tmp_path / "b.mp4"
    ffmpeg("-i", str(limited), "-vf", "zscale=r=full", "-c:v", "libx264", "-crf", "4",
           "-color_range", "pc", *BT709, str(full))  # fmt: skip
    found = bias(planes_of(frame_of(full)), source_planes(limited))
    assert np.abs(found).max() <= BIAS, found


def test_a_frame_loses_less_than_the_encoder_does(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    source = f"mandelbrot=size={SIZE[0]}x{SIZE[1]}:rate=30,format=yuv420p,noise=alls=6:allf=t"
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", "1", "-c:v", "libx264", "-crf", "8", *BT709, str(video))
    difference = planes_of(frame_of(video))[0] - source_planes(video)[0]
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 45  # decibels; x264 at its usual rate has 40 to 45


def test_a_poster_is_as_bright_as_its_video(tmp_path: Path) -> None:
    video = make_ramp(tmp_path / "a.mp4", "-c:v", "libx264", "-crf", "4")
    make_poster(video, tmp_path / "poster.jpg")
    found = bias(planes_of(Image.open(tmp_path / "poster.jpg")), source_planes(video))
    assert np.abs(found).max() <= BIAS, found


@pytest.mark.parametrize("name", ["alpha_mode", "ALPHA_MODE", "Alpha_Mode"])
def test_the_alpha_tag_counts_in_capital_and_small_letters(tmp_path: Path, name: str) -> None:
    video = make_ramp(
        tmp_path / "a.webm",
        *("-c:v", "libvpx-vp9", "-metadata:s:v:0", f"{name}=1"),
        form="yuva420p",
        alpha=":a='if(lt(X,W/2),0,255)'",
    )
    facts = probe_media(video).video
    assert facts is not None and facts.alpha
    alpha = np.asarray(frame_of(video))[..., 3]
    assert alpha[90, 40] < 10 and alpha[90, 280] > 245


#: What ffmpeg's filters make of each kind; zscale gets its input's colours from the tags.
TONE_MAP = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:r=full"
SAME_LIGHT = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,zscale=t=bt709:r=full"
KINDS = [
    (WideColours.HLG, "arib-std-b67", TONE_MAP),
    (WideColours.PQ, "smpte2084", TONE_MAP),
    (WideColours.SDR, "bt2020-10", SAME_LIGHT),
]


def make_wide(path: Path, transfer: str) -> Path:
    """A video of 10 bits with the colours of a phone's: luma 64 to 700 of 1023, soft colours."""
    source = (
        f"color=gray:size={SIZE[0]}x{SIZE[1]}:rate=30,format=yuv420p10le,"
        "geq=lum='80+620*X/W':cb='512+90*sin(4*Y/H)*X/W':cr='512+90*cos(5*Y/H)*X/W'"
    )
    tags = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    ffmpeg("-f", "lavfi", "-i", source, "-frames:v", "2", "-c:v", "libx265", "-crf", "4",
           "-x265-params", f"log-level=none:{tags}", "-pix_fmt", "yuv420p10le", str(path))  # fmt: skip
    return path


@pytest.mark.parametrize(("kind", "transfer", "filters"), KINDS)
def test_wide_colours_are_converted_as_ffmpeg_does(
    tmp_path: Path, kind: WideColours, transfer: str, filters: str
) -> None:
    video = make_wide(tmp_path / "a.mp4", transfer)
    facts = probe_media(video).video
    assert facts is not None and facts.wide_colours is kind
    ours = np.asarray(frame_of(video)).astype(float)
    raw = ffmpeg("-i", str(video), "-frames:v", "1", "-vf", f"{filters},format=gbrp", "-f", "rawvideo", "pipe:1")
    planes = np.frombuffer(raw, np.uint8).reshape(3, SIZE[1], SIZE[0])
    difference = np.abs(ours - planes[[2, 0, 1]].transpose(1, 2, 0))
    assert difference.mean() < 1.5 and np.percentile(difference, 99) < 6, (
        difference.mean(axis=(0, 1)),
        np.percentile(difference, 99),
    )


def test_white_of_hdr_and_black_stay_white_and_black() -> None:
    for kind in WideColours:
        black, white = to_bt709(np.array([[0.0] * 3, [1.0] * 3]), kind)
        assert black.max() < 0.01 and white.min() > 0.99, kind


def test_a_video_of_bt709_is_not_converted(tmp_path: Path) -> None:
    video = make_ramp(tmp_path / "a.mp4", "-c:v", "libx264")
    facts = probe_media(video).video
    assert facts is not None and facts.wide_colours is None


def test_a_turned_hdr_video_is_upright(tmp_path: Path) -> None:
    video, turned = make_wide(tmp_path / "a.mp4", "arib-std-b67"), tmp_path / "b.mp4"
    ffmpeg("-display_rotation", "90", "-i", str(video), "-c", "copy", str(turned))
    image = frame_of(turned)
    assert image.size == (SIZE[1], SIZE[0])
    columns = np.asarray(image.convert("L")).astype(float)
    # The bright right side of the source is at the top or the bottom now.
    assert abs(columns[:20].mean() - columns[-20:].mean()) > 60


def test_a_gif_keeps_its_colours(tmp_path: Path) -> None:
    colours = np.zeros((16, 48, 3), np.uint8)
    colours[:, :16], colours[:, 16:32], colours[:, 32:] = (200, 30, 60), (10, 120, 240), (128, 128, 128)
    Image.fromarray(colours).quantize(8).save(tmp_path / "a.gif")
    shown = np.asarray(frame_of(tmp_path / "a.gif").convert("RGB")).astype(int)
    assert np.abs(shown - colours).max() <= 1
    with av.open(str(tmp_path / "a.gif")) as container:
        assert container.streams.video[0].codec_context.name == "gif"
