"""The frames of a video are those of the asked times, for every kind of video."""

from __future__ import annotations

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperframes_render.media.ffmpeg import ffmpeg_path
from hyperframes_render.media.media_file import MediaUnreadable, probe_media
from hyperframes_render.media.video_reader import Still, VideoReader

FPS = Fraction(30)
#: Grey levels between two frames of a test video, so that a frame tells its number.
STEP = 5


def make_video(path: Path, *options: str, frames: int = 40, rate: str = "30", size: str = "64x48") -> Path:
    """A video whose frame n is grey of level 20 + 5 n."""
    source = f"color=gray:size={size}:rate={rate},geq=lum='20+{STEP}*N':cb=128:cr=128"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", str(frames)]
    subprocess.run(
        [*command, *(options or ("-c:v", "libx264", "-g", "12", "-bf", "2", "-crf", "4")), str(path)], check=True
    )
    return path


def image(still: Still) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(still.data)))


def number(still: Still) -> int:
    """Which frame of a test video it is: limited range 20 + 5 n is shown as (level - 16) * 255 / 219."""
    middle = float(image(still)[..., :3].mean())
    return round((middle * 219 / 255 + 16 - 20) / STEP)


def numbers(reader: VideoReader, indices: range | list[int]) -> list[int]:
    return [number(reader.still(index)) for index in indices]


