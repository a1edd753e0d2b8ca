"""Very large pages and damaged media give correct frames, and a warning for each file that is left out."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hyperframes_render.media.ffmpeg import ffmpeg_path
from tests.e2e.support import composition, frames, render

QUIET = "data-no-timeline"
#: Uncompressed, in BT.709 colours.
BIG = ("-vf", "scale=out_color_matrix=bt709", "-c:v", "rawvideo", "-pix_fmt", "yuv420p")
RED, GREEN = (200, 30, 30), (30, 160, 60)


def make_video(path: Path, *options: str, colour: str = "0x1ea03c", size: str = "320x180", seconds: float = 1) -> Path:
    """Write a video of one colour."""
    source = f"color={colour}:size={size}:rate=30:duration={seconds}"
    command = [ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", source]
    subprocess.run(
        [*command, *(options or ("-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p")), str(path)], check=True
    )
    return path


def video_over_red(source: str) -> str:
    """Markup of a video that fills the page, over a red background."""
    place = "position:absolute;inset:0;width:320px;height:180px"
    background = f'<div style="{place};background:rgb{RED}"></div>'
    return f'{background}<video id="v" src="{source}" muted data-start="0" style="{place}"></video>'


def render_page(
    tmp_path: Path, body: str, *options: object, seconds: float = 0.2
) -> tuple[list[str], NDArray[np.uint8]]:
    """Render a page with this body. Returns the warnings and the last frame."""
    (tmp_path / "index.html").write_text(composition(body, root=f'data-duration="{seconds}" {QUIET}'))
    result = render(tmp_path, tmp_path / "out.mp4", "--network", "none", *options)
    assert result["frames"] == round(seconds * 30)
    return list(result["warnings"]), frames(tmp_path / "out.mp4")[-1]


def shows(frame: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    """Whether the middle of a frame has this colour."""
    middle = frame[60:120, 100:220].reshape(-1, 3).mean(axis=0)
    return bool(np.abs(middle - colour).max() < 12)


@pytest.mark.slow
def test_ten_thousand_clips_each_show_at_their_time(tmp_path: Path) -> None:
    # Clip n is visible in frame n only, and its place gives its number. The first 60 frames are rendered.
    clips = "".join(
        f'<div class="clip" data-start="{n / 30:.6f}" data-duration="{1 / 30:.6f}" data-track-index="1" '
        f'style="left:{n % 60 * 5}px;top:60px;width:5px;height:60px;background:#fff"></div>'
        for n in range(10_000)
    )
    (tmp_path / "index.html").write_text(composition(clips, root=f'data-duration="{10_000 / 30:.6f}" {QUIET}'))
    result = render(tmp_path, tmp_path / "out.mp4", "--network", "none", "--to", 2)
    assert result["frames"] == 60
    for number, frame in enumerate(frames(tmp_path / "out.mp4")):
        assert int(frame[60:120].mean(axis=(0, 2))[: 60 * 5].reshape(60, 5).mean(axis=1).argmax()) == number


@pytest.mark.slow
def test_a_hundred_thousand_elements_are_drawn(tmp_path: Path) -> None:
    dots = '<i class="dot"></i>' * 100_000
    style = f"<style>.dot{{float:left;width:1px;height:.5px;background:rgb{GREEN}}}</style>"
    warnings, frame = render_page(tmp_path, f'{style}<div style="width:320px">{dots}</div>')
    assert warnings == []
    # 100,000 dots with a height of half a pixel fill 156 rows of the page.
    assert np.abs(frame[20:140].reshape(-1, 3).mean(axis=0) - GREEN).max() < 12
    assert not shows(frame[100:], GREEN)


@pytest.mark.slow
def test_only_the_needed_parts_of_large_files_are_read(tmp_path: Path) -> None:
    video_file = make_video(tmp_path / "big.avi", *BIG, size="1920x1080", seconds=2.4)
    assert video_file.stat().st_size > 200e6
    with wave.open(str(tmp_path / "big.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(bytes(200_000_000))
    warnings, frame = render_page(
        tmp_path, video_over_red("big.avi") + '<audio id="a" src="big.wav" data-start="0"></audio>'
    )
    assert warnings == [] and shows(frame, GREEN)


@pytest.mark.slow
def test_an_image_of_two_hundred_megabytes_is_left_out_with_a_warning(tmp_path: Path) -> None:
    Image.new("RGB", (8200, 8200), RED).save(tmp_path / "big.bmp")
    Image.new("RGB", (1200, 1200), GREEN).save(tmp_path / "good.bmp")
    place = "position:absolute;left:0;top:0;width:320px;height:180px"
    body = f'<img src="good.bmp" style="{place}" alt=""><img src="big.bmp" style="{place}" alt="">'
    warnings, frame = render_page(tmp_path, body)
    assert any("big.bmp has 192 MiB and is left out" in warning for warning in warnings)
    assert shows(frame, GREEN)


def test_media_that_cannot_be_decoded_give_a_warning(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "unknown.mp4").write_bytes(whole.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    make_video(tmp_path / "nothing.mkv", "-frames:v", "0", "-c:v", "libx264")
    for name in ("cut.mp4", "unknown.mp4", "nothing.mkv"):
        warnings, frame = render_page(tmp_path, video_over_red(name))
        assert any(name in warning for warning in warnings), (name, warnings)
        assert shows(frame, RED), name


@pytest.mark.slow
def test_a_damaged_video_shows_its_good_frames(tmp_path: Path) -> None:
    data = bytearray(
        make_video(tmp_path / "video.mp4", "-c:v", "libx264", "-g", "5", "-pix_fmt", "yuv420p").read_bytes()
    )
    first = data.index(b"mdat") + 4
    length = int.from_bytes(data[first - 8 : first - 4]) - 8
    data[first + length * 3 // 10 : first + length // 2] = bytes(length // 2 - length * 3 // 10)
    (tmp_path / "video.mp4").write_bytes(data)
    _, frame = render_page(tmp_path, video_over_red("video.mp4"), seconds=1)
    assert shows(frame, GREEN)


def test_a_sound_longer_than_the_video_ends_with_it(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "long.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.full(5 * 8000, 3000, "<i2").tobytes())
    page = composition('<audio id="a" src="long.wav" data-start="0"></audio>', root=f'data-duration="0.5" {QUIET}')
    (tmp_path / "index.html").write_text(page)
    result = render(tmp_path, tmp_path / "out.mp4", "--network", "none")
    assert result["frames"] == 15
    assert abs(result["video"]["sound_duration"] - 0.5) < 0.05
