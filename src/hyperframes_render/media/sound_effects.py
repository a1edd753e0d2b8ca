"""Applies effects to a sound, window by window, and keeps the result in a file until it is mixed."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hyperframes_render.errors import DiskFull
from hyperframes_render.media.sound_clip import Effects

#: Samples a second of every mix, as in the official renderer. Every mix has two channels.
SAMPLE_RATE = 48_000
CHANNELS = 2
#: Seconds that are processed at a time. This process and the browser hold several copies of them.
WINDOW = 120
#: Seconds before a window that its effects process again. What effects remember for longer is lost at its edge.
LEAD_IN = 30
#: Seconds after a window, for effects that look ahead.
LEAD_OUT = 1
#: Automation counts from a sound's start: such a sound is one window, of at most this length (seconds).
LONGEST_MOVING = 600
#: Samples that the browser processes at a time. Windows begin at multiples of it.
_QUANTUM = 128

Samples = NDArray[np.float32]
#: Applies effects to samples of the shape (count, 2), which begin at a number of seconds after the sound's start.
#: Returns the samples with the effects' tail, or raises EffectsFailed. Blocking.
Processor = Callable[[Samples, Effects, float], Samples]


class EffectsFailed(Exception):
    """Effects cannot be applied. The message gives the reason."""


class Reader(Protocol):
    """A source of samples, read in order."""

    def read(self, count: int) -> Samples:
        """The next `count` samples (count, 2), fewer at the end."""

    def close(self) -> None:
        """Close files and processes."""


class StoredSound:
    """Samples in an unnamed temporary file: written once, then read in order."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self.length = 0

    def append(self, samples: Samples) -> None:
        """Write samples. Raises DiskFull."""
        try:
            self._file.write(np.ascontiguousarray(samples, "<f4").tobytes())
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise DiskFull("The disk is full: the sound could not be written.", "Make room and try again.") from error
        self.length += len(samples)

    def rewind(self) -> None:
        """Go to the first sample, for reading."""
        self._file.seek(0)

    def read(self, count: int) -> Samples:
        """The next samples, fewer at the end."""
        data = self._file.read(count * 4 * CHANNELS)
        return np.frombuffer(data, "<f4").reshape(-1, CHANNELS).copy()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def through_effects(
    reader: Reader, effects: Effects, length: int, process: Processor, folder: Path
) -> tuple[StoredSound, int]:
    """Process `length` samples of `reader`: the result with its tail, and the number of samples read. Closes `reader`.

    Raises EffectsFailed, and what reading raises.
    """
    made = StoredSound(folder)
    try:
        count = _process_windows(reader, effects, length, process, made)
    except BaseException:
        made.close()
        raise
    finally:
        reader.close()
    made.rewind()
    return made, count


def _process_windows(reader: Reader, effects: Effects, length: int, process: Processor, made: StoredSound) -> int:
    window = LONGEST_MOVING if effects.automation else WINDOW
    held, begin, first = np.zeros((0, CHANNELS), np.float32), 0, 0
    while True:
        wanted = min(length, first + (window + LEAD_OUT) * SAMPLE_RATE) - begin - len(held)
        held = np.concatenate([held, new := reader.read(wanted)])
        after = first + window * SAMPLE_RATE
        last = len(new) < wanted or begin + len(held) >= length
        if last and not len(held):
            return 0
        if effects.automation and not last:
            raise EffectsFailed(f"effects that move are limited to sounds of {LONGEST_MOVING} s")
        processed = process(held, effects, begin / SAMPLE_RATE)
        made.append(processed[first - begin : None if last else after - begin])
        if last:
            return begin + len(held)
        first = after
        dropped = max(0, first - LEAD_IN * SAMPLE_RATE - begin) // _QUANTUM * _QUANTUM
        held, begin = held[dropped:], begin + dropped
