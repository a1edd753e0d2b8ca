"""Sound through effects: read to its end, processed window by window, kept in a file until it is heard."""

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

#: Samples a second of every mix, two channels: what the official renderer mixes at.
SAMPLE_RATE = 48_000
CHANNELS = 2
#: Seconds that are processed at a time: they are held several times over, here and in the browser.
WINDOW = 120
#: Seconds before a window that its effects hear again. What they remember longer is lost at a window's edge.
LEAD_IN = 30
#: Seconds after it, for effects that look ahead.
LEAD_OUT = 1
#: Knobs that move are set from a sound's beginning on: such a sound is one window, and as long as this at most.
LONGEST_MOVING = 600
#: Samples that the browser processes at a time: windows begin on such an edge.
_QUANTUM = 128

Samples = NDArray[np.float32]
#: Applies effects to samples (count, 2); seconds since the sound's beginning at which they start. Answers the samples
#: with the effects' tail, or raises EffectsFailed. Blocking.
Processor = Callable[[Samples, Effects, float], Samples]


class EffectsFailed(Exception):
    """Effects that cannot be applied; the message says why."""


class Reader(Protocol):
    """Gives samples in order."""

    def read(self, count: int) -> Samples:
        """The next `count` samples (count, 2), fewer at the end."""

    def close(self) -> None:
        """Give back what it holds."""


class StoredSound:
    """Samples in a nameless file: written once, then read in order."""

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
        """Go to the beginning, to be read."""
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
    """What comes of `length` samples of `reader`, tail included, and how many of them there were. Closes `reader`.

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
