"""The versions of the programs that made a result, so that it can be reproduced."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hyperframes_render import __version__
from hyperframes_render.media.ffmpeg import ffmpeg_path


def versions(packages: Path, chromium: str) -> dict[str, str]:
    """Versions of this product, the page runtime in `packages`, Chromium (`chromium`, from the browser) and ffmpeg."""
    runtime = json.loads((packages / "hyperframes" / "package.json").read_text(encoding="utf-8"))
    # The file name contains the version. Running ffmpeg for it would start a process for each render.
    ffmpeg = re.search(r"v(\d[\w.]*)$", Path(ffmpeg_path()).name)
    return {
        "hyperframes-render": __version__,
        "page-runtime": str(runtime["version"]),
        "chromium": chromium,
        "ffmpeg": ffmpeg[1] if ffmpeg else "unknown",
    }
