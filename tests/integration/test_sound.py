"""The mix is a plain, sample-accurate sum of its clips, exactly as long as the video."""

from __future__ import annotations

import math
import subprocess
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperframes_render.media import sound, sound_effects
from hyperframes_render.media.ffmpeg import ffmpeg_path
from hyperframes_render.media.sound import mix_sound
from hyperframes_render.media.sound_clip import Effects, SoundBus, SoundClip
from hyperframes_render.media.sound_effects import SAMPLE_RATE, EffectsFailed, Samples

Signal = NDArray[np.float64]


def write_wav(path: Path, signal: Signal, rate: int = SAMPLE_RATE) -> Path:
    """A 16-bit file of one channel (one axis) or several (two axes)."""
    whole = np.rint(np.clip(signal, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1 if whole.ndim == 1 else whole.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(whole.tobytes())
    return path


def read_samples(path: Path) -> Signal:
    """All samples (count, 2), full scale 1."""
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0)]
    return np.asarray(np.concatenate(parts), np.float64) / 32768


def noise(seconds: float, seed: int = 1, level: float = 0.3) -> Signal:
    """Noise finds its place in a cross-correlation to the sample."""
    return np.random.default_rng(seed).uniform(-level, level, round(seconds * SAMPLE_RATE))


def tone(seconds: float, hertz: float = 440, level: float = 0.5) -> Signal:
    """A sine."""
    return level * np.sin(2 * math.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def level(signal: Signal) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(signal**2)))


def mixed(tmp_path: Path, *clips: SoundClip, seconds: float = 1.0, suffix: str = ".wav") -> Signal:
    """The samples of a mix that had nothing to complain about."""
    report = mix_sound(clips, seconds, tmp_path / f"mix{suffix}")
    assert report.warnings == []
    samples = read_samples(tmp_path / f"mix{suffix}")
    assert len(samples) == report.samples == round(seconds * SAMPLE_RATE)
    return samples


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_clip_stands_at_its_sample_at_its_level_on_both_sides(tmp_path: Path, suffix: str) -> None:
    signal = noise(0.5)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), start=0.25)
    samples = mixed(tmp_path, clip, seconds=1.0, suffix=suffix)
    first = round(0.25 * SAMPLE_RATE)
    assert not samples[:first].any() and not samples[first + len(signal) :].any()
    for side in (0, 1):
        assert np.abs(samples[first : first + len(signal), side] - signal).max() < 1e-4


def test_a_mix_across_block_edges_is_the_sum_of_its_clips(tmp_path: Path) -> None:
    one, two = noise(2.0, seed=1), noise(1.5, seed=2)
    samples = mixed(
        tmp_path,
        SoundClip(write_wav(tmp_path / "one.wav", one), start=0.4),
        SoundClip(write_wav(tmp_path / "two.wav", two), start=0.9),
        seconds=2.75,
    )
    expected = np.zeros(round(2.75 * SAMPLE_RATE))
    for signal, start in ((one, 0.4), (two, 0.9)):
        first = round(start * SAMPLE_RATE)
        expected[first : first + len(signal)] += signal
    assert np.abs(samples[:, 0] - expected).max() < 1e-4


def test_trim_and_slot_take_a_stretch_of_the_file(tmp_path: Path) -> None:
    signal = noise(2.0)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), start=0.1, media_start=0.7, duration=0.3)
    samples = mixed(tmp_path, clip)
    first, length = round(0.1 * SAMPLE_RATE), round(0.3 * SAMPLE_RATE)
    begin = round(0.7 * SAMPLE_RATE)
    assert np.abs(samples[first : first + length, 0] - signal[begin : begin + length]).max() < 1e-4
    assert not samples[first + length :].any()


def test_a_clip_that_begins_before_the_video_is_cut_there(tmp_path: Path) -> None:
    signal = noise(1.0)
    samples = mixed(tmp_path, SoundClip(write_wav(tmp_path / "a.wav", signal), start=-0.4), seconds=0.5)
    begin = round(0.4 * SAMPLE_RATE)
    assert np.abs(samples[:, 0] - signal[begin : begin + len(samples)]).max() < 1e-4


