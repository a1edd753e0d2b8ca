"""One command adds a package to the store: package.json, lock file and list."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from tools.add_package import RENDERER, add_package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("package.json", "package-lock.json", "packages.toml"):
        shutil.copy(RENDERER / name, tmp_path)
    return tmp_path


def test_a_package_is_added_with_its_version_and_without_a_host(folder: Path) -> None:
    said = add_package("nanoid@5.0.7", folder)
    assert said.startswith("nanoid 5.0.7 is added: licence MIT, ")
    assert json.loads((folder / "package.json").read_text())["dependencies"]["nanoid"] == "5.0.7"
    lock = json.loads((folder / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/nanoid"]["version"] == "5.0.7"
    assert all("resolved" not in package for package in lock["packages"].values())
    assert "nanoid" in tomllib.loads((folder / "packages.toml").read_text())


def test_a_package_that_is_there_is_not_added_again(folder: Path) -> None:
    before = (folder / "package.json").read_text()
    with pytest.raises(ValueError, match="in the store already"):
        add_package("gsap", folder)
    assert (folder / "package.json").read_text() == before
