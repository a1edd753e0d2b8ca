"""The stream route with a policy that tests choose."""

from __future__ import annotations

import json
from typing import Any

from starlette.testclient import TestClient

from hyperframes_render.api.app import create_app
from hyperframes_render.api.streams import StreamPolicy, StreamService
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.objects import S3Objects
from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import KeyChecker
from tests.integration.functions.cloud import BUCKET, KEY, TABLE, Cloud

NDJSON = {"Authorization": f"Bearer {KEY}", "Accept": "application/x-ndjson"}
SSE = {"Authorization": f"Bearer {KEY}", "Accept": "text/event-stream"}


class Streaming:
    """The FastAPI application with a stream policy that a test chooses."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def client(self, **policy: Any) -> TestClient:
        """A test client. `policy`: fields of StreamPolicy."""
        service = StreamService(
            self.cloud.tasks,
            S3Objects(BUCKET),
            DynamoExpiringStore(TABLE, self.cloud.dynamodb),
            StreamPolicy(**{"poll": 0.02, **policy}),
        )
        checker = KeyChecker(DynamoKeys(TABLE, self.cloud.dynamodb))

        def none() -> Any:
            raise AssertionError("a stream needs nothing else")

        return TestClient(create_app(none, lambda: checker, lambda: service))


def lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects of an NDJSON body."""
    return [json.loads(line) for line in text.splitlines()]