def test_rate_changes_the_tempo_and_not_the_pitch(tmp_path: Path) -> None:
    clip = SoundClip(write_wav(tmp_path / "a.wav", tone(2.0)), rate=2.0)
    samples = mixed(tmp_path, clip, seconds=1.5)[:, 0]
    assert level(samples[: SAMPLE_RATE * 9 // 10]) == pytest.approx(0.5 / math.sqrt(2), rel=0.05)
    assert level(samples[round(1.05 * SAMPLE_RATE) :]) < 0.01
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=4)


def test_volume_envelope_and_fades_shape_the_level(tmp_path: Path) -> None:
    signal = np.full(2 * SAMPLE_RATE, 0.2)
    path = write_wav(tmp_path / "a.wav", signal)

    def at(samples: Signal, second: float) -> float:
        return float(samples[round(second * SAMPLE_RATE), 0])

    louder = mixed(tmp_path, SoundClip(path, volume=2.0))
    assert at(louder, 0.5) == pytest.approx(0.4, abs=1e-3)
    bent = mixed(tmp_path, SoundClip(path, volume=3, envelope=((0.2, 0.0), (0.6, 1.0))))
    assert [at(bent, t) for t in (0.1, 0.4, 0.8)] == pytest.approx([0, 0.1, 0.2], abs=1e-3)
    faded = mixed(tmp_path, SoundClip(path, duration=1.0, fade_in=0.5, fade_out=0.25))
    assert [at(faded, t) for t in (0.25, 0.6, 0.875)] == pytest.approx([0.1, 0.2, 0.1], abs=1e-3)
    crowded = mixed(tmp_path, SoundClip(path, duration=0.9, fade_in=2.0, fade_out=1.0))
    assert [at(crowded, t) for t in (0.3, 0.6, 0.75)] == pytest.approx([0.1, 0.2, 0.1], abs=1e-3)


def test_a_loop_goes_back_to_its_trim_without_a_gap(tmp_path: Path) -> None:
    signal = noise(0.5)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), media_start=0.25, duration=0.9, loop=True)
    samples = mixed(tmp_path, clip)[:, 0]
    part = signal[round(0.25 * SAMPLE_RATE) :]
    expected = np.tile(part, 4)[: round(0.9 * SAMPLE_RATE)]
    assert np.abs(samples[: len(expected)] - expected).max() < 1e-4


@pytest.mark.parametrize(("count", "most"), [(1, 1), (37, 1), (SAMPLE_RATE, 1), (11 * SAMPLE_RATE, 3)])
def test_a_short_loop_is_decoded_once_and_every_loop_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, most: int
) -> None:
    started: list[object] = []

    class Counted(sound._Decoder):
        def __init__(self, arguments: list[str]) -> None:
            started.append(arguments)
            assert len(started) <= most, "not one for each round"
            super().__init__(arguments)

    monkeypatch.setattr(sound, "_Decoder", Counted)
    signal = noise(count / SAMPLE_RATE)
    # The volume must not be applied again in each round.
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), volume=0.5, loop=True)
    seconds = 2.5 * max(1, count // SAMPLE_RATE)
    samples = mixed(tmp_path, clip, seconds=seconds)[:, 0]
    expected = np.resize(signal, len(samples)) * 0.5
    assert np.abs(samples - expected).max() < 1e-4
    assert len(started) == most


def test_sound_that_begins_late_in_its_file_stays_late(tmp_path: Path) -> None:
    signal = noise(1.0)
    wav, video = write_wav(tmp_path / "a.wav", signal), tmp_path / "late.mkv"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "color=red:size=16x16:rate=25:duration=1"]
    command += ["-itsoffset", "0.2", "-i", str(wav), "-c:a", "flac", "-c:v", "mpeg4", str(video)]
    subprocess.run(command, check=True)
    for trim in (0.0, 0.1, 0.5):
        samples = mixed(tmp_path, SoundClip(video, media_start=trim), seconds=0.4)[:, 0]
        expected = np.concatenate([np.zeros(round(0.2 * SAMPLE_RATE)), signal])[round(trim * SAMPLE_RATE) :]
        assert np.abs(samples - expected[: len(samples)]).max() < 1e-4


