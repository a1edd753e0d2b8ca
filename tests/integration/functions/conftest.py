"""Each test gets a new AWS (moto, in this process) and functions with empty caches."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from hyperframes_render.functions.support import adapters as wiring
from tests.integration.functions import engine
from tests.integration.functions.cloud import REGION, Cloud
from tests.integration.functions.streaming import Streaming
from tests.integration.functions.webhooks import Receiver, running_receiver


@pytest.fixture(scope="session")
def clients() -> Callable[..., Any]:
    """Clients that all tests share: creating one takes longer than most tests. moto resets their data."""
    made: dict[tuple[str, bool], Any] = {}
    real = boto3.client

    def client(service: str, *_: Any, **settings: Any) -> Any:
        key = (service, "config" in settings)
        if key not in made:
            made[key] = real(service, REGION, **settings)
            if service == "dynamodb":
                made[key].update_item = one_at_a_time(made[key].update_item)
        return made[key]

    return client


_write_lock = threading.Lock()


def one_at_a_time(call: Callable[..., Any]) -> Callable[..., Any]:
    """Run calls one after the other: moto does not make conditional writes atomic."""

    def serialized(**arguments: Any) -> Any:
        with _write_lock:
            return call(**arguments)

    return serialized


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, clients: Callable[..., Any]) -> Iterator[Cloud]:
    """AWS with empty caches in every function."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "123456789012")
    monkeypatch.setattr(boto3, "client", clients)
    monkeypatch.setattr(wiring, "unreserved_concurrency", lambda: 1000)  # moto does not implement this call
    before = dict(os.environ)
    with mock_aws():
        made = Cloud.make()
        clear_caches()
        yield made
    clear_caches()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> engine.Behaviour:
    """The render functions with an engine that renders at once or fails as configured."""
    wanted = engine.Behaviour()
    engine.install(monkeypatch, wanted)
    from hyperframes_render.functions import grant
    from hyperframes_render.functions.support import render_context as worker

    monkeypatch.setattr(worker, "GrantedAccess", cloud.granted_access)
    worker._render_context.cache_clear()
    grant._adapters.cache_clear()
    return wanted


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    """A private deployment: webhooks may go to private addresses."""
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    clear_caches()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running webhook receiver."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def streaming(cloud: Cloud) -> Streaming:
    """The stream route on this test's cloud."""
    return Streaming(cloud)


@pytest.fixture(autouse=True)
def public_names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """IP addresses by host name, for tests to fill. Other names get one public address; no test uses DNS."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name == "localhost" or name.replace(".", "").isdigit() or ":" in name:
            return real(host, port, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(name, "93.184.216.34"), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


def clear_caches() -> None:
    """Clear the caches that functions keep between calls, as a new execution environment does."""
    from hyperframes_render.functions import notify

    caches = (
        wiring.settings,
        wiring.account_concurrency,
        wiring.key_checker,
        wiring.task_service,
        wiring.stream_service,
        wiring.finisher,
        notify._delivery,
    )
    for cache in caches:
        cache.cache_clear()
