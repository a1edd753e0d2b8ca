"""Compares two videos of one composition: each frame, and the sound."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

#: PSNR in dB of equal frames. It is infinite, but a mean needs a number.
EQUAL_DB = 100.0
#: The limits: mean PSNR, PSNR of the worst frame, offset and level of the sound.
MEAN_DB, WORST_DB = 40.0, 30.0
MAX_OFFSET_SECONDS = 0.005
MAX_LEVEL_DB = 0.5
#: A frame is shifted if it is more similar to a neighbour of the official frame, by more than this many dB.
SHIFT_MARGIN_DB = 1.0
SAMPLE_RATE = 48_000
#: Root mean square of silence: lower levels are encoder noise.
SILENCE = 1e-4

Planes = NDArray[np.uint8]
Samples = NDArray[np.float64]


@dataclass
class Comparison:
    """The differences between our video and the official one. `shifts`: frame, and the nearer neighbour (-1 or 1)."""

    frames: tuple[int, int]
    size: tuple[str, str]
    psnr: list[float] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)
    #: Delay of our sound in seconds, and its level in dB relative to the official one; None if both are silent.
    sound_offset: float | None = None
    sound_level: float | None = None
    sound_correlation: float | None = None

    @property
    def mean(self) -> float:
        """Mean PSNR in decibels."""
        return sum(self.psnr) / len(self.psnr) if self.psnr else 0.0

    @property
    def worst(self) -> float:
        """PSNR of the worst frame in decibels."""
        return min(self.psnr, default=0.0)

    def violations(self) -> list[str]:
        """The violated limits, one sentence each."""
        found = []
        if self.size[0] != self.size[1]:
            found.append(f"the frame size is {self.size[0]}, the official one {self.size[1]}")
        if self.frames[0] != self.frames[1]:
            found.append(f"{self.frames[0]} frames, the official video has {self.frames[1]}")
        if self.psnr and self.mean < MEAN_DB:
            found.append(f"mean PSNR {self.mean:.1f} dB")
        if self.psnr and self.worst < WORST_DB:
            bad = [frame for frame, value in enumerate(self.psnr) if value < WORST_DB]
            found.append(f"{len(bad)} frames below {WORST_DB:g} dB, the worst {self.worst:.1f} dB: {bad[:12]}")
        if self.shifts:
            found.append(f"shifted frames {self.shifts[:8]}")
        return found + self._sound_violations()

    def _sound_violations(self) -> list[str]:
        if self.sound_level is None:
            return []
        if not math.isfinite(self.sound_level):
            return ["only one of the two has sound"]
        found = []
        if self.sound_offset is not None and abs(self.sound_offset) > MAX_OFFSET_SECONDS:
            found.append(f"the sound has a delay of {self.sound_offset * 1000:+.1f} ms")
        if abs(self.sound_level) > MAX_LEVEL_DB:
            found.append(f"the sound has a level of {self.sound_level:+.2f} dB")
        if self.sound_correlation is not None and self.sound_correlation < 0.95:
            found.append(f"the sounds have a correlation of only {self.sound_correlation:.2f}")
        return found


def compare_videos(ours: Path, official: Path) -> Comparison:
    """Decode both videos and compare them."""
    our_frames, their_frames = planes(ours), planes(official)
    result = Comparison((len(our_frames), len(their_frames)), (_size(ours), _size(official)))
    if result.size[0] == result.size[1]:
        for number, frame in enumerate(our_frames[: len(their_frames)]):
            here = psnr(frame, their_frames[number])
            result.psnr.append(here)
            for step in (-1, 1):
                other = number + step
                if 0 <= other < len(their_frames) and psnr(frame, their_frames[other]) > here + SHIFT_MARGIN_DB:
                    result.shifts.append((number, step))
                    break
    _compare_sound(result, samples(ours), samples(official))
    return result


def planes(video: Path) -> list[Planes]:
    """The yuv420p planes of each frame as encoded, so that a wrong colour matrix is detected."""
    with av.open(str(video)) as container:
        return [
            np.asarray(frame.reformat(format="yuv420p").to_ndarray(), np.uint8).reshape(-1)
            for frame in container.decode(video=0)
        ]


def psnr(one: Planes, other: Planes) -> float:
    """Peak signal-to-noise ratio over all planes in decibels."""
    error = float(np.mean((one.astype(np.int16) - other.astype(np.int16)).astype(np.float64) ** 2))
    return EQUAL_DB if error == 0 else min(EQUAL_DB, 10 * math.log10(255 * 255 / error))


def _size(video: Path) -> str:
    with av.open(str(video)) as container:
        context = container.streams.video[0].codec_context
        return f"{context.width}x{context.height}"


def samples(video: Path) -> Samples:
    """The sound at 48 kHz as an array of shape (count, 2), empty if there is no sound."""
    with av.open(str(video)) as container:
        if not container.streams.audio:
            return np.zeros((0, 2))
        resampler = av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)
        parts = []
        first: float | None = None
        for frame in container.decode(audio=0):
            first = frame.time if first is None else first
            parts += [part.to_ndarray().reshape(-1, 2) for part in resampler.resample(frame)]
        parts += [part.to_ndarray().reshape(-1, 2) for part in resampler.resample(None)]
        sound = np.asarray(np.concatenate(parts), np.float64)
        # An edit list may hide the encoder's first samples, which have negative times.
        skipped = round((first or 0.0) * SAMPLE_RATE)
        return sound[-skipped:] if skipped < 0 else np.concatenate([np.zeros((skipped, 2)), sound])


def _compare_sound(result: Comparison, ours: Samples, official: Samples) -> None:
    levels = [float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0 for sound in (ours, official)]
    audible = [level > SILENCE for level in levels]
    if not any(audible):
        return
    if not all(audible):
        result.sound_level = math.inf if audible[0] else -math.inf
        return
    count = max(len(ours), len(official))
    length = 1 << (2 * count).bit_length()
    one, two = (np.fft.rfft(sound.mean(axis=1) if sound.any() else sound[:, 0], length) for sound in (ours, official))
    correlation = np.fft.irfft(one * np.conj(two), length)
    at = int(correlation.argmax())
    result.sound_offset = (at if at < length // 2 else at - length) / SAMPLE_RATE
    energy = math.sqrt(float(np.sum(ours.mean(axis=1) ** 2) * np.sum(official.mean(axis=1) ** 2)))
    result.sound_correlation = float(correlation[at]) / energy if energy else 1.0
    # The official mix may be longer by one block of the encoder, so energies are compared, not mean powers.
    result.sound_level = 10 * math.log10(float(np.sum(ours**2)) / float(np.sum(official**2)))
