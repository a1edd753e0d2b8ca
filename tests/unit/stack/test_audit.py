"""`make audit` tells "none" from "found" and from "could not be asked". audit_reports/ is what the tools say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tools import audit

REPORTS = Path(__file__).parent / "audit_reports"
ENDS = {"found": audit.FOUND, "partly_known": audit.FOUND, "silent": audit.NOT_ASKED, "none": audit.NONE}


@pytest.mark.parametrize("path", sorted(REPORTS.iterdir()), ids=lambda path: path.stem)
def test_the_end_of_an_audit_says_what_is_known(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool, _, outcome = path.stem.partition("_")
    read = audit.python_vulnerabilities if tool == "pip" else audit.npm_vulnerabilities
    assert audit.audit({"requirements/product.lock": lambda _: read(json.loads(path.read_text()))}) == ENDS[outcome]
    told = capsys.readouterr().out
    assert ("PYSEC-2018-28" in told or "GHSA-xvch-5gv4-984h" in told) is (ENDS[outcome] == audit.FOUND)
    assert ("NOT ASKED" in told) is (outcome in ("silent", "partly_known"))


def test_what_is_accepted_counts_again_from_its_day_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir(parents=True)
    (tmp_path / "tools/audit.toml").write_text('[[accepted]]\nid = "CVE-1"\nreason = "r"\nuntil = 2027-01-31\n')
    monkeypatch.setattr(audit, "PROJECT", tmp_path)
    assert audit.accepted(date(2027, 1, 30)) == {"CVE-1": "r"}
    assert audit.accepted(date(2027, 1, 31)) == {}


def test_every_lock_is_looked_up() -> None:
    asked = []

    def read(lock: Path) -> Iterator[tuple[set[str], str]]:
        asked.append(str(lock.relative_to(audit.PROJECT)))
        return iter(())

    assert audit.audit({".lock": read, "package-lock.json": read}) == audit.NONE
    assert {
        "requirements/product.lock",
        "layers/dependencies/requirements.lock",
        "layers/renderer/package-lock.json",
    } <= {*asked}
