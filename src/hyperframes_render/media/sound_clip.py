"""What is heard: the data of a mix, apart from the mixing, which imports numpy and takes a tenth of a second for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Gain of a clip at most: +12 dB, the contract's own limit.
MAX_GAIN = 3.98
MIN_RATE, MAX_RATE = 0.1, 5.0


@dataclass(frozen=True)
class SoundClip:
    """A stretch of a media file that is heard in the video. Times in seconds, gains linear.

    `envelope` are (seconds since the clip's start, gain) points joined by straight lines, held before the first and
    after the last; where there are any they stand for `volume`.
    """

    path: Path
    start: float = 0.0
    #: How long it may sound in the video; None: until the file or the video ends.
    duration: float | None = None
    media_start: float = 0.0
    rate: float = 1.0
    loop: bool = False
    volume: float = 1.0
    envelope: tuple[tuple[float, float], ...] = ()
    fade_in: float = 0.0
    fade_out: float = 0.0
    #: What a warning calls it; the file's name where it is empty.
    name: str = ""

    @property
    def label(self) -> str:
        """What people know it by."""
        return self.name or self.path.name
