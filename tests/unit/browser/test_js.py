"""The scripts that run inside the page pass their own tests (tests/js), which run in Node without a browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2] / "js"


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.mjs")), ids=lambda file: file.name.split(".")[0])
def test_the_page_scripts_pass_their_tests(file: Path) -> None:
    node = shutil.which("node")
    assert node is not None, "node is not installed: run `make setup`"
    result = subprocess.run([node, "--test", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "# pass 0" not in result.stdout, "no test ran"
