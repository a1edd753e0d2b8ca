"""Mixes all sound of a video once: from clips and buses to one lossless file of exactly the video's length.

Sound is a plain sum: no level is changed that the caller did not ask for. Every clip is read by an ffmpeg of its own
from shortly before it is heard until it ends, so memory depends on how many clips sound at once, not on their length.
"""

from __future__ import annotations

import contextlib
import math
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hyperframes_render.errors import DiskFull, EncoderFailed
from hyperframes_render.input import MAX_DURATION
from hyperframes_render.media.ffmpeg import RunningFfmpeg
from hyperframes_render.media.media_file import MEDIA_INPUT, MediaFacts, MediaUnreadable, probe_media
from hyperframes_render.media.sound_clip import MAX_GAIN, MAX_RATE, MIN_RATE, SoundBus, SoundClip
from hyperframes_render.media.sound_effects import (
    CHANNELS,
    LEAD_OUT,
    SAMPLE_RATE,
    EffectsFailed,
    Processor,
    Reader,
    Samples,
    through_effects,
)

#: Samples that are mixed at a time.
_BLOCK = SAMPLE_RATE
#: Seconds to wait for the next samples of a clip. ffmpeg decodes hundreds of times faster.
_READ_TIMEOUT = 60.0
#: Seconds before the start of a trimmed clip from which its file is read.
_SEEK_MARGIN = 2.0
#: Samples (10 s) up to which a loop is decoded once and repeated from memory: each round of a longer one is an ffmpeg
#: of its own, and a sound of one sample would take 48,000 of them for a second.
_SHORT_LOOP = 10 * SAMPLE_RATE
#: Seconds (31 years) that stand for every longer time: ffmpeg reads no time above some 10 ** 12.
_FAR = 1e9
#: Speeds of a slice: those of a sound times those of the composition that it is in, and a little for rounding.
_SLICE_RATES = (MIN_RATE * MIN_RATE * 0.99, MAX_RATE * MAX_RATE * 1.01)
_BYTES_PER_SAMPLE = 4 * CHANNELS


@dataclass
class SoundReport:
    """What was mixed: clips that are heard, samples, the highest level (1 is full scale), and warnings."""

    samples: int
    heard: int = 0
    peak: float = 0.0
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)


def mix_sound(
    members: Sequence[SoundClip | SoundBus],
    duration: float | Fraction,
    output: Path,
    process: Processor | None = None,
    *,
    gain: float = 1.0,
) -> SoundReport:
    """Mix clips and buses into `output` (.wav or .flac, 48 kHz, two channels, 16 bit) of `duration` seconds, at `gain`
    times their level. Blocking.

    A clip that cannot be read is left out with a warning: one bad file does not silence the rest. `process` applies
    effects; those that cannot be applied are left out with a warning. Raises EncoderFailed or DiskFull.
    """
    report = SoundReport(round(duration * SAMPLE_RATE))
    whole = _Sum(members, _Bench(report, output.parent, process))
    try:
        with _SampleFile(output) as target:
            for first in range(0, report.samples, _BLOCK):
                block = whole.read(min(_BLOCK, report.samples - first)) * np.float32(gain)
                report.peak = max(report.peak, float(np.abs(block).max(initial=0.0)))
                target.write(block)
    finally:
        whole.close()
    if report.peak > 1.0:
        excess = 20 * np.log10(report.peak)
        report.warn(f"The sound is {excess:.1f} dB too loud at its loudest and was cut there: lower a volume.")
    return report


@dataclass(frozen=True)
class _Bench:
    """The values that all voices of a mix share."""

    report: SoundReport
    folder: Path
    process: Processor | None


class _Sum:
    """The sum of voices, in order. Silence where there are none."""

    def __init__(self, members: Sequence[SoundClip | SoundBus], bench: _Bench) -> None:
        voices = (_Voice(member, bench) for member in members if _is_heard(member, bench.report))
        self._waiting = sorted(voices, key=lambda voice: voice.first)
        self._sounding: list[_Voice] = []
        self._position = 0

    def read(self, count: int) -> Samples:
        """The next `count` samples."""
        block, first = np.zeros((count, CHANNELS), np.float32), self._position
        self._position += count
        while self._waiting and self._waiting[0].first < self._position:
            self._sounding.append(self._waiting.pop(0))
        for voice in list(self._sounding):
            voice.add_to(block, first)
            if voice.ended:
                self._sounding.remove(voice)
                voice.close()
        return block

    def close(self) -> None:
        """Close all voices."""
        for voice in self._sounding:
            voice.close()


