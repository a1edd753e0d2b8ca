"""Films, sounds and chance in a video: right at every frame, however the work is shared out."""

from __future__ import annotations

import base64
from pathlib import Path

import av
import numpy as np
import pytest

from hyperframes_render.media.true_peak import true_peak
from tests.e2e.media import STEP, make_film, write_tone
from tests.e2e.support import composition, frames, render


def film(extra: str = "", source: str = "film.mp4") -> str:
    return (
        f'<video id="v" src="{source}" muted data-start="0.2" data-duration="1" {extra} '
        'style="position:absolute;inset:0;width:320px;height:180px"></video>'
    )


def numbers(video: Path) -> list[int | None]:
    """Which picture of the film each frame shows, None for the page's background."""
    found: list[int | None] = []
    for frame in frames(video):
        red, _, blue = (float(frame[40:140, 60:260, channel].mean()) for channel in range(3))
        found.append(None if blue > red + 20 else round((red * 219 / 255 + 16 - 20) / STEP))
    return found


@pytest.mark.parametrize("options", [[], ["--workers", "2"], ["--chunks", "4"]], ids=["one", "two browsers", "chunks"])
def test_each_frame_has_its_picture_of_the_film(tmp_path: Path, options: list[str]) -> None:
    make_film(tmp_path / "film.mp4")
    (tmp_path / "index.html").write_text(
        composition(film('data-media-start="0.5"'), root='data-duration="1.4" data-no-timeline')
    )
    render(tmp_path, tmp_path / "out.mp4", *options)
    assert numbers(tmp_path / "out.mp4") == [None] * 6 + list(range(15, 45)) + [None] * 6


def test_a_film_that_cannot_be_shown_is_named_and_the_rest_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no film at all" * 50)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttps://example.com/a.ts\n#EXT-X-ENDLIST\n")
    body = "".join(
        film(source=source).replace('"v"', f'"{source}"') for source in ("broken.mp4", "list.mp4", "none.mp4")
    )
    (tmp_path / "index.html").write_text(composition(body, root='data-duration="0.4" data-no-timeline'))
    result = render(tmp_path, tmp_path / "out.mp4")
    assert result["frames"] == 12
    for source, why in (
        ("broken.mp4", "cannot be played"),
        ("list.mp4", "cannot be played"),
        ("none.mp4", "not in the"),
    ):
        assert len([text for text in result["warnings"] if source in text and why in text]) == 1


