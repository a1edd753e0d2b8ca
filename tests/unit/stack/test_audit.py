"""`make audit` distinguishes none, found and not asked. audit_reports/ has reports of the tools."""

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
def test_the_exit_status_of_an_audit_matches_its_reports(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool, _, outcome = path.stem.partition("_")
    read = audit.python_vulnerabilities if tool == "pip" else audit.npm_vulnerabilities
    assert audit.audit({"requirements/product.lock": lambda _: read(json.loads(path.read_text()))}) == ENDS[outcome]
    output = capsys.readouterr().out
    assert ("PYSEC-2018-28" in output or "GHSA-xvch-5gv4-984h" in output) is (ENDS[outcome] == audit.FOUND)
    assert ("NOT ASKED" in output) is (outcome in ("silent", "partly_known"))


def test_an_accepted_vulnerability_counts_again_after_its_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