def _is_heard(sound: SoundClip | SoundBus, report: SoundReport) -> bool:
    """Whether a clip is heard at its times. Adds a warning if the times cannot be meant."""
    if isinstance(sound, SoundBus):
        return True
    # The part before the video's start is read and skipped: at most the length of the longest video.
    if sound.duration is not None and (sound.duration <= 0 or sound.start + sound.duration < -MAX_DURATION):
        return False
    if fault := _fault(sound):
        report.warn(f"The sound of {sound.label} is left out: {fault}.")
    return not fault


def _fault(clip: SoundClip) -> str:
    """What is wrong with the times of a clip, whatever its file holds; empty if nothing is."""
    times = (clip.start, clip.duration or 0.0, clip.media_start, *(time for piece in clip.ramp for time in piece))
    if not all(map(math.isfinite, times)):
        return "one of its times is no number"
    if clip.start < -MAX_DURATION:
        return f"it begins {-clip.start:g} s before the video"
    if clip.media_start > _FAR:
        return f"it begins {clip.media_start:g} s into its file"
    low, high = _SLICE_RATES
    begins = (0.0, *(end for _, end in clip.ramp))
    for begin, (seconds, end) in zip(begins, clip.ramp, strict=False):
        if not (seconds > 0 and low * seconds <= end - begin <= high * seconds):
            return "its speed is not from 0.01 to 100 everywhere"
    return ""


class _Voice:
    """One clip or bus while it is mixed."""

    def __init__(self, sound: SoundClip | SoundBus, bench: _Bench) -> None:
        self._sound, self._bench = sound, bench
        clip = sound if isinstance(sound, SoundClip) else None
        start = round(min(clip.start, _FAR) * SAMPLE_RATE) if clip else 0
        self.first = max(0, start)
        #: Samples before the video's start.
        self._skipped = max(0, -start)
        #: Samples until the video's end.
        self._whole = bench.report.samples + self._skipped
        duration = clip.duration if clip else None
        self._length = self._whole if duration is None else round(min(duration, _FAR) * SAMPLE_RATE)
        #: Seconds after its start at which a fade-out ends.
        self._fade_end = self._length / SAMPLE_RATE
        self.ended = False
        self._heard = False
        self._reader: Reader | None = None

    def add_to(self, block: Samples, first: int) -> None:
        """Add the part of the sound in `block`, which begins at sample `first` of the video."""
        offset = max(0, self.first - first)
        local = first + offset - self.first + self._skipped
        try:
            if self._reader is None:
                self._reader = self._open()
                _skip(self._reader, local)  # the part before the video's start
            wanted = max(0, min(len(block) - offset, self._length - local))
            samples = self._reader.read(wanted)
        except MediaUnreadable as unreadable:
            self._bench.report.warn(f"The sound of {self._sound.label} is left out: {unreadable}.")
            self.ended = True
            return
        if len(samples):
            self._heard = isinstance(self._sound, SoundClip)
            samples *= _gains(self._sound, self._fade_end, local, len(samples))[:, None]
            block[offset : offset + len(samples)] += samples
        self.ended = len(samples) < wanted or local + wanted >= self._length

    def _open(self) -> Reader:
        effects, process = self._sound.effects, self._bench.process
        dry = self._dry()
        if effects is None or process is None:
            return dry
        # Nothing after the video's end is heard, except what effects look ahead to. Without this limit a loop of a
        # million seconds would be processed to its end.
        wanted = min(self._length, self._whole + LEAD_OUT * SAMPLE_RATE)
        try:
            made, count = through_effects(dry, effects, wanted, process, self._bench.folder)
        except EffectsFailed as failed:
            self._bench.report.warn(f"The sound of {self._sound.label} is heard without its effects: {failed}.")
            return self._dry()
        if count < wanted or wanted == self._length:
            self._fade_end = count / SAMPLE_RATE
        # An effect's tail sounds after the clip.
        self._length = made.length
        return made

    def _dry(self) -> Reader:
        """The reader of the sound before its effects."""
        if isinstance(self._sound, SoundBus):
            return _Sum(self._sound.members, self._bench)
        clip, source = self._sound, _Source(self._sound, self._length)
        if clip.duration is None and not clip.loop and source.facts.duration is not None:
            self._fade_end = (source.facts.duration - clip.media_start) / clip.rate
        return source

    def close(self) -> None:
        """Close files and processes."""
        self._bench.report.heard += self._heard
        if self._reader is not None:
            self._reader.close()


def _skip(reader: Reader, count: int) -> None:
    """Read and drop `count` samples of `reader`, a block at a time: they may be hours. It may end earlier."""
    while count > 0:
        if isinstance(reader, _Source) and reader.turn(count):
            return
        block = min(_BLOCK, count)
        if len(reader.read(block)) < block:
            return
        count -= block


