"""What a result was made with, for the reproducibility note."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache

from hyperframes_render import __version__
from hyperframes_render.browser.assets import packages_root
from hyperframes_render.browser.chromium import chromium_path
from hyperframes_render.media.ffmpeg import ffmpeg_path


@cache
def versions() -> dict[str, str]:
    """Versions of this product, the page runtime, Chromium and ffmpeg."""
    runtime = json.loads((packages_root() / "hyperframes" / "package.json").read_text(encoding="utf-8"))
    return {
        "hyperframes-render": __version__,
        "page-runtime": str(runtime["version"]),
        "chromium": _first_version([chromium_path(), "--version"]),
        "ffmpeg": _first_version([ffmpeg_path(), "-version"]),
    }


def _first_version(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    match = re.search(r"n?\d+\.\d+[\w.+-]*", said.stdout)
    return match[0] if match else "unknown"
