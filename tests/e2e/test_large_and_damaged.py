"""Pages of unusual size and media that are damaged: a correct picture, and a warning where something is left out."""

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
#: Uncompressed, in the colours of high definition.
BIG = ("-vf", "scale=out_color_matrix=bt709", "-c:v", "rawvideo", "-pix_fmt", "yuv420p")
RED, GREEN = (200, 30, 30), (30, 160, 60)


def make_film(path: Path, *options: str, colour: str = "0x1ea03c", size: str = "320x180", seconds: float = 1) -> Path:
    """A film of one colour."""
    source = f"color={colour}:size={size}:rate=30:duration={seconds}"
    command = [ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi", "-i", source]
    subprocess.run(
        [*command, *(options or ("-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p")), str(path)], check=True
    )
    return path


def film(source: str) -> str:
    """A film that fills the page, over red."""
    place = "position:absolute;inset:0;width:320px;height:180px"
    wall = f'<div style="{place};background:rgb{RED}"></div>'
    return f'{wall}<video id="v" src="{source}" muted data-start="0" style="{place}"></video>'


def rendered(tmp_path: Path, body: str, *options: object, seconds: float = 0.2) -> tuple[list[str], NDArray[np.uint8]]:
    """Warnings, and the last frame."""
    (tmp_path / "index.html").write_text(composition(body, root=f'data-duration="{seconds}" {QUIET}'))
    result = render(tmp_path, tmp_path / "out.mp4", "--network", "none", *options)
    assert result["frames"] == round(seconds * 30)
    return list(result["warnings"]), frames(tmp_path / "out.mp4")[-1]


def shows(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    """Whether the middle of a picture is of a colour."""
    middle = picture[60:120, 100:220].reshape(-1, 3).mean(axis=0)
    return bool(np.abs(middle - colour).max() < 12)


@pytest.mark.slow
def test_ten_thousand_clips_each_show_at_their_time(tmp_path: Path) -> None:
    # Clip n is seen for a frame; its place tells its number. All but sixty come after the part that is rendered.
    clips = "".join(
        f'<div class="clip" data-start="{n / 30:.6f}" data-duration="{1 / 30:.6f}" data-track-index="1" '
        f'style="left:{n % 60 * 5}px;top:60px;width:5px;height:60px;background:#fff"></div>'
        for n in range(10_000)
    )
    (tmp_path / "index.html").write_text(composition(clips, root=f'data-duration="{10_000 / 30:.6f}" {QUIET}'))
    result = render(tmp_path, tmp_path / "out.mp4", "--network", "none", "--to", 2)
    assert result["frames"] == 60
    for number, picture in enumerate(frames(tmp_path / "out.mp4")):
        assert int(picture[60:120].mean(axis=(0, 2))[: 60 * 5].reshape(60, 5).mean(axis=1).argmax()) == number


@pytest.mark.slow
def test_a_hundred_thousand_elements_are_drawn(tmp_path: Path) -> None:
    dots = '<i class="dot"></i>' * 100_000
    style = f"<style>.dot{{float:left;width:1px;height:.5px;background:rgb{GREEN}}}</style>"
    warnings, picture = rendered(tmp_path, f'{style}<div style="width:320px">{dots}</div>')
    assert warnings == []
    # 100,000 dots of half a pixel's height fill 156 rows of the page.
    assert np.abs(picture[20:140].reshape(-1, 3).mean(axis=0) - GREEN).max() < 12
    assert not shows(picture[100:], GREEN)


@pytest.mark.slow
def test_files_of_two_hundred_megabytes_are_read_only_where_they_are_needed(tmp_path: Path) -> None:
    film_file = make_film(tmp_path / "big.avi", *BIG, size="1920x1080", seconds=2.4)
    assert film_file.stat().st_size > 200e6
    with wave.open(str(tmp_path / "big.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(bytes(200_000_000))
    warnings, picture = rendered(tmp_path, film("big.avi") + '<audio id="a" src="big.wav" data-start="0"></audio>')
    assert warnings == [] and shows(picture, GREEN)


@pytest.mark.slow
def test_a_picture_of_two_hundred_megabytes_is_left_out_and_named(tmp_path: Path) -> None:
    Image.new("RGB", (8200, 8200), RED).save(tmp_path / "big.bmp")
    Image.new("RGB", (1200, 1200), GREEN).save(tmp_path / "good.bmp")
    place = "position:absolute;left:0;top:0;width:320px;height:180px"
    body = f'<img src="good.bmp" style="{place}" alt=""><img src="big.bmp" style="{place}" alt="">'
    warnings, picture = rendered(tmp_path, body)
    assert any("big.bmp has 192 MiB and is left out" in warning for warning in warnings)
    assert shows(picture, GREEN)


def test_media_that_cannot_be_decoded_are_named_and_the_page_is_seen(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "unknown.mp4").write_bytes(whole.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    make_film(tmp_path / "nothing.mkv", "-frames:v", "0", "-c:v", "libx264")
    for name in ("cut.mp4", "unknown.mp4", "nothing.mkv"):
        warnings, picture = rendered(tmp_path, film(name))
        assert any(name in warning for warning in warnings), (name, warnings)
        assert shows(picture, RED), name


@pytest.mark.slow
def test_a_film_that_is_damaged_within_shows_what_can_be_had(tmp_path: Path) -> None:
    data = bytearray(make_film(tmp_path / "film.mp4", "-c:v", "libx264", "-g", "5", "-pix_fmt", "yuv420p").read_bytes())
    first = data.index(b"mdat") + 4
    length = int.from_bytes(data[first - 8 : first - 4]) - 8
    data[first + length * 3 // 10 : first + length // 2] = bytes(length // 2 - length * 3 // 10)
    (tmp_path / "film.mp4").write_bytes(data)
    _, picture = rendered(tmp_path, film("film.mp4"), seconds=1)
    assert shows(picture, GREEN)


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
