"""The sound of a video: the request's audio_url, mixed with the sounds of the composition."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hyperframes_render.errors import SoundUnusable, cut
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.media.media_file import MediaUnreadable, probe_media
from hyperframes_render.network.fetch import FetchRefused, fetch_public
from hyperframes_render.render.plan import Plan

if TYPE_CHECKING:
    from hyperframes_render.media.sound_clip import SoundBus, SoundClip
    from hyperframes_render.media.sound_effects import Processor


@dataclass(frozen=True)
class MixedSound:
    """A sound file as long as the video, and warnings."""

    path: Path
    warnings: tuple[str, ...]


async def fetch_sound(address: str, folder: Path, ceiling: NetworkPolicy = "public") -> Path:
    """Fetch the sound at an http(s) address to a file in `folder`.

    Raises SoundUnusable if it cannot be fetched, or if the policy `ceiling` refuses its host.
    """
    shown = cut(address, 120)
    if urlsplit(address).scheme not in ("http", "https"):
        raise SoundUnusable(
            f"audio_url: {shown} is neither an existing file nor an http(s) address.",
            "Give a sound file's address, or upload the file and give its uri.",
        )
    try:
        answer = await fetch_public(address, network=ceiling)
    except FetchRefused as refusal:
        raise SoundUnusable(f"audio_url: {shown} could not be fetched: {refusal}.") from None
    if answer.status != 200:
        raise SoundUnusable(f"audio_url: {shown} answered {answer.status}.", "Give an address that answers 200.")
    path = folder / "audio-url"
    await asyncio.to_thread(path.write_bytes, answer.body)
    return path


def check_sound(path: Path, name: str) -> None:
    """Raise SoundUnusable if the file `path` has no sound. Errors call it `name`, as the request does."""
    try:
        facts = probe_media(path)
    except MediaUnreadable as unreadable:
        raise SoundUnusable(f"audio_url: {name} cannot be read as sound: {unreadable}.", _FORMATS) from None
    if facts.sound is None:
        raise SoundUnusable(f"audio_url: there is no sound in {name}.", _FORMATS)


_FORMATS = "Give an MP3, M4A, WAV, FLAC, Ogg or Opus file, or a video with sound."


def mix_for(
    plan: Plan, sounds: Sequence[SoundClip | SoundBus], path: Path, process: Processor | None = None
) -> MixedSound | None:
    """Mix the sound of the video of `plan` into `path` (.wav or .flac). Returns None if nothing is heard.

    Times of `sounds` count from the beginning of the composition. `process` applies their effects. Blocking. Raises
    EncoderFailed or DiskFull.
    """
    # Imported here, because it imports numpy, a tenth of a second that silent videos do not need.
    from hyperframes_render.media.sound import mix_sound

    encoder = plan.format.sound
    if not sounds or encoder is None:
        return None
    report = mix_sound(sounds, plan.sound_end, path, process)
    if not report.heard:
        return None
    lowered = 0.0  # decibels
    for _ in range(_PASSES if "aac" in encoder else 0):
        excess = _excess(report.peak, path, encoder)
        if excess <= 0:
            break
        lowered += excess + _DELIVERED_PEAK - _AIMED_PEAK
        report = mix_sound(sounds, plan.sound_end, path, process, gain=10 ** (-lowered / 20))
    if lowered:
        report.warn(f"The sound was lowered by {lowered:.1f} dB, since AAC would clip its peaks.")
    return MixedSound(path, tuple(report.warnings))


#: Limit of the true peak of AAC in dB of full scale (EBU R 128), as in the official renderer.
_DELIVERED_PEAK = -1.0
#: Target in dB of a mix that exceeds the limit. It is lower than the limit, because the encoder changes peaks a little.
_AIMED_PEAK = -1.5
#: Maximum passes to reach the target.
_PASSES = 4
#: A mix whose highest sample is lower than this (-3.1 dB) cannot exceed the limit.
_QUIET = 0.7


def _excess(peak: float, path: Path, encoder: Sequence[str]) -> float:
    """Decibels by which the true peak of the mix in `path` exceeds the limit. `peak` is its highest sample."""
    from hyperframes_render.media.true_peak import true_peak

    if peak > 1:  # the file is clipped, so its true peak cannot be measured
        return 20 * math.log10(peak) - _DELIVERED_PEAK
    return true_peak(path, encoder, job=path.parent) - _DELIVERED_PEAK if peak > _QUIET else 0.0
