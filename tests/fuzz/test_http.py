"""No HTTP request causes a server error: random bodies, and valid and invalid requests from the OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks
from starlette.testclient import TestClient

from hyperframes_render.functions.api import build_application
from tests.fuzz.effort import case, cases, fuzz
from tests.fuzz.inputs import BODY, UPLOADS
from tests.integration.functions.cloud import KEY, Cloud


@pytest.fixture
def client(cloud: Cloud) -> Iterator[TestClient]:
    yield TestClient(build_application(), raise_server_exceptions=False, headers={"Authorization": f"Bearer {KEY}"})


def test_a_body(client: TestClient) -> None:
    @fuzz(
        "HTTP body",
        body=BODY | UPLOADS | st.binary(max_size=60),
        route=st.sampled_from(["/apps/run", "/files", "/v1/run"]),
    )
    def one(body: Any, route: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with case("HTTP body"):
            answer = client.post(route, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, answer.text
        assert answer.json()["success"] is (answer.status_code == 200)

    one()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_requests_made_from_the_description(mode: GenerationMode, client: TestClient) -> None:
    kind = "OpenAPI, fitting" if mode.is_positive else "OpenAPI, not fitting"
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    described = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]
    done = 0
    for operation in operations:

        @fuzz(kind, max(5, cases(kind) // len(operations)), request=operation.as_strategy(generation_mode=mode))
        def one(request: Any) -> None:
            sent = request.as_transport_kwargs(base_url="http://testserver")
            kept = {name: sent[name] for name in ("json", "data", "params", "cookies") if sent.get(name) is not None}
            headers = {k: v for k, v in (sent.get("headers") or {}).items() if k.lower() != "authorization"}
            with case(kind):
                answer = client.request(sent["method"], sent["url"], headers=headers, follow_redirects=False, **kept)
            assert answer.status_code < 500, (sent, answer.text)
            if answer.status_code < 400:
                request.validate_response(answer, checks=described)
            else:
                assert answer.headers["content-type"] == "application/problem+json"

        # A route without a body or query has no invalid requests.
        if mode.is_positive or len(operation.body) or len(operation.query):
            one()
            done += 1
    assert done >= (10 if mode.is_positive else 3)
