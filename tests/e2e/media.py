"""Films and sounds that tests make, whose every frame and sample is known."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np

from hyperframes_render.media.ffmpeg import ffmpeg_path


def write_tone(path: Path, seconds: float, *, rate: int = 44100, channels: int = 1) -> Path:
    """A sine of 440 Hz at half of full scale."""
    times = np.arange(round(seconds * rate)) / rate
    samples = (0.5 * 32767 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples[:, None], channels, axis=1).tobytes())
    return path


#: Levels of grey between two pictures of a film.
STEP = 4


def make_film(path: Path, *, seconds: float = 2.0, sound: bool = False) -> Path:
    """A film of 30 frames a second whose picture n is grey of level 20 + 4 n, with a tone where asked."""
    command = [ffmpeg_path(), "-v", "error", "-y", "-f", "lavfi"]
    command += ["-i", f"color=gray:size=320x180:rate=30:duration={seconds},geq=lum='20+{STEP}*N':cb=128:cr=128"]
    if sound:
        command += ["-f", "lavfi", "-i", f"sine=frequency=500:sample_rate=48000:duration={seconds}"]
    subprocess.run([*command, "-c:v", "libx264", "-g", "15", "-crf", "4", "-c:a", "aac", str(path)], check=True)
    return path
