"""Each test has an AWS of its own, in this process, and functions that start anew."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.integration.functions import engine
from tests.integration.functions.cloud import REGION, Cloud

#: Before any function is imported: its logger and metrics read these once.
os.environ.update(
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="test",
    POWERTOOLS_TRACE_DISABLED="true",
    AWS_DEFAULT_REGION=REGION,
)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """AWS, and every function's caches empty."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "123456789012")
    before = dict(os.environ)
    with mock_aws():
        made = Cloud.make()
        forget()
        yield made
    forget()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> engine.Behaviour:
    """The image's functions with an engine that renders at once, or fails as told."""
    wanted = engine.Behaviour()
    engine.install(monkeypatch, wanted)
    from hyperframes_render.functions import worker

    worker.worker.cache_clear()
    return wanted


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name resolves to one public address: no test asks a name server."""

    def answer(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def forget() -> None:
    """A new environment: what functions keep between calls is gone."""
    from hyperframes_render.functions import api, notify, wiring

    for cache in (wiring.settings, wiring.task_service, wiring.finisher, notify._delivery):
        cache.cache_clear()
    api._keys.clear()
