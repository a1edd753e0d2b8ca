"""What must be so before any part of the product is imported, whichever test comes first."""

from __future__ import annotations

import os
import signal

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

#: The functions' logger and metrics read these once, when they are imported.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="test",
    POWERTOOLS_TRACE_DISABLED="true",
    AWS_DEFAULT_REGION="us-east-1",
)

# What a script starts in the background ignores Ctrl-C, and so does all that it starts: tests send it to programs.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Folders whose tests share one running stack or server.
TOGETHER = ("tests/integration/workflow/", "tests/e2e/sdk/")


class ByFolderOrFile(LoadFileScheduling):
    """Gives a worker whole files, and whole folders where their tests share something that runs."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolderOrFile:
    """With several workers (`-n`)."""
    return ByFolderOrFile(config, log)
