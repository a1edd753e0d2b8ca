"""What a result was made with, for the reproducibility note."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hyperframes_render import __version__
from hyperframes_render.media.ffmpeg import ffmpeg_path


def versions(packages: Path, chromium: str) -> dict[str, str]:
    """Versions of this product, the page runtime in `packages`, Chromium (as the browser said) and ffmpeg."""
    runtime = json.loads((packages / "hyperframes" / "package.json").read_text(encoding="utf-8"))
    # The file's name says it; asking the program would cost a process for each render.
    ffmpeg = re.search(r"v(\d[\w.]*)$", Path(ffmpeg_path()).name)
    return {
        "hyperframes-render": __version__,
        "page-runtime": str(runtime["version"]),
        "chromium": chromium,
        "ffmpeg": ffmpeg[1] if ffmpeg else "unknown",
    }