def test_the_sound_of_film_and_audio_is_in_the_video(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", sound=True)
    heard = film('data-has-audio="true"').replace(" muted", "")
    (tmp_path / "index.html").write_text(composition(heard, root='data-duration="1.4" data-no-timeline'))
    render(tmp_path, tmp_path / "out.mp4", "--chunks", "2")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.audio[0]
        parts = [(frame.time or 0.0, frame.to_ndarray()) for frame in container.decode(stream)]
    rate = 48_000
    sound = np.concatenate([part for _, part in parts], axis=1)[0]
    sound = sound[-round(parts[0][0] * rate) :] if parts[0][0] < 0 else sound
    loud = np.flatnonzero(np.abs(sound) > 0.05) / rate
    assert loud[0] == pytest.approx(0.2, abs=0.005) and loud[-1] == pytest.approx(1.2, abs=0.005)


@pytest.mark.parametrize("more", ["", 'data-has-audio="true"'])
def test_a_muted_film_makes_no_sound(more: str, tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", sound=True)
    (tmp_path / "index.html").write_text(composition(film(more), root='data-duration="0.5" data-no-timeline'))
    render(tmp_path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


def test_times_of_sounds_beyond_all_measure_neither_end_nor_slow_a_render(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", seconds=1)
    far = 'data-start="0" data-media-start="1e308" data-playback-rate="0.1"'
    points = '[{"t": 0, "v": 0.2, "curve": 0.5}, {"t": 1e300, "v": 1}]'
    lanes = f'{{"version": 1, "lanes": [{{"target": "volume", "points": {points}}}]}}'
    sounds = {
        "heard": 'data-start="-1e12" data-volume="0.5"',
        "late": 'data-start="1e300"',
        "later": f'data-start="late + {"9" * 400}"',
        "latest": 'data-start="1.7e308" data-playback-rate="0.1"',
        "past": 'data-start="0" data-media-start="1e300"',
        "endless": 'data-start="0" data-duration="1e300" data-volume="0.1" loop',
        "bent": f"data-start='0' data-duration='1e300' data-automation='{lanes}'",
    }
    audio = [f'<audio id="{name}" src="a.wav" {attributes}></audio>' for name, attributes in sounds.items()]
    deep = '<audio id="deep" src="a.wav" data-start="0" loop></audio>'
    hosts = f'<div data-composition-id="h" {far}><div data-composition-id="i" {far}>{deep}</div></div>'
    page = composition("".join(audio) + hosts, root='data-duration="0.4" data-no-timeline')
    (tmp_path / "index.html").write_text(page)
    result = render(tmp_path, tmp_path / "out.mp4")
    assert result["frames"] == 12
    assert [warning for warning in result["warnings"] if "sound" in warning] == [
        "The sound of deep is left out: it begins 1e+10 s before the video."
    ]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio


def test_chance_is_the_same_in_every_render_and_in_chunks(tmp_path: Path) -> None:
    script = """
    const g = document.querySelector("canvas").getContext("2d");
    (function draw() {
      for (let i = 0; i < 40; i++) {
        g.fillStyle = `hsl(${Math.random() * 360}, 90%, 55%)`;
        g.fillRect(crypto.getRandomValues(new Uint8Array(1))[0], Math.random() * 160, 20, 20);
      }
      requestAnimationFrame(draw);
    })();
    """
    page = composition('<canvas width="320" height="180"></canvas>', script, 'data-duration="0.5" data-no-timeline')
    page = page.replace("(function draw() {", "(function draw() { g.fillStyle = '#000'; g.fillRect(0, 0, 320, 180);")
    (tmp_path / "index.html").write_text(page)
    for name, options in (("a", []), ("b", []), ("c", ["--chunks", "3"])):
        render(tmp_path, tmp_path / f"{name}.mp4", *options)
    one, same, cut = (frames(tmp_path / f"{name}.mp4") for name in "abc")
    assert all(np.array_equal(x, y) for x, y in zip(one, same, strict=True))
    differences = [float(np.abs(x.astype(int) - y.astype(int)).mean()) for x, y in zip(one, cut, strict=True)]
    assert max(differences) < 6 < float(np.abs(one[3].astype(int) - one[4].astype(int)).mean())


def test_a_film_in_the_page_itself_is_shown_frame_by_frame(tmp_path: Path) -> None:
    data = base64.b64encode(make_film(tmp_path / "film.mp4", seconds=1.0).read_bytes()).decode()
    page = composition(film(source=f"data:video/mp4;base64,{data}"), root='data-duration="0.8" data-no-timeline')
    (tmp_path / "index.html").write_text(page)
    render(tmp_path, tmp_path / "out.mp4")
    assert numbers(tmp_path / "out.mp4") == [None] * 6 + list(range(18))


def test_a_composition_in_a_folder_may_call_its_files_as_seen_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "compositions").mkdir()
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(composition(root='data-duration="0.2" data-no-timeline'))
    make_film(tmp_path / "assets" / "film.mp4", seconds=1.0)
    parts = film(source="assets/film.mp4") + '<img src="../assets/none.png">'
    intro = composition(parts, root='data-duration="0.4" data-no-timeline')
    (tmp_path / "compositions" / "intro.html").write_text(intro)
    result = render(tmp_path, tmp_path / "out.mp4", "--composition", "compositions/intro.html")
    assert result["frames"] == 12
    assert [number for number in numbers(tmp_path / "out.mp4") if number is not None] != []
    assert any("assets/none.png is not in the project" in warning for warning in result["warnings"])


@pytest.mark.parametrize(("volume", "lowered"), [(0.5, False), (3.98, True)], ids=["as it is", "beyond full scale"])
def test_a_mix_is_lowered_only_where_aac_could_not_hold_its_peaks(volume: float, lowered: bool, tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", seconds=1)
    heard = "".join(f'<audio id="{name}" src="a.wav" data-start="0" data-volume="{volume}"></audio>' for name in "abc")
    (tmp_path / "index.html").write_text(composition(heard, root='data-duration="1" data-no-timeline'))
    result = render(tmp_path, tmp_path / "out.mp4")
    assert any("was lowered by" in warning for warning in result["warnings"]) is lowered
    level = true_peak(tmp_path / "out.mp4", ("-vn", "-c:a", "copy"), job=tmp_path)
    whole = true_peak(tmp_path / "a.wav", ("-c:a", "aac", "-b:a", "192k"), job=tmp_path) + 20 * np.log10(3 * volume)
    assert level == pytest.approx(-1.5 if lowered else whole, abs=0.5)