def test_every_frame_is_its_own_in_order_and_out_of_order(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4")
    assert numbers(VideoReader(video, fps=FPS), range(40)) == list(range(40))
    jumps = [30, 3, 4, 39, 0, 12, 11, 25]
    assert numbers(VideoReader(video, fps=FPS), jumps) == jumps


def test_a_trim_begins_at_its_picture_and_the_last_one_holds(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4")
    reader = VideoReader(video, fps=FPS, media_start=1.0)
    assert numbers(reader, [0, 1, 9, 10, 500, 2]) == [30, 31, 39, 39, 39, 32]
    assert numbers(VideoReader(video, fps=FPS, media_start=99), [0, 5]) == [39, 39]


def test_a_loop_begins_again_at_its_trim(tmp_path: Path) -> None:
    reader = VideoReader(make_video(tmp_path / "a.mp4"), fps=FPS, media_start=1.0, loop=True)
    assert numbers(reader, range(21)) == [*range(30, 40), *range(30, 40), 30]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_other_rates_show_what_a_browser_shows_at_that_moment(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    video = make_video(tmp_path / name, "-c:v", codec, "-crf", "4", "-b:v", "0", rate="24")
    # Frame n is at n/24 s: at frame k of 30 a second the last one with n/24 <= k/30 is shown.
    assert numbers(VideoReader(video, fps=FPS), range(30)) == [k * 24 // 30 for k in range(30)]
    between = VideoReader(video, fps=FPS, media_start=0.51)  # frame 12 stands at 0.5, 13 at 0.5417
    assert numbers(between, [0, 1, 3]) == [12, 13, 14]


def test_a_varying_rate_is_shown_by_its_times(tmp_path: Path) -> None:
    video = make_video(
        tmp_path / "vfr.mkv",
        *("-vf", "select='not(between(n,5,14))'", "-fps_mode", "passthrough", "-c:v", "libx264", "-crf", "4"),
    )
    # What is left out leaves a gap in time: the frame before it holds. geq counts before the selection.
    shown = numbers(VideoReader(video, fps=FPS), range(25))
    assert shown == [0, 1, 2, 3, 4, *[4] * 10, *range(15, 25)]


def test_rotation_turns_the_picture_and_its_size(tmp_path: Path) -> None:
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    source = "color=black:size=64x48:rate=30,drawbox=x=0:y=0:w=32:h=24:color=white:t=fill"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "3", "-c:v", "libx264"]
    subprocess.run([*command, str(plain)], check=True)
    for degrees, corner in ((90, "lower left"), (-90, "upper right"), (180, "lower right")):
        again = [ffmpeg_path(), "-v", "error", "-y", "-display_rotation", str(degrees), "-i", str(plain), "-c", "copy"]
        subprocess.run([*again, str(turned)], check=True)
        frame = image(VideoReader(turned, fps=FPS).still(0))
        facts = probe_media(turned).video
        assert facts is not None
        assert (frame.shape[1], frame.shape[0]) == facts.shown_size == ((64, 48) if degrees == 180 else (48, 64))
        half = (frame.shape[0] // 2, frame.shape[1] // 2)
        quarters = {
            "upper left": frame[: half[0], : half[1]],
            "upper right": frame[: half[0], half[1] :],
            "lower left": frame[half[0] :, : half[1]],
            "lower right": frame[half[0] :, half[1] :],
        }
        assert max(quarters, key=lambda name: float(quarters[name].mean())) == corner


@pytest.mark.parametrize(("codec", "name"), [("libvpx-vp9", "a.webm"), ("libvpx", "b.webm"), ("prores_ks", "c.mov")])
def test_alpha_is_kept(tmp_path: Path, codec: str, name: str) -> None:
    pixels = "yuva444p10le" if codec == "prores_ks" else "yuva420p"
    opaque = 1023 if codec == "prores_ks" else 255
    source = (
        f"color=red:size=64x48:rate=30,format={pixels},"
        f"geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='if(lt(X,32),0,{opaque})'"
    )
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "4", "-c:v", codec]
    subprocess.run([*command, "-pix_fmt", pixels, "-auto-alt-ref", "0", str(tmp_path / name)], check=True)
    still = VideoReader(tmp_path / name, fps=FPS).still(2)
    frame = image(still)
    assert still.mime == "image/png" and frame.shape == (48, 64, 4)
    assert frame[20, 10, 3] < 10 and frame[20, 50, 3] > 245 and frame[20, 50, 0] > 200


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", "-vf", "setsar=2", "-c:v", "libx264")
    assert image(VideoReader(video, fps=FPS).still(0)).shape[:2] == (48, 128)


def test_strong_colours_are_those_of_the_film(tmp_path: Path) -> None:
    for size, matrix in (("64x48", "bt601"), ("64x48", "bt709"), ("1280x720", "bt709")):
        video = tmp_path / f"{size}-{matrix}.mp4"
        source = f"color=0x20C060:size={size}:rate=30,format=gbrp,scale=out_color_matrix={matrix},format=yuv420p"
        tag = ["-colorspace", {"bt601": "smpte170m"}.get(matrix, matrix)] if size == "64x48" else []
        command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "2", "-c:v", "libx264"]
        subprocess.run([*command, "-crf", "4", *tag, str(video)], check=True)
        middle = image(VideoReader(video, fps=FPS).still(0))[20, 20].astype(int)
        assert np.abs(middle - [0x20, 0xC0, 0x60]).max() <= 4, (size, matrix, middle)


def test_the_same_picture_is_made_once(tmp_path: Path) -> None:
    reader = VideoReader(make_video(tmp_path / "a.mp4", rate="10"), fps=FPS)
    stills = [reader.still(index) for index in range(9)]
    assert len({id(still) for still in stills}) == 3 and len({still.key for still in stills}) == 3


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video " * 100)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    for name in ("text.mp4", "list.mp4", "none.mp4"):
        with pytest.raises(MediaUnreadable):
            VideoReader(tmp_path / name, fps=FPS)


def test_a_damaged_stretch_is_skipped_and_no_picture_at_all_is_said(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mkv")
    data = bytearray(video.read_bytes())
    late = len(data) * 3 // 4
    data[late : late + 60] = bytes(60)
    video.write_bytes(data)
    shown = numbers(VideoReader(video, fps=FPS), [0, 1, 39])
    assert shown[:2] == [0, 1] and shown[2] > 15
    make_video(tmp_path / "none.mkv", frames=0)
    with pytest.raises(MediaUnreadable):
        VideoReader(tmp_path / "none.mkv", fps=FPS).still(0)
