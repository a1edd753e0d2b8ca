"""Two videos of one composition against each other: pictures frame by frame, and sound."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

#: Decibels that stand for "equal": PSNR is infinite there, and a mean needs a number.
EQUAL_DB = 100.0
#: The bars of the contract.
MEAN_DB, WORST_DB = 40.0, 30.0
MAX_OFFSET_SECONDS = 0.005
MAX_LEVEL_DB = 0.5
#: A frame is shifted where a neighbour of the official frame is nearer by more than so many decibels.
SHIFT_MARGIN_DB = 1.0
SAMPLE_RATE = 48_000
#: Root mean square below which there is no sound: an encoder's own noise.
SILENCE = 1e-4

Planes = NDArray[np.uint8]
Samples = NDArray[np.float64]


@dataclass
class Comparison:
    """How our video differs from the official one. `shifts`: frame, and where it is nearer (-1 or 1)."""

    frames: tuple[int, int]
    size: tuple[str, str]
    psnr: list[float] = field(default_factory=list)
    shifts: list[tuple[int, int]] = field(default_factory=list)
    #: Seconds that our sound comes late, and decibels that it is louder; None where both are silent.
    sound_offset: float | None = None
    sound_level: float | None = None
    sound_likeness: float | None = None

    @property
    def mean(self) -> float:
        """Mean PSNR in decibels."""
        return sum(self.psnr) / len(self.psnr) if self.psnr else 0.0

    @property
    def worst(self) -> float:
        """PSNR of the worst frame."""
        return min(self.psnr, default=0.0)

    def complaints(self) -> list[str]:
        """What misses the bars, one sentence each."""
        found = []
        if self.size[0] != self.size[1]:
            found.append(f"the picture is {self.size[0]}, the official one {self.size[1]}")
        if self.frames[0] != self.frames[1]:
            found.append(f"{self.frames[0]} frames, the official video has {self.frames[1]}")
        if self.psnr and self.mean < MEAN_DB:
            found.append(f"mean PSNR {self.mean:.1f} dB")
        if self.psnr and self.worst < WORST_DB:
            bad = [frame for frame, value in enumerate(self.psnr) if value < WORST_DB]
            found.append(f"{len(bad)} frames below {WORST_DB:g} dB, the worst {self.worst:.1f} dB: {bad[:12]}")
        if self.shifts:
            found.append(f"shifted frames {self.shifts[:8]}")
        return found + self._sound_complaints()

    def _sound_complaints(self) -> list[str]:
        if self.sound_level is None:
            return []
        if not math.isfinite(self.sound_level):
            return ["only one of the two has sound"]
        found = []
        if self.sound_offset is not None and abs(self.sound_offset) > MAX_OFFSET_SECONDS:
            found.append(f"the sound comes {self.sound_offset * 1000:+.1f} ms late")
        if abs(self.sound_level) > MAX_LEVEL_DB:
            found.append(f"the sound is {self.sound_level:+.2f} dB loud")
        if self.sound_likeness is not None and self.sound_likeness < 0.95:
            found.append(f"the sounds correlate by {self.sound_likeness:.2f} only")
        return found


def compare_videos(ours: Path, official: Path) -> Comparison:
    """Decode both and compare."""
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
    """All samples of each frame as they were coded: yuv420p, so that a wrong colour matrix is seen."""
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
    """Both channels of the sound at 48 kHz (count, 2); none where there is no sound."""
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
        # An edit list may hide the encoder's first samples: they stand before zero.
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
    likeness = np.fft.irfft(one * np.conj(two), length)
    at = int(likeness.argmax())
    result.sound_offset = (at if at < length // 2 else at - length) / SAMPLE_RATE
    energy = math.sqrt(float(np.sum(ours.mean(axis=1) ** 2) * np.sum(official.mean(axis=1) ** 2)))
    result.sound_likeness = float(likeness[at]) / energy if energy else 1.0
    # The official mix may be longer than the video by an encoder's block: energy, not mean power.
    result.sound_level = 10 * math.log10(float(np.sum(ours**2)) / float(np.sum(official**2)))
