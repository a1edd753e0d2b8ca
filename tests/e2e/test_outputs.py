"""Every codec shows every frame at its time, with the requested alpha, size and sound."""

from __future__ import annotations

import io
import itertools
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from hyperframes_render.formats import FORMATS, Codec
from tests.e2e.boxes import BOXES, shown_number
from tests.e2e.media import write_tone
from tests.e2e.support import COMPOSITIONS, few, frames, packet_times, render, run

ALPHA = COMPOSITIONS / "alpha.html"
RICH = COMPOSITIONS / "rich.html"
RATES = [Fraction(24), Fraction(30000, 1001), Fraction(30), Fraction(60)]
FrameArray = NDArray[np.uint8]


def name_of(codec: str) -> str:
    return f"o{FORMATS[Codec(codec)].suffix}"


def decode_frames(video: Path) -> list[FrameArray]:
    """Every frame as RGB, from any container."""
    if video.suffix == ".zip":
        with zipfile.ZipFile(video) as archive:
            names = archive.namelist()
            assert names == [f"frame_{number:06}.png" for number in range(1, len(names) + 1)]
            return [np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names]
    if video.suffix == ".gif":
        with Image.open(video) as gif:
            return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
    return frames(video)


def decode_frames_with_alpha(video: Path) -> list[FrameArray]:
    """Every frame as straight RGBA."""
    if video.suffix == ".zip":
        with zipfile.ZipFile(video) as archive:
            return [
                np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGBA")) for name in archive.namelist()
            ]
    if video.suffix == ".gif":
        with Image.open(video) as gif:
            return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(gif)]
    decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        name = stream.codec_context.name
        context = av.VideoCodecContext.create(decoder.get(name, name), "r")
        assert isinstance(context, av.VideoCodecContext)
        context.extradata = stream.codec_context.extradata
        decoded = [frame for packet in container.demux(stream) for frame in context.decode(packet)]
        return [
            np.asarray(frame.to_ndarray(format="rgba", src_colorspace=Colorspace.ITU709), np.uint8) for frame in decoded
        ]


def sound_of(video: Path) -> NDArray[np.float64]:
    """The first channel at 48 kHz as a player plays it, without samples that an edit list hides."""
    with av.open(str(video)) as container:
        resampler = av.AudioResampler("flt", "stereo", 48000)
        parts = [
            piece.to_ndarray()[0, ::2]
            for frame in container.decode(audio=0)
            if frame.pts is not None and frame.pts >= 0
            for piece in resampler.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float64)


def check_numbers(video: Path, count: int, first: int = 0) -> None:
    assert [shown_number(frame) for frame in decode_frames(video)] == list(range(first, first + count))


@pytest.mark.parametrize("codec", list(Codec))
def test_every_codec_shows_every_frame_once(codec: Codec, tmp_path: Path) -> None:
    result = render(BOXES, tmp_path / name_of(codec), "--codec", codec, "--network", "none", "--duration", 1)
    assert (result["frames"], result["width"], result["height"]) == (30, 640, 360)
    check_numbers(tmp_path / name_of(codec), 30)
    if codec not in (Codec.GIF, Codec.PNG):
        assert (result["video"]["color_space"], result["video"]["color_range"]) == ("bt709", "tv")


@pytest.mark.parametrize("codec", few(list(Codec), Codec.H264))
def test_chunks_of_every_codec_are_like_a_single_pass(codec: Codec, tmp_path: Path) -> None:
    options = ["--codec", codec, "--network", "none", "--workers", 1]
    lossless = tmp_path / "lossless.zip"
    render(RICH, lossless, "--codec", "png", "--network", "none", "--workers", 1)
    videos = [tmp_path / f"{chunks}{FORMATS[codec].suffix}" for chunks in (1, 3)]
    for video, chunks in zip(videos, (1, 3), strict=True):
        assert render(RICH, video, *options, "--chunks", chunks)["chunks"] == chunks
    reference, one, many = decode_frames(lossless), decode_frames(videos[0]), decode_frames(videos[1])
    assert len(one) == len(many) == 60
    if codec is Codec.PNG:
        assert all(np.array_equal(a, b) for a, b in zip(one, many, strict=True))
        return
    distances = [(decibels(a, r), decibels(b, r)) for a, b, r in zip(one, many, reference, strict=True)]
    # A joined frame may be worse than the same frame of one pass. VP8 raises the quality of some frames, and in a chunk
    # it chooses others. On average a joined video is not worse, since it has more key frames.
    assert max(single - joined for single, joined in distances) < (0.75 if codec is Codec.VP8 else 0.5)
    assert np.mean([single - joined for single, joined in distances]) < 0.05
    if codec is not Codec.GIF:
        assert sorted(pts for pts, _, _ in packet_times(videos[1])) == sorted(
            pts for pts, _, _ in packet_times(videos[0])
        )


