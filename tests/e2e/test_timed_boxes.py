"""A video or sound without a start of its own starts and ends with the timed box that it stands in."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.e2e.media import STEP, make_film, write_tone
from tests.e2e.support import composition, frames, render

FPS = 30


def heard(video: Path) -> tuple[float, float]:
    """When the sound begins and ends, in seconds."""
    with av.open(str(video)) as container:
        rate = container.streams.audio[0].rate
        pieces = [np.abs(frame.to_ndarray()).max(axis=0) for frame in container.decode(audio=0)]
    loud = np.flatnonzero(np.concatenate(pieces) > 0.05) / rate
    return float(loud[0]), float(loud[-1])


@pytest.mark.parametrize("attributes", ['class="clip" data-track-index="0"', 'id="box"'], ids=["clip", "no class"])
def test_a_video_starts_with_its_box(attributes: str, tmp_path: Path) -> None:
    make_film(tmp_path / "a.mp4", seconds=1.0)
    video = '<video src="a.mp4" muted style="width:320px;height:180px"></video>'
    box = f'<div {attributes} data-start="1" data-duration="0.8"><p style="margin:0">{video}</p></div>'
    (tmp_path / "index.html").write_text(composition(box, root='data-duration="2" data-no-timeline'))
    render(tmp_path, tmp_path / "o.mp4", "--fps", FPS)
    shown = [int(picture[90, 160, 0]) for picture in frames(tmp_path / "o.mp4")]
    # Level 20 + 4 n of limited range is (20 + 4 n - 16) * 255 / 219 on the screen.
    for number in range(30, 53):
        assert abs(shown[number] - (4 + STEP * (number - 30)) * 255 / 219) <= 4, number
    assert shown[10] == shown[58] != shown[30]  # the background, before and after the box


def test_a_sound_is_heard_while_its_box_is_there(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", 3.0)
    box = '<div class="clip" data-start="0.5" data-duration="1"><audio src="a.wav"></audio></div>'
    (tmp_path / "index.html").write_text(composition(box, root='data-duration="2" data-no-timeline'))
    render(tmp_path, tmp_path / "o.mp4", "--fps", 10)
    assert heard(tmp_path / "o.mp4") == pytest.approx((0.5, 1.5), abs=0.03)


def test_a_start_of_its_own_counts_from_the_composition(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", 0.5)
    box = '<div class="clip" data-start="0.5" data-duration="1"><audio src="a.wav" data-start="0.8"></audio></div>'
    (tmp_path / "index.html").write_text(composition(box, root='data-duration="2" data-no-timeline'))
    render(tmp_path, tmp_path / "o.mp4", "--fps", 10)
    assert heard(tmp_path / "o.mp4") == pytest.approx((0.8, 1.3), abs=0.03)
