"""One deployed stack for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.workflow.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed template, functions and workflow, with an engine that fails as configured."""
    data = tmp_path_factory.mktemp("stack")
    engine = data / "engine"
    shutil.copytree(Path(__file__).parent / "fake_engine", engine)
    with running_stack(data, engine) as running:
        # Seconds that a function may outlive its task, shorter than the template's quarter of an hour.
        for function in ("record", "sweep"):
            running.add_variables(function, LONGEST_FUNCTION_SECONDS="2")
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run test_roles.py after the other tests, because it reads their calls, and test_grant.py last."""
    last = ["test_roles.py", "test_grant.py"]
    items.sort(key=lambda item: last.index(item.path.name) if item.path.name in last else -1)