def _gains(sound: SoundClip | SoundBus, length: float, first: int, count: int) -> Samples:
    """The gain of each of `count` samples from sample `first` of the sound on, which is `length` seconds long."""
    times = (np.arange(first, first + count) / SAMPLE_RATE).astype(np.float64)
    if sound.envelope:
        points = sorted(sound.envelope, key=lambda point: point[0])
        gains = np.interp(times, [at for at, _ in points], [min(max(gain, 0.0), MAX_GAIN) for _, gain in points])
    else:
        gains = np.full(count, min(max(sound.volume, 0.0), MAX_GAIN))
    fades = (sound.fade_in, sound.fade_out) if isinstance(sound, SoundClip) else (0.0, 0.0)
    fade_in, fade_out = (max(fade, 0.0) for fade in fades)
    if fade_in + fade_out > length > 0:  # in a short clip, each gets its share
        share = length / (fade_in + fade_out)
        fade_in, fade_out = fade_in * share, fade_out * share
    if fade_in > 0:
        gains = gains * np.clip(times / fade_in, 0, 1)
    if fade_out > 0:
        gains = gains * np.clip((length - times) / fade_out, 0, 1)
    return np.asarray(gains, np.float32)


class _Source:
    """The samples of a clip in order. ffmpeg decodes them and converts them to 48 kHz stereo and the clip's speed."""

    def __init__(self, clip: SoundClip, length: int) -> None:
        self._clip = clip
        self.facts = probe_media(clip.path)
        if self.facts.sound is None:
            raise MediaUnreadable("it has no sound")
        if not MIN_RATE <= clip.rate <= MAX_RATE:
            raise MediaUnreadable(f"its rate {clip.rate:g} is not from {MIN_RATE:g} to {MAX_RATE:g}")
        self._needed = clip.ramp[-1][1] if clip.ramp else length / SAMPLE_RATE * clip.rate
        self._process = _Decoder(_decoder_arguments(clip, self.facts, self._needed))
        #: The samples of a loop's first round so far, while it is short.
        self._round: list[Samples] | None = [] if clip.loop else None
        #: The whole round of a short loop, and the position in the next round.
        self._tile: Samples | None = None
        self._tile_position = 0

    def read(self, count: int) -> Samples:
        """The next `count` samples, fewer where the clip ends. Raises MediaUnreadable."""
        if self._tile is not None:
            return self._tiled(count)
        samples = self._decoded(count)
        while self._clip.loop and len(samples) < count and self._process.produced:
            self._process.close()
            if self._round is not None:
                self._tile, self._round = np.concatenate(self._round), None
                return np.concatenate([samples, self._tiled(count - len(samples))])
            self._process = _Decoder(_decoder_arguments(self._clip, self.facts, self._needed))
            samples = np.concatenate([samples, self._decoded(count - len(samples))])
        return samples

    def _decoded(self, count: int) -> Samples:
        samples = self._process.read(count)
        if self._round is not None:
            self._round.append(samples.copy())  # the caller changes them
            if sum(map(len, self._round)) > _SHORT_LOOP:
                self._round = None
        return samples

    def turn(self, count: int) -> bool:
        """Skip `count` samples if a short loop is in memory. Returns whether it is."""
        if self._tile is None:
            return False
        self._tile_position = (self._tile_position + count) % len(self._tile)
        return True

    def _tiled(self, count: int) -> Samples:
        assert self._tile is not None
        places = (self._tile_position + np.arange(count)) % len(self._tile)
        self._tile_position = (self._tile_position + count) % len(self._tile)
        return self._tile[places]

    def close(self) -> None:
        """End ffmpeg."""
        self._process.close()


def _decoder_arguments(clip: SoundClip, facts: MediaFacts, needed: float) -> list[str]:
    assert facts.sound is not None
    # A seek ends at a key frame of the video. The sound of that moment may be earlier in the file.
    seek = max(0.0, clip.media_start - _SEEK_MARGIN)
    if not facts.exact_seek or seek < facts.sound.start:
        seek = 0.0
    filters = []
    if (rest := clip.media_start - seek) > 0:
        filters.append(f"atrim=start={rest:.6f},asetpts=PTS-{rest:.6f}/TB")
    # Gaps are filled where the file's sound begins late or pauses: otherwise the rest would come early.
    filters.append(f"aresample={SAMPLE_RATE}:async=1:first_pts=0:rematrix_maxval=1")
    # ffmpeg would lower a single channel by 3 dB.
    filters.append("pan=stereo|c0=c0|c1=c0" if facts.sound.channels == 1 else "aformat=channel_layouts=stereo")
    graph = f"[0:a:0]{','.join(filters)}"
    graph += _slices(clip.ramp) if clip.ramp else "".join(f",{tempo}" for tempo in _tempos(clip.rate)) + "[sound]"
    arguments = ["-ss", f"{seek:.6f}"] if seek else []
    if not clip.loop:
        arguments += ["-t", f"{needed + (clip.media_start - seek):.6f}"]
    return [
        *(*MEDIA_INPUT, *arguments, "-i", f"file:{clip.path}"),
        *("-filter_complex", graph, "-map", "[sound]", "-vn", "-sn", "-dn", "-ac", str(CHANNELS)),
        *("-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"),
    ]


