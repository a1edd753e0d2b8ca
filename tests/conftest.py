"""What must be so before any part of the product is imported, whichever test comes first."""

from __future__ import annotations

import os

#: The functions' logger and metrics read these once, when they are imported.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="test",
    POWERTOOLS_TRACE_DISABLED="true",
    AWS_DEFAULT_REGION="us-east-1",
)
