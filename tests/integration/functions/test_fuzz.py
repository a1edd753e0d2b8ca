"""Whatever is sent, no request ends in a fault of ours: random bodies, and requests made from our own description.

How many is in each test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from hyperframes_render.api.accept import FIELD_NAMES, parse_run
from hyperframes_render.errors import InputError
from hyperframes_render.functions.api import build_application
from tests.integration.functions.cloud import HTML, KEY, Cloud

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*FIELD_NAMES, "html", "metadata", "dry_run", "widht"])
TOP = st.sampled_from(["app", "input", "webhook", "metadata", "session", "wait", "setup", "wehbook", "extra"])
INPUTS = st.dictionaries(NAMES, JSON, max_size=5).map(lambda fields: {"html": HTML, **fields})
BODIES = JSON | st.dictionaries(TOP, JSON, max_size=5) | INPUTS.map(lambda fields: {"input": fields})


@given(body=BODIES)
@settings(max_examples=300, deadline=None)
def test_a_body_is_understood_or_refused_with_a_sentence(body: Any) -> None:
    try:
        parse_run(body)
    except InputError as error:
        assert str(error) and "\n" not in str(error)


@pytest.fixture
def client(cloud: Cloud) -> Iterator[TestClient]:
    yield TestClient(build_application(), raise_server_exceptions=False, headers={"Authorization": f"Bearer {KEY}"})


@given(body=BODIES | st.binary(max_size=60), route=st.sampled_from(["/apps/run", "/files", "/v1/run"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_a_server_error(client: TestClient, body: Any, route: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(route, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text
    assert answer.json()["success"] is (answer.status_code == 200)


def test_requests_made_from_the_description_find_nothing(client: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    seen = set()
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an error here is one of the description
        if operation.path == "/tasks/{task_id}/stream":
            continue  # it would wait for the end of tasks that nobody renders; its errors are tested elsewhere
        seen.add(operation.path)

        @given(case=operation.as_strategy())
        @settings(
            max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
        )
        def one(case: Any) -> None:
            sent = case.as_transport_kwargs(base_url="http://testserver")
            kept = {name: sent[name] for name in ("json", "data", "params", "cookies") if sent.get(name) is not None}
            headers = {k: v for k, v in (sent.get("headers") or {}).items() if k.lower() not in ("authorization",)}
            answer = client.request(sent["method"], sent["url"], headers=headers, **kept)
            assert answer.status_code < 500, (sent, answer.text)
            kind = answer.headers["content-type"]
            assert kind == ("application/json" if answer.status_code < 400 else "application/problem+json")

        one()
    assert len(seen) >= 9
