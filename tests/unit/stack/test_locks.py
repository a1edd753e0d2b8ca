"""Locks are exact, carry hashes and name no place to get packages from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.template import PROJECT

LOCKS = [*PROJECT.glob("requirements*.lock"), PROJECT / "layers/dependencies/requirements.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_versions_and_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    packages = re.findall(r"^[a-z0-9]\S*", text, re.MULTILINE)
    assert packages
    assert all("==" in package for package in packages)
    assert text.count("--hash=sha256:") >= len(packages)


def test_the_layer_and_the_image_have_the_same_versions() -> None:
    def versions(lock: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))

    image, layer = versions(PROJECT / "requirements.lock"), versions(LOCKS[-1])
    assert layer
    assert {name: image.get(name) for name in layer} == layer
