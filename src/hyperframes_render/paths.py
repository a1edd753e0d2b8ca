"""Find files inside a folder, and remove folders."""

from __future__ import annotations

import shutil
from pathlib import Path


def file_inside(root: Path, name: str) -> Path | None:
    """The path of the regular file `name` inside `root`, with links resolved.

    Returns None if there is no such file, if it is outside `root`, or if `name` is not a valid file name.
    """
    try:
        file = (root / name).resolve()
        return file if file.is_relative_to(root.resolve()) and file.is_file() else None
    except (OSError, ValueError):
        return None


def remove_folder(folder: Path) -> None:
    """Remove `folder` with its contents; errors and missing files are ignored."""
    shutil.rmtree(folder, ignore_errors=True)
