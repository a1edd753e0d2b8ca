"""Every archive becomes a project inside its folder, or is refused with an input error."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.fuzz.archives import open_archive
from tests.fuzz.effort import bounded, case, fuzz
from tests.fuzz.inputs import CORPUS, archives, mutated

SAVED = sorted((CORPUS / "archive").iterdir())


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder in memory if possible, since tens of thousands of archives are written and removed."""
    where = "/dev/shm" if Path("/dev/shm").is_dir() else None
    made = Path(tempfile.mkdtemp(prefix="fuzz-archives-", dir=where))
    yield made
    shutil.rmtree(made)


@fuzz("archive", data=mutated([path.read_bytes() for path in SAVED]) | st.binary(max_size=200))
def test_a_mutated_archive(data: bytes, folder: Path) -> None:
    with case("archive"):
        open_archive(data, folder)


@fuzz("project", data=archives())
def test_an_archive_with_unusual_entries(data: bytes, folder: Path) -> None:
    with case("project"):
        open_archive(data, folder)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.name)
def test_a_saved_archive(path: Path, tmp_path: Path) -> None:
    with bounded():
        open_archive(path.read_bytes(), tmp_path)
