"""A rendered video has the colours of the videos that it shows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperframes_render.media.ffmpeg import ffmpeg_path
from tests.e2e.support import composition, frames, render

SIZE = "320x180"
#: Luma from 30 to 220 from left to right; blue from left to right, red from top to bottom.
RAMP = "lum='30+190*X/W':cb='108+40*X/W':cr='108+40*Y/H'"
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


def make_video(path: Path, form: str, samples: str, *options: str) -> Path:
    source = f"color=gray:size={SIZE}:rate=30,format={form},geq={samples}"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "6", *options, str(path)]
    subprocess.run(command, check=True)
    return path


def show(folder: Path, source: str) -> dict[str, object]:
    """Render a page that shows the video at its size for 0.2 s to out.mp4."""
    video = f'<video src="{source}" muted data-start="0" data-duration="0.2" style="position:absolute;inset:0"></video>'
    (folder / "index.html").write_text(composition(video, root='data-duration="0.2" data-no-timeline'))
    return render(folder, folder / "out.mp4", "--quality", "high")


def mean_planes(path: Path) -> NDArray[np.float64]:
    """The means of Y, U and V of a video of yuv420p, as coded."""
    with av.open(str(path)) as container:
        planes = [
            [
                np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width].mean()
                for plane in frame.planes
            ]
            for frame in container.decode(video=0)
        ]
    means: NDArray[np.float64] = np.asarray(planes, np.float64).mean(axis=0)
    return means


def test_a_shown_video_keeps_its_brightness_and_colour(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", "yuv420p", RAMP, "-c:v", "libx264", "-crf", "4", *BT709)
    show(tmp_path, "a.mp4")
    difference = mean_planes(tmp_path / "out.mp4") - mean_planes(source)
    assert np.abs(difference).max() <= 0.4, difference


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
def test_an_hdr_video_is_tone_mapped_with_a_warning(tmp_path: Path, transfer: str) -> None:
    source = make_video(
        tmp_path / "a.mp4",
        "yuv420p10le",
        "lum='80+620*X/W':cb='512+60*Y/H*X/W':cr='512-60*Y/H*X/W'",
        *("-c:v", "libx265", "-crf", "4", "-pix_fmt", "yuv420p10le"),
        *("-x265-params", f"log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"),
    )
    result = show(tmp_path, "a.mp4")
    filters = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:r=full"
    command = [ffmpeg_path(), "-v", "error", "-i", str(source), "-frames:v", "1", "-vf", f"{filters},format=rgb24"]
    raw = subprocess.run([*command, "-f", "rawvideo", "pipe:1"], check=True, capture_output=True).stdout
    wanted = np.frombuffer(raw, np.uint8).reshape(180, 320, 3).astype(float)
    # The decoded planes by swscale's rounding would be darker: compare the means of blocks with some tolerance.
    difference = frames(tmp_path / "out.mp4")[2].astype(float) - wanted
    assert np.abs(difference).mean() < 3, difference.mean(axis=(0, 1))
    warnings = result["warnings"]
    assert isinstance(warnings, list)
    assert sum("a.mp4 has HDR colours" in warning for warning in warnings) == 1


def test_a_video_with_the_tag_in_capital_letters_is_transparent(tmp_path: Path) -> None:
    make_video(
        tmp_path / "a.webm",
        "yuva420p",
        "lum=200:cb=128:cr=128:a='if(lt(X,W/2),0,255)'",
        *("-c:v", "libvpx-vp9", "-metadata:s:v:0", "ALPHA_MODE=1"),
    )
    show(tmp_path, "a.webm")
    frame = frames(tmp_path / "out.mp4")[3].astype(int)
    # The page's background, #102030, shows on the left.
    assert np.abs(frame[90, 60] - [16, 32, 48]).max() <= 4 and frame[90, 260].min() > 190