def decibels(a: FrameArray, b: FrameArray) -> float:
    error = float(((a.astype(int) - b) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


@pytest.mark.parametrize("codec", few([codec for codec in Codec if FORMATS[codec].has_alpha], Codec.VP9))
@pytest.mark.parametrize("chunks", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_alpha_over_a_colour_equals_the_page_on_that_colour(codec: Codec, chunks: int, tmp_path: Path) -> None:
    video = tmp_path / name_of(codec)
    result = render(ALPHA, video, "--codec", codec, "--transparent", "--chunks", chunks, "--network", "none")
    assert result["video"]["alpha"] is True
    transparent = decode_frames_with_alpha(video)
    levels = len(np.unique(np.stack(transparent)[..., 3]))
    if codec is Codec.GIF:
        assert levels == 2
        return
    assert levels > 200
    for colour, name in (((255, 255, 255), "white"), ((16, 96, 48), "green")):
        page = tmp_path / f"{name}.html"
        page.write_text(
            ALPHA.read_text().replace(
                "html, body { margin: 0; }", f"html, body {{ margin: 0; background: rgb{colour}; }}"
            )
        )
        render(page, tmp_path / f"{name}.zip", "--codec", "png", "--network", "none")
        for seen, wanted in zip(transparent, decode_frames(tmp_path / f"{name}.zip"), strict=True):
            alpha = seen[..., 3:].astype(float) / 255
            over = seen[..., :3] * alpha + np.array(colour) * (1 - alpha)
            assert decibels(np.rint(over).astype(np.uint8), wanted) >= 42


def test_a_scale_factor_makes_text_sharper(tmp_path: Path) -> None:
    for scale in (1, 2):
        result = render(
            RICH, tmp_path / f"{scale}.zip", "--codec", "png", "--scale-factor", scale, "--network", "none", "--to", 0.1
        )
        assert (result["width"], result["height"]) == (640 * scale, 360 * scale)
    small, large = decode_frames(tmp_path / "1.zip")[-1], decode_frames(tmp_path / "2.zip")[-1]
    enlarged = np.asarray(Image.fromarray(small).resize((1280, 720), Image.Resampling.LANCZOS))
    assert decibels(np.asarray(Image.fromarray(large).resize((640, 360), Image.Resampling.BOX)), small) > 30
    edges = [np.abs(np.diff(image.astype(int), axis=1)).max() for image in (large, enlarged)]
    assert edges[0] > edges[1] + 10


def test_a_draft_has_the_requested_size(tmp_path: Path) -> None:
    result = render(BOXES, tmp_path / "o.mp4", "--quality", "draft", "--network", "none")
    assert (result["width"], result["height"], result["frames"]) == (640, 360, 60)
    check_numbers(tmp_path / "o.mp4", 60)


def test_a_part_shows_the_frames_of_that_part(tmp_path: Path) -> None:
    result = render(BOXES, tmp_path / "o.mp4", "--from", 0.5, "--to", 1.5, "--chunks", 2, "--network", "none")
    assert result["duration"] == 1.0
    check_numbers(tmp_path / "o.mp4", 30, first=15)


@pytest.mark.parametrize("codec", few([codec for codec in Codec if FORMATS[codec].sound], Codec.H264, Codec.VP9))
def test_sound_that_is_too_short_is_followed_by_silence(codec: Codec, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", 0.6)
    video = tmp_path / name_of(codec)
    result = render(BOXES, video, "--codec", codec, "--audio-url", tone, "--network", "none", "--duration", 1)
    assert result["frames"] == 30
    assert abs(result["video"]["sound_duration"] - 1) < 0.05
    heard = sound_of(video)
    level = np.sqrt((heard[4800:24000] ** 2).mean())
    assert abs(20 * np.log10(level / (0.5 / np.sqrt(2)))) < 1
    assert np.abs(heard[32000:46000]).max() < 0.01
    check_numbers(video, 30)


@pytest.mark.parametrize(
    ("rate", "channels"),
    [pytest.param(8000, 1, marks=pytest.mark.slow), (44100, 6), pytest.param(96000, 2, marks=pytest.mark.slow)],
)
def test_sound_that_is_too_long_ends_with_the_video(rate: int, channels: int, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", 5, rate=rate, channels=channels)
    result = render(BOXES, tmp_path / "o.mp4", "--audio-url", tone, "--network", "none", "--chunks", 2)
    assert result["duration"] == 2.0
    assert abs(result["video"]["sound_duration"] - 2) < 0.05


def test_title_and_versions_are_in_the_file(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(BOXES.read_text().replace("<head>", "<head><title>Boxes -vf evil=1; $(id)</title>"))
    render(page, tmp_path / "o.mp4", "--network", "none", "--duration", 0.2)
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.metadata["title"] == "Boxes -vf evil=1; $(id)"
        assert "page-runtime" in container.metadata["comment"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--codec", "h264", "--transparent"], "vp8, vp9, prores"),
        (["--codec", "gif", "--audio-url", "x.mp3"], "no sound"),
        (["--codec", "gif", "--fps", "60"], "at most 50"),
        (["--codec", "h264", "--quality", "52"], "from 0 to 51"),
        (["--codec", "prores", "--quality", "20"], "no CRF"),
        (["--quality", "best"], "draft, standard, high"),
        (["--codec", "divx"], "codec"),
        (["--scale-factor", "9"], "scale_factor"),
        (["--from", "2", "--to", "1"], "not after from"),
        (["--from", "99"], "no frame from 99 s"),
        (["--audio-url", "missing.mp3"], "neither an existing file"),
        (["--codec", "vp9"], ".webm"),
    ],
)
def test_conflicting_options_are_refused_before_rendering(options: list[str], message: str, tmp_path: Path) -> None:
    ended = run("render", BOXES, "-o", tmp_path / "o.mp4", "--network", "none", *options)
    assert ended.status == 1
    assert message in ended.last_line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_file_without_sound_is_refused_before_rendering(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "sound.mp3").write_bytes(content)
    ended = run("render", BOXES, "-o", tmp_path / "o.mp4", "--network", "none", "--audio-url", tmp_path / "sound.mp3")
    assert ended.status == 1
    assert "audio_url" in ended.last_line
    assert not (tmp_path / "o.mp4").exists()


def matrix() -> list[Any]:
    """Codec x alpha x sound x chunks x rate, without combinations that are refused."""
    cases = []
    for codec, alpha, sound, chunks, rate in itertools.product(Codec, (False, True), (False, True), (1, 3), RATES):
        form = FORMATS[codec]
        if (alpha and not form.has_alpha) or (sound and form.sound is None) or (form.max_fps or 999) < rate:
            continue
        words = [codec, "alpha" if alpha else "opaque", "sound" if sound else "silent", f"{chunks}", f"{rate}"]
        cases.append(pytest.param(codec, alpha, sound, chunks, rate, id="-".join(words)))
    return cases


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "alpha", "sound", "chunks", "rate"), matrix())
def test_every_combination_of_options(
    codec: Codec, alpha: bool, sound: bool, chunks: int, rate: Fraction, tmp_path: Path
) -> None:
    options: list[object] = [
        "--codec",
        codec,
        "--chunks",
        chunks,
        "--fps",
        rate,
        "--duration",
        0.5,
        "--network",
        "none",
    ]
    if alpha:
        options.append("--transparent")
    if sound:
        options += ["--audio-url", write_tone(tmp_path / "tone.wav", 0.3)]
    video = tmp_path / name_of(codec)
    result = render(BOXES, video, *options)
    count = -(-rate.numerator // (2 * rate.denominator))
    assert result["frames"] == count
    # The composition shows the number floor(t * 30 + 1/2) at t seconds. GSAP rounds times to seven places.
    wanted = [int(round(Fraction(number) / rate, 7) * 30 + Fraction(1, 2)) for number in range(count)]
    assert [shown_number(frame) for frame in decode_frames(video)] == wanted
    if sound:
        assert abs(result["video"]["sound_duration"] - float(count / rate)) < 0.05
    assert result["video"]["alpha"] is (alpha or codec is Codec.GIF)