def _slices(ramp: Sequence[tuple[float, float]]) -> str:
    """The end of a filter graph that plays slices of the sound one after the other, each at its own speed."""
    names = range(len(ramp))
    parts = [f",asplit={len(ramp)}" + "".join(f"[in{name}]" for name in names)]
    begin = 0.0
    for name, (seconds, end) in zip(names, ramp, strict=True):
        tempo = [f"atrim=start={begin:.6f}:end={end:.6f}", "asetpts=PTS-STARTPTS", *_tempos((end - begin) / seconds)]
        # Padded to the length of its slice: the filter that changes the tempo may end a little early.
        parts.append(f"[in{name}]{','.join(tempo)},apad,asetpts=N/SR/TB,atrim=0:{seconds:.6f}[out{name}]")
        begin = end
    return ";".join([*parts, "".join(f"[out{name}]" for name in names) + f"concat=n={len(ramp)}:v=0:a=1[sound]"])


def _tempos(rate: float) -> Iterator[str]:
    """Filters that change the tempo by `rate` in all, each by 0.5 to 2: in this range ffmpeg keeps every sample."""
    while rate < 0.5:
        yield "atempo=0.5"
        rate /= 0.5
    while rate > 2:
        yield "atempo=2"
        rate /= 2
    if abs(rate - 1) > 1e-9:
        yield f"atempo={rate:.9g}"


class _Decoder(RunningFfmpeg):
    """A running ffmpeg that writes samples to a pipe as fast as they are read."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments, level="error", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        #: Whether it wrote any sample.
        self.produced = False

    def read(self, count: int) -> Samples:
        """The next `count` samples, fewer at the end. Raises MediaUnreadable."""
        assert self._process.stdout is not None
        wanted = count * _BYTES_PER_SAMPLE
        parts: list[bytes] = []
        deadline = time.monotonic() + _READ_TIMEOUT
        while wanted:
            if not select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise MediaUnreadable(f"ffmpeg gave no sample of it within {_READ_TIMEOUT:g} s")
            part = self._process.stdout.read1(wanted)  # type: ignore[attr-defined]
            if not part:
                break
            parts.append(part)
            wanted -= len(part)
        data = b"".join(parts)
        samples = np.frombuffer(data[: len(data) // _BYTES_PER_SAMPLE * _BYTES_PER_SAMPLE], "<f4")
        self.produced = self.produced or samples.size > 0
        if wanted and not self.produced and self._process.wait(_READ_TIMEOUT) != 0:
            raise MediaUnreadable(self._last_message())
        return samples.reshape(-1, CHANNELS).copy()

    def _last_message(self) -> str:
        lines = self.messages()
        return lines[-1].split("] ", 1)[-1][:160] if lines else f"ffmpeg ended with {self._process.returncode}"

    def close(self) -> None:
        """End it at once."""
        self.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._messages.close()


class _SampleFile:
    """A .wav file (RF64 if it is large) or .flac file that samples are appended to."""

    def __init__(self, path: Path) -> None:
        codecs = {".wav": "pcm_s16le", ".flac": "flac"}
        if path.suffix not in codecs:
            raise EncoderFailed(f'The mix "{path.name}" ends neither in .wav nor in .flac.')
        options = {"rf64": "auto"} if path.suffix == ".wav" else {}
        try:
            self._container = av.open(str(path), "w", format=path.suffix[1:], options=options)
        except (av.FFmpegError, OSError) as error:
            raise EncoderFailed(f"The sound cannot be written: {error}.") from error
        stream = self._container.add_stream(codecs[path.suffix], rate=SAMPLE_RATE, layout="stereo", format="s16")
        assert isinstance(stream, av.AudioStream)
        self._stream = stream
        self._position = 0

    def __enter__(self) -> _SampleFile:
        return self

    def write(self, samples: Samples) -> None:
        """Append samples. Levels above full scale are clipped."""
        whole = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._position
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._position += len(samples)
        self._mux(frame)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._mux(None)
        finally:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._container.close()

    def _mux(self, frame: av.AudioFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (av.FFmpegError, OSError) as error:
            if "No space left" in str(error):
                raise DiskFull(
                    "The disk is full: the sound could not be written.", "Make room and try again."
                ) from error
            raise EncoderFailed(f"The sound could not be written: {error}.") from error