def test_a_trim_far_into_a_film_is_exact(tmp_path: Path) -> None:
    signal = noise(6.0)
    wav, video = write_wav(tmp_path / "a.wav", signal), tmp_path / "video.mp4"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "color=red:size=16x16:rate=25:duration=6"]
    command += ["-i", str(wav), "-c:a", "flac", "-strict", "-2", "-c:v", "mpeg4", str(video)]
    subprocess.run(command, check=True)
    samples = mixed(tmp_path, SoundClip(video, media_start=4.5), seconds=1.0)[:, 0]
    assert np.abs(samples - signal[round(4.5 * SAMPLE_RATE) :][: len(samples)]).max() < 1e-4


def test_compressed_sound_is_not_shifted(tmp_path: Path) -> None:
    signal = noise(2.0)
    wav = write_wav(tmp_path / "a.wav", signal)
    for name, codec in (("a.m4a", "aac"), ("a.mp3", "libmp3lame"), ("a.ogg", "libopus")):
        subprocess.run(
            [ffmpeg_path(), "-v", "error", "-i", str(wav), "-c:a", codec, "-b:a", "192k", str(tmp_path / name)],
            check=True,
        )
        for trim in (0.0, 0.5):
            samples = mixed(tmp_path, SoundClip(tmp_path / name, media_start=trim))[:, 0]
            wanted = signal[round(trim * SAMPLE_RATE) :][: len(samples)]
            likeness = np.fft.irfft(np.fft.rfft(samples) * np.conj(np.fft.rfft(wanted)))
            shift = int(likeness.argmax())
            assert min(shift, len(samples) - shift) <= 2, (name, trim, shift)


def test_a_bad_file_is_named_and_the_others_are_heard(tmp_path: Path) -> None:
    good = write_wav(tmp_path / "good.wav", noise(0.5))
    (tmp_path / "text.mp3").write_text("<!doctype html><p>not found</p>" * 100)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "list.wav").write_text(f"#EXTM3U\n#EXTINF:1,\n{good}\n#EXT-X-ENDLIST\n")
    (tmp_path / "concat.wav").write_text(f"ffconcat version 1.0\nfile '{good}'\n")
    names = ("text.mp3", "empty.wav", "list.wav", "concat.wav", "none.wav")
    clips = [SoundClip(good), *(SoundClip(tmp_path / name) for name in names)]
    report = mix_sound(clips, 0.5, tmp_path / "mix.wav")
    assert report.heard == 1 and report.peak > 0.2
    assert [warning.split(" is left out")[0] for warning in report.warnings] == [f"The sound of {n}" for n in names]


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ({"start": -1e12}, "it begins 1e+12 s before the video"),
        ({"start": -1e12, "loop": True, "effects": Effects("{}")}, "it begins 1e+12 s before the video"),
        ({"media_start": 1e300}, "it begins 1e+300 s into its file"),
        ({"media_start": 1e300, "loop": True}, "it begins 1e+300 s into its file"),
        ({"start": math.inf}, "one of its times is no number"),
        ({"start": math.nan}, "one of its times is no number"),
        ({"duration": math.inf}, "one of its times is no number"),
        ({"duration": 1.0, "ramp": ((1.0, 0.0),)}, "its speed is not from 0.01 to 100 everywhere"),
        ({"ramp": ((1.0, -1.0),)}, "its speed is not from 0.01 to 100 everywhere"),
        ({"duration": 1.0, "ramp": ((0.0, 1.0),)}, "its speed is not from 0.01 to 100 everywhere"),
        ({"duration": 1.0, "ramp": ((1e-300, 1.0),)}, "its speed is not from 0.01 to 100 everywhere"),
    ],
)
def test_times_that_cannot_be_meant_leave_the_sound_out_with_a_warning(
    tmp_path: Path, times: dict[str, Any], why: str
) -> None:
    clip = SoundClip(write_wav(tmp_path / "a.wav", noise(1)), name="bed", **times)
    report = mix_sound([clip], 0.5, tmp_path / "mix.wav", echo)
    assert report.warnings == [f"The sound of bed is left out: {why}."]
    assert not read_samples(tmp_path / "mix.wav").any()


