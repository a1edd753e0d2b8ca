"""Sounds that scripts make are heard in the video, at the video's time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.e2e.media import STEP, make_film, write_tone
from tests.e2e.support import composition, frames, render

RATE = 48_000
#: Seconds of one window in which the level is measured.
WINDOW = 0.1


def sound_of(video: Path) -> NDArray[np.float32]:
    """The samples of the first channel."""
    with av.open(str(video)) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(blocks).astype(np.float32)


def levels(video: Path) -> NDArray[np.float64]:
    """Root mean square of each window of WINDOW seconds. A tone of `write_tone` has 0.35."""
    samples = sound_of(video)
    size = round(WINDOW * RATE)
    whole = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(np.sqrt((whole.astype(np.float64) ** 2).mean(axis=1)))


def assert_heard(video: Path, *spans: tuple[float, float], level: float = 0.354) -> None:
    """The tone of `level` sounds in the spans (start, end in seconds) and nowhere else; their edges are left out."""
    for window, found in enumerate(levels(video)):
        start, end = window * WINDOW, (window + 1) * WINDOW
        inside = any(a <= start + 1e-6 and end <= b + 1e-6 for a, b in spans)
        outside = all(end <= a + 1e-6 or b + 0.05 <= start + 1e-6 for a, b in spans)
        if inside:
            assert abs(found - level) < 0.06 * level + 0.02, f"{found:.3f} from {start:.1f} s: {levels(video).round(2)}"
        elif outside:
            assert found < 0.02, f"{found:.3f} from {start:.1f} s: {levels(video).round(2)}"


def page(folder: Path, body: str, script: str, *, seconds: float = 3, tone: float = 1) -> Path:
    """A composition beside a tone of `tone` seconds."""
    write_tone(folder / "tone.wav", tone)
    source = folder / "index.html"
    source.write_text(composition(body, script, f'data-duration="{seconds}" data-no-timeline'))
    return source


def rendered(source: Path, *options: object) -> tuple[Path, dict[str, Any]]:
    """The video of `source`, and the result."""
    video = source.parent / "o.mp4"
    return video, render(source, video, "--fps", 10, "--network", "none", *options)


SOUND = "const s = new Audio('tone.wav');"
TAG = '<audio id="s" src="tone.wav"></audio>'
FIND = "const s = document.getElementById('s');"
SCRIPTS: dict[str, tuple[str, str, Sequence[tuple[float, float]]]] = {
    "at load": ("", f"{SOUND} s.play();", [(0, 1)]),
    "in a timer": ("", f"{SOUND} setTimeout(() => s.play(), 1500);", [(1.5, 2.5)]),
    "made in a timer": ("", "setTimeout(() => new Audio('tone.wav').play(), 1200);", [(1.2, 2.2)]),
    "until pause": ("", f"{SOUND} setTimeout(() => s.play(), 500); setTimeout(() => s.pause(), 900);", [(0.5, 0.9)]),
    "an element of the page": (TAG, f"{FIND} setTimeout(() => s.play(), 700);", [(0.7, 1.7)]),
    "in an animation event": (
        f'{TAG}<style>@keyframes k{{to{{opacity:0}}}} i{{animation:k 1s}}</style><i id="i">x</i>',
        f"{FIND} document.getElementById('i').onanimationend = () => s.play();",
        [(1, 2)],
    ),
    "once ready": ("", f"{SOUND} s.addEventListener('canplaythrough', () => s.play());", [(0, 1)]),
    "from currentTime": ("", f"{SOUND} setTimeout(() => {{ s.currentTime = 0.6; s.play(); }}, 1000);", [(1, 1.4)]),
    "with loop": (
        "",
        f"{SOUND} s.loop = true; s.currentTime = 0.5; setTimeout(() => s.play(), 200);"
        "setTimeout(() => s.pause(), 2600);",
        [(0.2, 2.6)],
    ),
    "at double speed": ("", f"{SOUND} s.playbackRate = 2; setTimeout(() => s.play(), 1000);", [(1, 1.5)]),
    "muted and not": (
        "",
        f"{SOUND} s.muted = true; s.play(); setTimeout(() => {{ s.muted = false; }}, 600);",
        [(0.6, 1)],
    ),
    "again when it has ended": (
        "",
        f"{SOUND} let n = 0; s.onended = () => {{ if (!n++) setTimeout(() => s.play(), 500); }}; s.play();",
        [(0, 1), (1.5, 2.5)],
    ),
    "an element with autoplay": (
        TAG.replace("src", "autoplay src"),
        f"{FIND} setTimeout(() => s.pause(), 400); setTimeout(() => s.play(), 2000);",
        [(0, 0.4), (2, 2.6)],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_sound_that_a_script_plays_is_heard_when_it_plays(name: str, tmp_path: Path) -> None:
    body, script, spans = SCRIPTS[name]
    video, result = rendered(page(tmp_path, body, script))
    assert_heard(video, *spans)
    assert not result["warnings"]


def test_a_script_that_plays_many_sounds_at_timeline_calls_is_heard_at_each(tmp_path: Path) -> None:
    source = page(tmp_path, "", "", tone=0.3)
    calls = "".join(f"tl.call(() => new Audio('tone.wav').play(), [], {at});" for at in (0, 1, 2.2))
    script = f"const tl = gsap.timeline({{ paused: true }}); tl.to('#b', {{ x: 9, duration: 3 }}, 0); {calls}"
    body = "<b id=b>x</b>"
    source.write_text(
        '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
        + composition(body, f"{script} window.__timelines = {{ m: tl }};", 'data-duration="3"')
    )
    video, _ = rendered(source)
    assert_heard(video, (0, 0.3), (1, 1.3), (2.2, 2.5))


def test_a_fade_of_the_volume_is_heard_as_a_fade(tmp_path: Path) -> None:
    fade = "let n = 10; const id = setInterval(() => { s.volume = --n / 10; if (!n) clearInterval(id); }, 100);"
    video, _ = rendered(page(tmp_path, "", f"{SOUND} s.loop = true; s.play(); {fade}"))
    found = levels(video)
    for window in range(10):
        assert abs(found[window] - 0.354 * (1 - (window + 0.5) / 10)) < 0.03, found.round(2)
    assert found[11:].max() < 0.01


@pytest.mark.parametrize("options", [("--workers", 2), ("--chunks", 3)], ids=["two browsers", "three chunks"])
def test_several_browsers_and_chunks_make_the_same_sound(options: tuple[object, ...], tmp_path: Path) -> None:
    source = page(tmp_path, "", f"{SOUND} setTimeout(() => s.play(), 1500);")
    video, _ = rendered(source, *options)
    assert_heard(video, (1.5, 2.5))


def test_a_clip_with_data_start_is_heard_by_its_attributes_and_play_is_reported(tmp_path: Path) -> None:
    body = '<audio id="s" src="tone.wav" data-start="0.5" data-duration="1"></audio>'
    # Another element that is no clip: the scripts may play it.
    body += '<audio id="free" src="tone.wav"></audio>'
    script = f"{FIND} setTimeout(() => {{ s.play(); s.volume = 0.1; document.getElementById('free').play(); }}, 2000);"
    video, result = rendered(page(tmp_path, body, script))
    assert_heard(video, (0.5, 1.5), (2, 3))
    assert [text for text in result["warnings"] if "play() of s was ignored" in text]


def test_a_video_that_a_script_plays_shows_its_frames_from_then_on(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", sound=True)
    body = '<video id="s" src="film.mp4" style="width:320px;height:180px"></video>'
    script = f"{FIND} setTimeout(() => s.play(), 1000); setTimeout(() => s.pause(), 2000);"
    source = page(tmp_path, body, script)
    video, _ = rendered(source)
    grey = [frame[90, 160].mean() for frame in frames(video)]
    for index in range(10, 30):
        expected = 20 + STEP * 3 * (min(index, 20) - 10)  # a frame of the render is three of the film
        shown = 255 / 219 * (expected - 16)
        assert abs(grey[index] - shown) < 6, (index, np.round(grey))
    found = levels(video)
    assert found[:10].max() < 0.02 < found[10:20].min() and found[20:].max() < 0.02


def test_a_sound_that_nothing_announced_is_reported_as_not_heard(tmp_path: Path) -> None:
    # The name of the class is not in the script's text.
    script = "setTimeout(() => { const name = 'Aud' + 'io'; new window[name]('tone.wav').play(); }, 500);"
    _, result = rendered(page(tmp_path, "", script))
    assert [text for text in result["warnings"] if "was not expected" in text]


OSCILLATOR = """const a = new AudioContext(), o = a.createOscillator(), g = a.createGain();
  g.gain.value = 0.5; o.frequency.value = 440; o.connect(g).connect(a.destination);"""
DECODED = """const a = new AudioContext();
  const load = async () => a.decodeAudioData(await (await fetch('tone.wav')).arrayBuffer());
  const play = (buffer) => { const s = a.createBufferSource();
    s.buffer = buffer; s.connect(a.destination); s.start(); };"""
GRAPHS: dict[str, tuple[str, Sequence[tuple[float, float]]]] = {
    "an oscillator from frame 0": (f"{OSCILLATOR} o.start(); o.stop(a.currentTime + 1);", [(0, 1)]),
    "a planned oscillator": (f"{OSCILLATOR} o.start(0.7); o.stop(1.9);", [(0.7, 1.9)]),
    "an oscillator in a timer": (
        f"{OSCILLATOR} setTimeout(() => {{ o.start(); o.stop(a.currentTime + 1); }}, 1250);",
        [(1.25, 2.25)],
    ),
    "a context made in a timer": (f"setTimeout(() => {{ {OSCILLATOR} o.start(); o.stop(1); }}, 1000);", [(1, 2)]),
    "a gain that a timer changes": (
        f"{OSCILLATOR} o.start(); setTimeout(() => {{ g.gain.value = 0; }}, 800);",
        [(0, 0.8)],
    ),
    "a decoded file": (f"{DECODED} load().then(play);", [(0, 1)]),
    "a decoded file in a timer": (f"{DECODED} load().then((b) => setTimeout(play, 1500, b));", [(1.5, 2.5)]),
    "an element through a graph": (
        "const s = new Audio('tone.wav'), a = new AudioContext(); setTimeout(() => s.play(), 1000);"
        "a.createMediaElementSource(s).connect(a.destination);",
        [(1, 2)],
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_web_audio_graph_of_a_script_is_heard_at_its_time(name: str, tmp_path: Path) -> None:
    script, spans = GRAPHS[name]
    video, result = rendered(page(tmp_path, "", script))
    assert_heard(video, *spans)
    assert not result["warnings"]


BARS = """const a = new AudioContext(), n = a.createAnalyser(), data = new Uint8Array(n.frequencyBinCount);
  n.smoothingTimeConstant = 0; a.createMediaElementSource(s).connect(n); n.connect(a.destination);
  (function draw() { n.getByteFrequencyData(data); const high = Math.max(...data) > 100;
    document.getElementById('b').style.background = high ? '#fff' : '#000'; requestAnimationFrame(draw); })();"""


@pytest.mark.parametrize("options", [(), ("--workers", 2)], ids=["one browser", "two browsers"])
def test_an_analyser_gives_the_values_of_each_frame(options: tuple[object, ...], tmp_path: Path) -> None:
    body = '<audio id="s" src="tone.wav" data-start="1" data-duration="1"></audio>'
    body += '<div id="b" style="width:320px;height:180px"></div>'
    video, _ = rendered(page(tmp_path, body, FIND + BARS), *options)
    bright = [frame[90, 160].mean() > 128 for frame in frames(video)]
    assert bright[12:20] == [True] * 8 and not any(bright[:11]) and not any(bright[21:])
    assert_heard(video, (1, 2))


WORKER = "new Worker(URL.createObjectURL(new Blob([%r])))"
CANVAS = '<canvas id="c"></canvas>'
OUTSIDE = {
    "a worker with timers": ("", WORKER % "setInterval(() => 0, 10)", "A worker uses timers"),
    "a canvas in a worker": (
        CANVAS,
        "document.querySelector('canvas').transferControlToOffscreen()",
        "OffscreenCanvas",
    ),
    "a scroll timeline": (
        "<style>@keyframes k{to{opacity:0}} b{animation:k linear;animation-timeline:scroll(root)}</style><b>x</b>",
        "",
        "scroll or view timeline",
    ),
    "a view timeline by script": (
        "<b>x</b>",
        "new ViewTimeline({ subject: document.body })",
        "scroll or view timeline",
    ),
    "MediaRecorder": (CANVAS, "new MediaRecorder(document.querySelector('canvas').captureStream())", "MediaRecorder"),
    "speech": ("", "speechSynthesis.speak(new SpeechSynthesisUtterance('a'))", "speechSynthesis"),
    "a camera": ("", "navigator.mediaDevices?.getUserMedia({ video: true }).catch(() => 0)", "a camera"),
    "a stream": (
        f"{CANVAS}<video></video>",
        "document.querySelector('video').srcObject = document.querySelector('canvas').captureStream()",
        "srcObject",
    ),
    "a text track": ('<video src="v.webm" muted><track src="a.vtt" default></video>', "", "A text track"),
    "a text track by script": (
        "<video></video>",
        "document.querySelector('video').addTextTrack('captions')",
        "text track",
    ),
    "sound in an iframe": (
        '<iframe srcdoc="<audio id=a src=tone.wav></audio><script>a.play()</script>"></iframe>',
        "",
        "in an iframe",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_does_not_follow_the_video_is_reported_once(name: str, tmp_path: Path) -> None:
    body, script, named = OUTSIDE[name]
    _, result = rendered(page(tmp_path, body, script, seconds=0.5))
    assert len([text for text in result["warnings"] if named in text]) == 1, result["warnings"]


def test_a_worker_that_only_computes_is_not_reported(tmp_path: Path) -> None:
    _, result = rendered(page(tmp_path, "", WORKER % "onmessage = (e) => postMessage(e.data * 2)", seconds=0.5))
    assert not result["warnings"]
