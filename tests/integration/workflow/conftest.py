"""One deployed stack for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.workflow.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real template, functions and workflow on an engine that can be told to fail."""
    data = tmp_path_factory.mktemp("stack")
    engine = data / "engine"
    shutil.copytree(Path(__file__).parent / "fake_engine", engine)
    with running_stack(data, engine) as running:
        # How long a function may outlive its task: a minute of tests instead of a quarter of an hour.
        for function in ("record", "sweep"):
            running.add_variables(function, LONGEST_FUNCTION_SECONDS="2")
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What roles were used for is looked at when everything else has been done, what they refuse after that."""
    last = ["test_roles.py", "test_grant.py"]
    items.sort(key=lambda item: last.index(item.path.name) if item.path.name in last else -1)
