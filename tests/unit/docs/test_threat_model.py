"""The threat model has the roles of the template, and refers to tests that exist."""

from __future__ import annotations

import re

from tests.attack.catalog import fixtures
from tests.attack.roles import DOCUMENT, table, with_table
from tests.template import PROJECT, load_template


def test_the_table_of_roles_matches_the_template() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_table(text, table(load_template())) == text


def test_every_proof_exists() -> None:
    text = DOCUMENT.read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "/" in line]
    named = {match for row in rows for match in re.findall(r"`(tests/[\w/]+\.py)`", row)}
    assert len(named) >= 4
    for path in named:
        assert (PROJECT / path).is_file(), path
    stems = {name.partition("/")[2] for name in (one.name for one in fixtures())}
    for stem in re.findall(r"(?:network|files|exhaustion|tampering)/([a-z-]+)[,;| `]", text):
        assert stem in stems, stem