@pytest.mark.parametrize(
    ("times", "heard"),
    [
        ({"start": 1e300}, False),
        ({"start": -3600.0}, False),
        ({"start": -1e12, "duration": 1.0}, False),
        ({"media_start": 1e8}, False),
        ({"duration": 0.0, "ramp": ((0.0, 0.0),)}, False),
        ({"duration": -1e300}, False),
        ({"duration": 1e300}, True),
        ({"duration": 1e9, "loop": True, "effects": Effects("{}")}, True),
    ],
)
def test_far_times_are_silence_or_the_sound_itself(tmp_path: Path, times: dict[str, Any], heard: bool) -> None:
    signal = noise(1)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), **times)
    report = mix_sound([clip], 0.5, tmp_path / "mix.wav", lambda samples, effects, elapsed: samples)
    assert report.warnings == [] and report.heard == heard
    expected = signal[: SAMPLE_RATE // 2] * heard
    assert np.abs(read_samples(tmp_path / "mix.wav")[:, 0] - expected).max() < 1e-4


def test_the_slowest_lane_in_the_slowest_composition_is_played(tmp_path: Path) -> None:
    slowest = SoundClip(write_wav(tmp_path / "a.wav", noise(1)), ramp=((100.0, 1.0),))
    assert mixed(tmp_path, slowest, seconds=0.5).any()


def test_what_lies_hours_before_the_video_is_passed_over_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = sound._Decoder.read

    def noted(decoder: sound._Decoder, count: int) -> Samples:
        asked.append(count)
        return read(decoder, count)

    monkeypatch.setattr(sound._Decoder, "read", noted)
    signal = noise(1.5)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), start=-3600.25, loop=True)
    samples = mixed(tmp_path, clip, seconds=0.5)[:, 0]
    assert max(asked) <= SAMPLE_RATE and len(asked) < 10
    assert np.abs(samples - signal[SAMPLE_RATE // 4 : SAMPLE_RATE * 3 // 4]).max() < 1e-4


def test_a_fade_out_beyond_the_video_s_end_stays_there_with_effects(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(4))
    plain = SoundClip(path, duration=4.0, fade_out=4.0)
    samples = mixed(tmp_path, plain, seconds=0.5)
    through = SoundClip(path, duration=4.0, fade_out=4.0, effects=Effects("{}"))
    mix_sound([through], 0.5, tmp_path / "mix.wav", lambda samples, effects, elapsed: samples)
    assert np.abs(read_samples(tmp_path / "mix.wav") - samples).max() < 1e-4


def test_nothing_to_hear_is_silence_of_the_right_length(tmp_path: Path) -> None:
    samples = mixed(tmp_path, seconds=1.2345)
    assert not samples.any()


def test_a_sum_beyond_full_scale_is_said(tmp_path: Path) -> None:
    loud = SoundClip(write_wav(tmp_path / "a.wav", np.full(4800, 0.8)))
    report = mix_sound([loud, loud], 0.1, tmp_path / "mix.wav")
    assert "4.1 dB too loud" in report.warnings[0]
    assert read_samples(tmp_path / "mix.wav").max() > 0.999


def test_a_bus_is_turned_as_one_in_the_time_of_the_video(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", np.full(SAMPLE_RATE, 0.2))
    members = (SoundClip(path, duration=0.5), SoundClip(path, start=0.25, volume=0.5))
    inner = SoundBus(members, volume=0.5)
    report = mix_sound([SoundBus((inner,), envelope=((0.0, 1.0), (1.0, 0.0)))], 1.0, tmp_path / "mix.wav")
    assert report.heard == 2
    samples = read_samples(tmp_path / "mix.wav")[:, 0]
    wanted = [0.1 * 0.9, 0.15 * 0.6, 0.05 * 0.2]
    assert [samples[round(t * SAMPLE_RATE)] for t in (0.1, 0.4, 0.8)] == pytest.approx(wanted, abs=1e-3)


def echo(samples: Samples, effects: Effects, elapsed: float) -> Samples:
    """An effect with a tail: each sample again, half as loud, a tenth of a second later."""
    late = SAMPLE_RATE // 10
    made = np.concatenate([samples, np.zeros((late, 2), np.float32)])
    made[late:] += samples * 0.5
    return made


def test_effects_come_before_gains_and_their_tail_sounds_after_the_clip(tmp_path: Path) -> None:
    signal = noise(0.5)
    path = write_wav(tmp_path / "a.wav", signal)
    clip = SoundClip(path, start=0.2, duration=0.4, volume=0.5, effects=Effects("{}"))
    assert mix_sound([clip], 1.0, tmp_path / "mix.wav", echo).warnings == []
    samples = read_samples(tmp_path / "mix.wav")[:, 0]
    first, length, late = (round(t * SAMPLE_RATE) for t in (0.2, 0.4, 0.1))
    expected = np.zeros(SAMPLE_RATE)
    expected[first : first + length] += signal[:length] * 0.5
    expected[first + late : first + late + length] += signal[:length] * 0.25
    assert np.abs(samples - expected).max() < 1e-4


def test_a_long_sound_goes_through_effects_in_windows_without_a_seam(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("WINDOW", 2), ("LEAD_IN", 1), ("LEAD_OUT", 1)):
        monkeypatch.setattr(sound_effects, name, seconds)
    signal = noise(7)
    beginnings = []

    def noted(samples: Samples, effects: Effects, elapsed: float) -> Samples:
        beginnings.append(elapsed)
        return echo(samples, effects, elapsed)

    bus = SoundBus((SoundClip(write_wav(tmp_path / "a.wav", signal)),), effects=Effects("{}"))
    mix_sound([bus], 6.5, tmp_path / "mix.wav", noted)
    late = SAMPLE_RATE // 10
    expected = signal[: round(6.5 * SAMPLE_RATE)].copy()
    expected[late:] += signal[: len(expected) - late] * 0.5
    assert np.abs(read_samples(tmp_path / "mix.wav")[:, 0] - expected).max() < 1e-4
    assert beginnings == pytest.approx([0, 1, 3], abs=0.003)


def test_effects_that_cannot_be_applied_are_named_and_the_sound_is_heard(tmp_path: Path) -> None:
    signal = noise(0.5)
    clip = SoundClip(write_wav(tmp_path / "a.wav", signal), effects=Effects("no chain"), name="bed")

    def broken(samples: Samples, effects: Effects, elapsed: float) -> Samples:
        raise EffectsFailed("it is no chain")

    report = mix_sound([clip], 0.5, tmp_path / "mix.wav", broken)
    assert report.warnings == ["The sound of bed is heard without its effects: it is no chain."]
    assert np.abs(read_samples(tmp_path / "mix.wav")[:, 0] - signal).max() < 1e-4


def test_slices_of_one_speed_each_keep_the_pitch_and_their_lengths(tmp_path: Path) -> None:
    low, high = tone(1.0), tone(1.0, hertz=880)
    path = write_wav(tmp_path / "a.wav", np.concatenate([low, high]))
    samples = mixed(tmp_path, SoundClip(path, duration=2.5, ramp=((0.5, 1.0), (2.0, 2.0))), seconds=2.5)[:, 0]
    for begin, end, hertz in ((0.05, 0.45, 440), (0.6, 2.4, 880)):
        part = samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        assert int(np.abs(np.fft.rfft(part)).argmax()) / (end - begin) == pytest.approx(hertz, abs=6)
