"""Where the pinned packages lie that pages are answered from: page runtime, GSAP, fonts."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from hyperframes_render.errors import SetupIncomplete


@cache
def packages_root() -> Path:
    """The folder of unpacked npm packages that the set-up made. Raises SetupIncomplete."""
    override = os.environ.get("HYPERFRAMES_RENDER_PACKAGES")
    root = Path(override) if override else Path(sys.prefix) / "share" / "hyperframes-render" / "packages"
    if not runtime_path(root).is_file():
        raise SetupIncomplete(f"The page runtime is missing in {root}.", 'Run "make setup".')
    return root


def runtime_path(root: Path) -> Path:
    """HeyGen's page runtime in the package `hyperframes`."""
    return root / "hyperframes" / "dist" / "hyperframe.runtime.iife.js"
