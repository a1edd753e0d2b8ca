"""Files below a folder, and folders that are removed."""

from __future__ import annotations

import shutil
from pathlib import Path


def file_inside(root: Path, name: str) -> Path | None:
    """The plain file `name` below `root`, links followed; None where there is none or it lies outside.

    A name that no file can have is one of a file that is not there.
    """
    try:
        file = (root / name).resolve()
        return file if file.is_relative_to(root.resolve()) and file.is_file() else None
    except (OSError, ValueError):
        return None


def remove_folder(folder: Path) -> None:
    """Remove a job's folder with all that is in it; what is already gone does not matter."""
    shutil.rmtree(folder, ignore_errors=True)
