"""Chromium plays the videos that browsers can play, and shows the right frame after a seek."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from hyperframes_render.browser.chromium import chromium_path
from hyperframes_render.formats import FORMATS, Codec
from tests.e2e.boxes import shown_number
from tests.e2e.media import write_tone
from tests.e2e.support import COMPOSITIONS, render

BOXES = COMPOSITIONS / "boxes.html"
#: Codecs that Debian's Chromium decodes. test_outputs.py decodes the others with PyAV.
PLAYED = [
    ("h264", ".mp4", 'video/mp4; codecs="avc1.640028, mp4a.40.2"'),
    ("vp8", ".webm", 'video/webm; codecs="vp8, opus"'),
    ("vp9", ".webm", 'video/webm; codecs="vp9, opus"'),
    ("av1", ".mp4", 'video/mp4; codecs="av01.0.05M.08, mp4a.40.2"'),
    ("av1", ".webm", 'video/webm; codecs="av01.0.05M.08, opus"'),
]
PLAY = """async ([source, type, times]) => {
  const video = document.createElement("video");
  if (!video.canPlayType(type)) return null;
  video.muted = true;
  const settled = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
  });
  const loaded = settled("loadeddata");
  video.src = source;
  await loaded;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  const seen = [];
  for (const time of times) {
    // The frame may be shown a little after the "seeked" event.
    const there = [settled("seeked"), new Promise((shown) => video.requestVideoFrameCallback(shown))];
    video.currentTime = time;
    await Promise.all(there);
    canvas.getContext("2d").drawImage(video, 0, 0);
    seen.push(canvas.toDataURL("image/png").split(",")[1]);
  }
  video.currentTime = 0;
  const ended = settled("ended");
  await video.play();
  await ended;
  const size = [video.videoWidth, video.videoHeight];
  return { seen, size, duration: video.duration, sound: video.webkitAudioDecodedByteCount > 0 };
}"""


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "suffix", "kind"), PLAYED, ids=[f"{codec}{suffix}" for codec, suffix, _ in PLAYED])
@pytest.mark.parametrize("chunks", [1, 2])
def test_chromium_plays_a_video_to_its_end_and_seeks_to_frames(
    codec: str, suffix: str, kind: str, chunks: int, tmp_path: Path
) -> None:
    video = tmp_path / f"o{suffix}"
    options = ["--codec", codec, "--chunks", chunks, "--audio-url", write_tone(tmp_path / "tone.wav", 1)]
    render(BOXES, video, *options, "--duration", 1, "--network", "none")
    # A page cannot read the pixels of a video from another origin, so the video is a data URL.
    source = f"data:{kind.split(';')[0]};base64,{base64.b64encode(video.read_bytes()).decode()}"
    numbers = [14, 15, 16, 29, 7, 1, 0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            played = browser.new_page().evaluate(PLAY, [source, kind, [(number + 0.5) / 30 for number in numbers]])
        finally:
            browser.close()
    if played is None:
        pytest.skip(f"THIS CHROMIUM CANNOT PLAY {kind}: nothing was played")
    assert played["size"] == [640, 360] and abs(played["duration"] - 1) < 0.05 and played["sound"]
    images = [np.asarray(Image.open(io.BytesIO(base64.b64decode(seen))).convert("RGB")) for seen in played["seen"]]
    assert [shown_number(image) for image in images] == numbers


def test_every_codec_that_browsers_play_is_played() -> None:
    # Only Safari plays HEVC. Browsers do not play ProRes, GIF or PNG as videos.
    left_out = {Codec.H265, Codec.PRORES, Codec.GIF, Codec.PNG}
    assert {Codec(codec) for codec, _, _ in PLAYED} == set(Codec) - left_out
    assert all(suffix in FORMATS[Codec(codec)].muxers for codec, suffix, _ in PLAYED)
