"""Opens an untrusted archive in a fuzz case."""

from __future__ import annotations

import shutil
from pathlib import Path

from hyperframes_render.composition.source import open_project
from hyperframes_render.errors import InputError


def open_archive(data: bytes, folder: Path) -> None:
    """Open an archive in an empty folder, and verify that no file is written outside it."""
    archive, target = folder / "promo.zip", folder / "unpacked"
    archive.write_bytes(data)
    target.mkdir()
    try:
        project = open_project(archive, unpack_to=target)
        assert project.root.is_relative_to(target.resolve())
        project.read_html()
    except InputError as error:
        assert str(error) and "\n" not in str(error)
    finally:
        left = {path.name for path in folder.iterdir()}
        unpacked = list(target.rglob("*"))
        shutil.rmtree(target)
        archive.unlink()
    assert left == {"promo.zip", "unpacked"}
    assert not any(path.is_symlink() for path in unpacked)
