"""docs/reference/libraries.md lists the installed package store."""

from __future__ import annotations

import json
import tomllib

from tools import library_reference

from tests.template import PROJECT


def test_the_page_is_up_to_date() -> None:
    assert library_reference.PAGE.read_text() == library_reference.page(), "run python -m tools.library_reference"


def test_the_store_lists_every_pinned_package_that_is_no_font() -> None:
    pinned = json.loads((PROJECT / "layers/renderer/package.json").read_text())["dependencies"]
    libraries = {name for name in pinned if not name.startswith("@fontsource")}
    assert libraries == set(tomllib.loads(library_reference.STORE.read_text()))
