"""What must be so before any part of the product is imported, whichever test comes first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: The functions' logger and metrics read these once, when they are imported.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="test",
    POWERTOOLS_TRACE_DISABLED="true",
    AWS_DEFAULT_REGION="us-east-1",
)

TESTS = Path(__file__).parent
#: Folders whose tests share one running stack or server.
TOGETHER = {"integration/workflow", "e2e/sdk"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers, tests that share something running go to one of them, in their order."""
    for item in items:
        folder = item.path.parent.relative_to(TESTS).as_posix()
        group = folder if folder in TOGETHER else f"{folder}/{item.path.name}"
        item.add_marker(pytest.mark.xdist_group(group))
