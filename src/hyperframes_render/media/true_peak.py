"""Measures the true peak of an encoded sound: its highest level, also between samples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.media.ffmpeg import ENVIRONMENT, FILE_ONLY, ffmpeg_path, run_ffmpeg

#: Seconds to encode and measure the longest sound. Both are a hundred times faster than real time.
_TIMEOUT = 1200.0
_PEAK = re.compile(r"True peak:\s*\n\s*Peak:\s*(-?[\d.]+|-?inf) dBFS")


def true_peak(sound: Path, encoder: Sequence[str], *, job: Path) -> float:
    """The true peak (ITU-R BS.1770: four times oversampled) of what `encoder` makes of the file `sound`, in dB of full
    scale; minus infinity for silence. `job` is a folder for files on the way. Blocking. Raises EncoderFailed, DiskFull.
    """
    encoded = job / "true-peak.mp4"
    try:
        run_ffmpeg([*FILE_ONLY, "-i", str(sound), *encoder, "-y", str(encoded)], job=job, timeout=_TIMEOUT)
        measured = subprocess.run(
            [
                *(ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", *FILE_ONLY, "-i", str(encoded)),
                *("-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT,
            env={**ENVIRONMENT, "HOME": str(job)},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncoderFailed(f"The sound's peak could not be measured: {error}.", "Try again.") from error
    finally:
        encoded.unlink(missing_ok=True)
    found = _PEAK.search(measured.stderr)
    if found is None:
        raise EncoderFailed("The sound's peak could not be measured.", "Try again.")
    return float(found[1])
