"""No event makes a function fail, and unreadable messages stay in their queue."""

from __future__ import annotations

import base64
import copy
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st

from hyperframes_render.tasks.layout import INBOX
from tests.fuzz.effort import case, fuzz
from tests.fuzz.inputs import ANY, BODY, HTML, INPUT, NUMBER_TEXT, TEXT
from tests.integration.functions.cloud import KEY, Cloud, call, dropped, request, sample, submit
from tests.integration.functions.engine import Behaviour

PATHS = [
    "/apps/run",
    "/run",
    "/files",
    "/tasks",
    "/tasks/x",
    "/tasks/x/cancel",
    "/health",
    "/openapi.json",
    "/v1/tasks",
]


@contextmanager
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Verify that the block logs no traceback."""
    caplog.clear()
    yield
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]


@st.composite
def changed(draw: st.DrawFn, name: str) -> Any:
    """A sample event in which some parts are replaced, missing or cut."""
    event = copy.deepcopy(sample(name))
    for record in event.get("Records", []):
        record["body"] = json.dumps(draw(_changed_value(json.loads(record["body"]))), ensure_ascii=draw(st.booleans()))
        record["body"] = draw(st.just(record["body"]) | TEXT | st.just(record["body"][: draw(st.integers(0, 200))]))
        record["attributes"]["ApproximateReceiveCount"] = str(draw(st.integers(1, 10**6)))
    return event if "Records" in event else draw(_changed_value(event))


@st.composite
def _changed_value(draw: st.DrawFn, value: Any) -> Any:
    what = draw(st.sampled_from(["keep", "keep", "into", "into", "into", "other", "without"]))
    if what == "other":
        return draw(ANY)
    if isinstance(value, dict) and value and what != "keep":
        name = draw(st.sampled_from(sorted(value)))
        if what == "without":
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: draw(_changed_value(value[name]))}
    return value


@pytest.mark.parametrize("function", ["drop", "notify"])
def test_a_message_in_a_queue(function: str, cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    kind = f"{function} event"

    @fuzz(kind, events=st.lists(changed(function), min_size=1, max_size=3))
    def one(events: list[Any]) -> None:
        records = [event["Records"][0] for event in events]
        for number, record in enumerate(records):
            record["messageId"] = f"message-{number}"
        with case(kind), no_traceback(caplog):
            answer = call(function, {"Records": records})
        failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
        assert len(failed) == len(set(failed)) and set(failed) <= {record["messageId"] for record in records}

    one()


def test_a_file_of_any_name_and_sidecar_is_accepted_or_answered(cloud: Cloud, behaviour: Behaviour) -> None:
    @fuzz(
        "dropped file",
        name=TEXT | st.sampled_from(["a" * 980, "../x", "%2e%2e/x", "a+b", "a b", "tasks/x", "-rf", "é/é"]),
        suffix=st.sampled_from([".html", ".HTM", ".zip", ".render.json", ".txt", ""]),
        content=st.just(HTML.encode()) | st.binary(max_size=60),
        sidecar=st.none() | st.binary(max_size=40) | INPUT.map(lambda fields: json.dumps(fields).encode()),
    )
    def one(name: str, suffix: str, content: bytes, sidecar: bytes | None) -> None:
        key = f"{INBOX}{name}"[:1000]
        while len(key.encode()) > 1000:
            key = key[:-10]
        with case("dropped file"):
            if sidecar is not None:
                cloud.put(f"{key}.render.json", sidecar)
            assert call("drop", dropped(cloud, key + suffix, content)) == {"batchItemFailures": []}
        assert not [found for found in cloud.keys("") if not found.startswith(("inbox/", "outbox/", "work/"))]

    one()


def test_the_workflow_gets_a_named_error_or_an_answer(cloud: Cloud, behaviour: Behaviour) -> None:
    @fuzz(
        "workflow event",
        function=st.sampled_from(["plan", "render_chunk", "assemble", "record"]),
        event=st.fixed_dictionaries(
            {"task_id": st.just("known") | TEXT.filter(bool)},
            optional={
                "index": st.integers(-(2**70), 2**70),
                "first": st.integers(-10, 10),
                "count": st.integers(-10, 10),
                "whole": st.booleans(),
                "outcome": st.sampled_from(["completed", "failed"]),
                "error": st.none() | st.dictionaries(st.sampled_from(["Error", "Cause"]) | TEXT, ANY, max_size=3),
            },
        ),
    )
    def one(function: str, event: dict[str, Any]) -> None:
        if event["task_id"] == "known":
            event["task_id"] = submit()
        if function == "record":
            event.setdefault("outcome", "failed")
        with case("workflow event"):
            try:
                call(function, event)
            except Exception as error:
                # The workflow's Retry and Catch need the class name of a product error and its fields as JSON.
                assert {"code", "message", "action", "retryable"} == json.loads(str(error)).keys()

    one()


HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "X-Api-Key", "X-Api-Version", "Idempotency-Key", "Accept", "Content-Type", "X-Request-Id"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60) | st.just(f"Bearer {KEY}"),
    max_size=4,
)
PATH = st.sampled_from(PATHS) | TEXT.map(lambda text: f"/tasks/{text}") | TEXT.map(lambda text: f"/{text}")
QUERY = st.none() | st.dictionaries(
    st.sampled_from(["limit", "cursor", "role", "x"]), st.lists(TEXT | NUMBER_TEXT, min_size=1, max_size=2), max_size=3
)


def test_a_request_from_the_gateway(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    @fuzz(
        "API Gateway event",
        method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH"]),
        path=PATH,
        body=st.none() | BODY.map(json.dumps) | TEXT,
        headers=HEADERS,
        query=QUERY,
        encoded=st.booleans(),
    )
    def one(method: str, path: str, body: str | None, headers: Any, query: Any, encoded: bool) -> None:
        event = request(method, path, body, **headers)
        event["multiValueQueryStringParameters"] = query
        event["queryStringParameters"] = query and {name: values[0] for name, values in query.items()}
        if encoded and body is not None:
            event |= {"isBase64Encoded": True, "body": base64.b64encode(body.encode()).decode()}
        with case("API Gateway event"), no_traceback(caplog):
            answer = call("api", event)
        assert answer["statusCode"] < 500, answer
        if answer["statusCode"] >= 400 and method != "HEAD":
            assert json.loads(answer["body"])["error"]["message"]

    one()


def test_a_request_for_a_stream(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    @fuzz("streaming event", path=TEXT.map(lambda text: f"/tasks/{text}/stream") | PATH, headers=HEADERS, query=QUERY)
    def one(path: str, headers: Any, query: Any) -> None:
        event = request("GET", path, None, **headers)
        event["multiValueQueryStringParameters"] = query
        with case("streaming event"), no_traceback(caplog):
            assert call("stream", event)["statusCode"] < 500

    one()
