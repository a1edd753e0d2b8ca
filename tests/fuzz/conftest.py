"""Fixtures of the functions' tests, and a table of the cases at the end of a run."""

from __future__ import annotations

import pytest

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.ports import KeyLimits
from tests.fuzz.effort import CASES, tried
from tests.integration.functions.cloud import KEY, TABLE, Cloud
from tests.integration.functions.conftest import behaviour, clients, public_names
from tests.integration.functions.conftest import cloud as limited_cloud

__all__ = ["behaviour", "clients", "limited_cloud", "public_names"]


@pytest.fixture
def cloud(limited_cloud: Cloud) -> Cloud:
    """AWS with a key without rate limits, since rate limit errors would hide the effect of a request."""
    record = make_record(KEY, "test", limits=KeyLimits(runs_a_minute=0, uploads_a_minute=0))
    DynamoKeys(TABLE, limited_cloud.dynamodb).put(record)
    return limited_cloud


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table for docs/reports/fuzzing.md."""
    if CASES:
        terminalreporter.write_line("| kind | cases |\n|---|---|")
        for kind, count in tried.items():
            terminalreporter.write_line(f"| {kind} | {count:,} |")
        terminalreporter.write_line(f"| all | {tried.total():,} |")
