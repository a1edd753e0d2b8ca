"""Sounds that are not heard, and videos and sounds that begin after the end of their file."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hyperframes_render.composition.lint import Problem
from hyperframes_render.media.sound_clip import SoundClip
from hyperframes_render.render.looks.look import PageLook
from hyperframes_render.render.looks.places import problem_of

#: Gain and sample (of 32,768) below which nothing is heard: -60 dB.
_SILENT_GAIN, _SILENT = 0.001, 33
#: Seconds of a file that are searched for a sound: nearly all files have one in the first.
_SEARCHED = 60.0
#: Samples per second at which a file is searched: enough for every sound that is heard.
_RATE = 16_000


def unheard(look: PageLook, clips: Iterator[SoundClip]) -> Iterator[Problem]:
    """Warnings for sounds that are in the mix and silent, and errors for in-points after a file's end. Blocking."""
    by_name = {clip.label: clip for clip in clips}
    for element in look.found["media"]:
        length = element["duration"]
        if length is not None and element["trim"] >= length > 0 and not element["loop"]:
            message = f"{element['selector']} begins at {element['trim']:g} s of its file, which ends at {length:g} s."
            yield problem_of(element, "in_point_after_end", "error", message, "Begin before the end of the file.")
            continue
        if element["silent"]:
            message = f"{element['selector']} says data-has-audio, and its file has no sound."
            yield problem_of(
                element, "sound_not_heard", "warning", message, "Remove the attribute, or use another file."
            )
        elif not element["muted"] and (clip := by_name.get(element["name"])) and (why := _why_silent(clip)):
            message = f"{element['selector']} is not heard at any time: {why}."
            yield problem_of(element, "sound_not_heard", "warning", message, _FIX)


_FIX = "Correct its volume or its file, or remove it."


def _why_silent(clip: SoundClip) -> str:
    gains = [gain for _, gain in clip.envelope] or [clip.volume]
    if max(gains) < _SILENT_GAIN:
        return "its volume is 0"
    if clip.duration is not None and clip.duration <= 0:
        return ""  # it has no time, which the files say
    length = min(_SEARCHED, (clip.duration or _SEARCHED) * (1 if clip.ramp else clip.rate))
    return "its file is silent in that time" if is_silent(clip.path, clip.media_start, length) else ""


def is_silent(path: Path, start: float, seconds: float) -> bool:
    """Whether a stretch of a file has no sound above -60 dB. A file that cannot be read, or is longer, is not."""
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return False
            if start > 1:
                container.seek(int((start - 1) * av.time_base))
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
            for frame in container.decode(audio=0):
                time = frame.time or 0.0
                if time + frame.samples / frame.sample_rate < start:
                    continue
                if time > start + seconds:
                    return seconds < _SEARCHED
                for piece in resampler.resample(frame):
                    samples = array("h", bytes(piece.planes[0])[: piece.samples * 2])
                    if samples and max(max(samples), -min(samples)) >= _SILENT:
                        return False
    except (av.FFmpegError, OSError, ValueError):
        return False
    return True


def media_named(look: PageLook, name: str) -> Mapping[str, Any] | None:
    """The video or sound element of this name."""
    return next((element for element in look.found["media"] if element["name"] == name), None)
