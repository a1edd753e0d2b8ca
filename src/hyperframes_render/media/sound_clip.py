"""The data of a mix. The mixing is in sound.py, which imports numpy: that takes a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Maximum gain of a clip: +12 dB, the limit of the format.
MAX_GAIN = 3.98
#: Rates that the official runtime (0.8.170) takes.
MIN_RATE, MAX_RATE = 0.1, 10.0


@dataclass(frozen=True)
class Effects:
    """A chain of effects as compositions write it (JSON), and its automation (JSON; empty: none)."""

    chain: str
    automation: str = ""


@dataclass(frozen=True)
class SoundClip:
    """A stretch of a media file that is heard in the video. Times in seconds, gains linear.

    `envelope` are (seconds since the clip's start, gain) points joined by straight lines, held before the first and
    after the last; where there are any they stand for `volume`. `ramp` are slices of one speed each, (seconds in the
    video, seconds of the file since `media_start` at which it ends); where there are any they stand for `rate`.
    Effects come before gains and fades; their tail may sound beyond `duration`.
    """

    path: Path
    start: float = 0.0
    #: How long it may sound in the video; None: until the file or the video ends.
    duration: float | None = None
    media_start: float = 0.0
    rate: float = 1.0
    ramp: tuple[tuple[float, float], ...] = ()
    loop: bool = False
    volume: float = 1.0
    envelope: tuple[tuple[float, float], ...] = ()
    fade_in: float = 0.0
    fade_out: float = 0.0
    effects: Effects | None = None
    #: Its name in warnings; empty: the file's name.
    name: str = ""

    @property
    def label(self) -> str:
        """Its name in warnings."""
        return self.name or self.path.name


@dataclass(frozen=True)
class SoundBus:
    """Sounds that are summed first and then get one volume and one chain of effects. Envelope times are the video's."""

    members: tuple[SoundClip | SoundBus, ...] = ()
    volume: float = 1.0
    envelope: tuple[tuple[float, float], ...] = ()
    effects: Effects | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """Its name in warnings."""
        return self.name

    def clips(self) -> Iterator[SoundClip]:
        """All clips in the bus, with those of inner buses."""
        for member in self.members:
            yield from (member,) if isinstance(member, SoundClip) else member.clips()

    def has_effects(self) -> bool:
        """Whether any sound of the bus has effects."""
        inner = (m.effects is not None if isinstance(m, SoundClip) else m.has_effects() for m in self.members)
        return self.effects is not None or any(inner)
