"""Fixtures of the functions' tests, and the count of cases at the end of a run."""

from __future__ import annotations

import pytest

from tests.fuzz.effort import CASES, tried
from tests.integration.functions.conftest import behaviour, clients, cloud, public_names

__all__ = ["behaviour", "clients", "cloud", "public_names"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table for docs/fuzzing.md."""
    if CASES:
        terminalreporter.write_line("| kind | cases |\n|---|---|")
        for kind, count in tried.items():
            terminalreporter.write_line(f"| {kind} | {count:,} |")
        terminalreporter.write_line(f"| all | {tried.total():,} |")
