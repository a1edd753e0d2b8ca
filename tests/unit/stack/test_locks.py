"""Locks have exact versions and hashes, and no URLs of packages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.template import PROJECT

LOCKS = [*PROJECT.glob("requirements/*.lock"), PROJECT / "layers/dependencies/requirements.lock"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_versions_and_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+", package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


@pytest.mark.parametrize("folder", ["layers/renderer", "tests/e2e/sdk", "tests/bench/official", "tools/js"])
def test_a_lock_of_npm_has_versions_and_hashes_and_no_address(folder: str) -> None:
    text = (PROJECT / folder / "package-lock.json").read_text()
    assert '"resolved"' not in text
    packages = {name: facts for name, facts in json.loads(text)["packages"].items() if name}
    assert packages
    for name, facts in packages.items():
        assert facts["version"] and facts["integrity"].startswith("sha512-"), name


def test_the_layer_and_the_image_have_the_same_versions() -> None:
    def versions(lock: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))

    image, layer = versions(PROJECT / "requirements/product.lock"), versions(LOCKS[-1])
    assert layer
    assert {name: image.get(name) for name in layer} == layer


@pytest.mark.parametrize("step", sorted(PROJECT.glob("layers/**/setup/*.sh")), ids=lambda path: path.name)
def test_image_steps_install_only_locked_packages(step: Path) -> None:
    for line in step.read_text().splitlines():
        if "-m pip install" in line:
            assert "--require-hashes" in line or line.endswith("--no-deps --no-build-isolation ."), line
        assert "npm install" not in line and "npx " not in line, line
