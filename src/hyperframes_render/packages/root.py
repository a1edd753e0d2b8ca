"""The folder of the pinned packages: page runtime, libraries, fonts."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from hyperframes_render.errors import SetupIncomplete


@cache
def packages_root() -> Path:
    """The folder of unpacked npm packages. Raises SetupIncomplete if the page runtime is missing.

    HYPERFRAMES_RENDER_PACKAGES overrides the folder that `make setup` fills.
    """
    override = os.environ.get("HYPERFRAMES_RENDER_PACKAGES")
    root = Path(override) if override else Path(sys.prefix) / "share" / "hyperframes-render" / "packages"
    if not runtime_path(root).is_file():
        raise SetupIncomplete(f"The page runtime is missing in {root}.", 'Run "make setup".')
    return root


def runtime_path(root: Path) -> Path:
    """The path of HeyGen's page runtime, in the package `hyperframes`."""
    return root / "hyperframes" / "dist" / "hyperframe.runtime.iife.js"
