"""The bill of materials and the licences match the installed packages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.template import PROJECT

LICENCES = PROJECT / "docs/reference/licences.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bill of materials and the licences of this machine."""
    folder = tmp_path_factory.mktemp("bom")
    (folder / "licences.md").write_text(LICENCES.read_text())
    command = [sys.executable, "tools/bom.py", "--venv", sys.prefix, "-o", str(folder / "bom.json")]
    subprocess.run([*command, "--licences", str(folder / "licences.md")], cwd=PROJECT, check=True)
    return folder


def test_the_bill_of_materials_fits_the_standards_schema(made: Path) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str((made / "bom.json").read_text()) is None


def test_the_bill_of_materials_names_every_kind_of_part_once(made: Path) -> None:
    bom = json.loads((made / "bom.json").read_text())
    urls = [component["purl"] for component in bom["components"]]
    assert len(urls) == len(set(urls))
    known = {url.partition("@")[0] for url in urls}
    wanted = {"pkg:deb/debian/chromium-headless-shell", "pkg:deb/debian/fonts-noto-core", "pkg:deb/debian/libc6"}
    assert wanted | {"pkg:pypi/playwright", "pkg:npm/gsap", "pkg:generic/imageio-ffmpeg/ffmpeg"} <= known
    assert all(component["licenses"] for component in bom["components"])
    assert not [url for url in known if "hypothesis" in url], "the image has no package that only tests need"
    assert not [url for url in known if url.endswith("/gcc")], "the image has no build tool"


def test_the_licence_page_matches_the_locks(made: Path) -> None:
    """`make bom` rewrites docs/reference/licences.md. Debian's part differs between machines."""
    pinned, written = (path.read_text().partition("## Debian")[0] for path in (LICENCES, made / "licences.md"))
    assert pinned == written
    for name in re.findall(
        r"^([a-z0-9-]+)==\S+ \\$", (PROJECT / "requirements/product.lock").read_text(), re.MULTILINE
    ):
        assert f"| {name} " in pinned, name
    assert "imageio-ffmpeg/ffmpeg" in pinned and "GPL-3.0-or-later" in pinned
