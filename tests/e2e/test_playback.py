"""Files that a browser can play are played by one: Chromium shows the right frame at the time that is asked for."""

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
#: What Debian's Chromium has no decoder for is decoded by PyAV elsewhere (test_outputs.py).
PLAYED = [
    ("h264", ".mp4", 'video/mp4; codecs="avc1.640028, mp4a.40.2"'),
    ("vp8", ".webm", 'video/webm; codecs="vp8, opus"'),
    ("vp9", ".webm", 'video/webm; codecs="vp9, opus"'),
    ("av1", ".mp4", 'video/mp4; codecs="av01.0.05M.08, mp4a.40.2"'),
    ("av1", ".webm", 'video/webm; codecs="av01.0.05M.08, opus"'),
]
PLAY = """async ([source, type, times]) => {
  const film = document.createElement("video");
  if (!film.canPlayType(type)) return null;
  film.muted = true;
  const settled = (name) => new Promise((done, failed) => {
    film.addEventListener(name, done, { once: true });
    film.addEventListener("error", () => failed(new Error(film.error.message)), { once: true });
  });
  const loaded = settled("loadeddata");
  film.src = source;
  await loaded;
  const canvas = Object.assign(document.createElement("canvas"), { width: film.videoWidth, height: film.videoHeight });
  const seen = [];
  for (const time of times) {
    // A picture may be shown a little after the seek is said to be over.
    const there = [settled("seeked"), new Promise((shown) => film.requestVideoFrameCallback(shown))];
    film.currentTime = time;
    await Promise.all(there);
    canvas.getContext("2d").drawImage(film, 0, 0);
    seen.push(canvas.toDataURL("image/png").split(",")[1]);
  }
  film.currentTime = 0;
  const ended = settled("ended");
  await film.play();
  await ended;
  const size = [film.videoWidth, film.videoHeight];
  return { seen, size, duration: film.duration, sound: film.webkitAudioDecodedByteCount > 0 };
}"""


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "suffix", "kind"), PLAYED, ids=[f"{codec}{suffix}" for codec, suffix, _ in PLAYED])
@pytest.mark.parametrize("chunks", [1, 2])
def test_chromium_plays_it_to_its_end_and_seeks_to_every_frame(
    codec: str, suffix: str, kind: str, chunks: int, tmp_path: Path
) -> None:
    video = tmp_path / f"o{suffix}"
    options = ["--codec", codec, "--chunks", chunks, "--audio-url", write_tone(tmp_path / "tone.wav", 1)]
    render(BOXES, video, *options, "--duration", 1, "--network", "none")
    # A page cannot read the pixels of a film from another place: the film stands in its address.
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
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(seen))).convert("RGB")) for seen in played["seen"]]
    assert [shown_number(picture) for picture in pictures] == numbers


def test_every_codec_that_browsers_play_is_played() -> None:
    # Safari alone plays HEVC; ProRes, GIF and PNG are no films of browsers.
    left_out = {Codec.H265, Codec.PRORES, Codec.GIF, Codec.PNG}
    assert {Codec(codec) for codec, _, _ in PLAYED} == set(Codec) - left_out
    assert all(suffix in FORMATS[Codec(codec)].muxers for codec, suffix, _ in PLAYED)
