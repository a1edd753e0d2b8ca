"""POST /apps/run, GET /tasks/{task_id} and GET /health: results, and errors for bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.functions.api import build_application
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.model import TaskStatus
from hyperframes_render.tasks.timestamps import later
from tests.integration.functions.cloud import (
    BUCKET,
    HTML,
    OWNER,
    TABLE,
    Cloud,
    answer,
    call,
    request,
    run_workflow,
    submit,
)
from tests.integration.functions.conftest import clear_caches
from tests.integration.functions.engine import Behaviour


def test_an_accepted_task_has_source_item_workflow_and_event(cloud: Cloud) -> None:
    html = HTML + "<!--" + "x" * 1_000_000 + "-->"
    status, body, _ = answer(
        "POST", "/apps/run", {"app": "infsh/hyperframes-render@1", "input": {"html": html, "fps": "29.97"}}
    )
    assert status == 200 and body["success"] is True and body["status"] == 200
    task = body["data"]
    assert (task["status"], task["status_text"]) == (2, "queued")
    key = f"work/{task['id']}/source.html"
    assert cloud.get(key).decode() == html
    assert task["input"] == {"html": f"s3://{BUCKET}/{key}", "fps": "29.97"}
    item = cloud.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": task["id"]}})["Item"]
    assert len(json.dumps(item)) < 2000
    assert cloud.executions() == [task["id"]]
    (event,) = cloud.events_seen()
    assert event["_attributes"] == {"status": "2", "owner": OWNER, "app": "infsh/hyperframes-render"}
    assert event["event_id"] == f"evt_{task['id']}_2"


def test_a_completed_task_has_a_fresh_video_address_cost_and_timings(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit(metadata={"order": 1})
    assert run_workflow(task_id) == {"task_id": task_id, "status": 10}
    _, body, _ = answer("GET", f"/tasks/{task_id}")
    task = body["data"]
    assert task["status"] == 10 and task["error"] is None and task["metadata"] == {"order": 1}
    video = task["output"]["video"]
    assert f"outbox/tasks/{task_id}/video.mp4" in video["uri"] and "X-Amz-Signature" in video["uri"]
    assert video["content_type"] == "video/mp4" and video["size"] == len(cloud.get(f"outbox/tasks/{task_id}/video.mp4"))
    assert later(3500) < task["output"]["uris_expire_at"] < later(3700)
    assert set(video) == {"uri", "content_type", "size", "filename"}, "clients make File objects of just these"
    assert task["output"]["cost"]["usd"] > 0
    assert task["output"]["timings"]["accepted_to_finished"] > 0
    assert "progress" not in task["output"]


def test_an_expired_video_is_reported_without_a_url(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    run_workflow(task_id)
    task = cloud.task(task_id)
    assert task.output
    cloud.tasks.update_if_unchanged(task, {"output": {**task.output, "expires_at": "2020-01-01T00:00:00.000Z"}})
    output = answer("GET", f"/tasks/{task_id}")[1]["data"]["output"]
    assert "video" not in output and "expired" in output


def test_a_running_task_shows_its_progress(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    cloud.tasks.add_frames(task_id, 20)
    task = answer("GET", f"/tasks/{task_id}")[1]["data"]
    assert task["status"] == 7
    assert task["output"]["progress"] == {"phase": "render", "frames_done": 20, "frames_total": 50, "percent": 40.0}
    assert task["logs"] == ["render: 20 of 50 frames (40 %)"]


def test_version_2_has_no_envelope_and_every_route_exists_under_v1(cloud: Cloud) -> None:
    _, body, _ = answer("POST", "/v1/run", {"input": {"html": HTML}}, **{"X-API-Version": "2"})
    assert body["status"] == 2 and "data" not in body
    status, again, _ = answer("GET", f"/v1/tasks/{body['id']}", **{"X-API-Version": "2"})
    assert status == 200 and again["id"] == body["id"]


def test_health_and_openapi_need_no_key(cloud: Cloud) -> None:
    status, body, _ = answer("GET", "/health", key=None)
    assert (status, body["status"]) == (200, "ok")
    status, body, _ = answer("GET", "/openapi.json", key=None)
    assert status == 200 and {"/apps/run", "/tasks/{task_id}", "/health"} <= body["paths"].keys()


@pytest.mark.parametrize(
    ("context", "address"),
    [
        ({"domainName": "a1.execute-api.us-east-1.amazonaws.com", "path": "/live/openapi.json"}, "/live"),
        ({"domainName": "a1.execute-api.us-east-1.amazonaws.com", "path": "/live/v1/openapi.json/"}, "/live/v1"),
        ({"domainName": "render.example.com", "path": "/openapi.json"}, ""),
    ],
)
def test_the_openapi_document_has_the_gateways_base_url(cloud: Cloud, context: dict[str, str], address: str) -> None:
    event = request("GET", "/openapi.json", key=None)
    described = json.loads(call("api", {**event, "requestContext": {**event["requestContext"], **context}})["body"])
    assert described["servers"] == [{"url": f"https://{context['domainName']}{address}"}]


def test_without_a_gateway_the_openapi_base_url_is_the_root(cloud: Cloud) -> None:
    for path in ("/openapi.json", "/v1/openapi.json"):
        assert TestClient(build_application()).get(path).json()["servers"] == [{"url": "/"}]


def test_a_request_keeps_its_valid_id_or_gets_one(cloud: Cloud) -> None:
    assert answer("GET", "/health", **{"X-Request-Id": "order-4711-a"})[2]["x-request-id"] == "order-4711-a"
    assert len(answer("GET", "/health")[2]["x-request-id"]) == 32
    odd = answer("GET", "/health", **{"X-Request-Id": "x\r\nSet-Cookie: a"})[2]["x-request-id"]
    assert len(odd) == 32


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_either_header_carries_a_key(cloud: Cloud, header: str) -> None:
    value = "hf_live_sample" if header == "X-Api-Key" else "bearer hf_live_sample"
    status, _, _ = answer("GET", "/tasks/none", key=None, **{header: value})
    assert status == 404


@pytest.mark.parametrize("key", [None, "", "wrong", "x" * 5000])
def test_every_route_answers_401_without_a_valid_key(cloud: Cloud, key: str | None) -> None:
    for method, path, body in (("POST", "/apps/run", "{not json"), ("GET", "/tasks/x", None)):
        status, problem, headers = answer(method, path, body, key=key)
        assert status == 401 and problem["error"]["code"] == "unauthorized"
        assert headers["content-type"] == "application/problem+json"


def test_a_revoked_key_stops_within_a_minute(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer("GET", "/tasks/none")[0] == 404
    keys = DynamoKeys(TABLE, cloud.dynamodb)
    record = make_record("hf_live_sample", "test")
    keys.put(type(record)(**{**record.__dict__, "revoked": True}))
    monkeypatch.setattr("hyperframes_render.tasks.keys.CACHE_SECONDS", 0)
    assert answer("GET", "/tasks/none")[0] == 401


def test_a_key_sees_its_own_tasks_only(cloud: Cloud) -> None:
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record("other key", "other"))
    task_id = submit()
    status, problem, _ = answer("GET", f"/tasks/{task_id}", key="other key")
    assert status == 404 and task_id in problem["detail"]
    assert answer("GET", f"/tasks/{task_id}")[0] == 200


BAD_BODIES: dict[str, tuple[Any, int, str]] = {
    "no JSON": ("{", 400, "line 1"),
    "not an object": ("[]", 400, "JSON object"),
    "NaN": ('{"input": {"html": "<p>"}, "metadata": NaN}', 400, "not valid JSON"),
    "number beyond all": ('{"input": {"html": "<p>"}, "metadata": 1e999}', 400, "not valid JSON"),
    "half a surrogate pair": ('{"input": {"html": "\\ud800"}}', 400, "not valid JSON"),
    "nested": ("[" * 200_000, 400, "not valid JSON"),
    "no input": ({}, 400, "input: "),
    "input no object": ({"input": "<p>"}, 400, "input: "),
    "no html": ({"input": {}}, 400, "input.html"),
    "html empty": ({"input": {"html": "  "}}, 400, "input.html"),
    "html no text": ({"input": {"html": 5}}, 400, "input.html"),
    "html too large": ({"input": {"html": "x" * 2_000_001}}, 413, "input.html"),
    "unknown field": ({"input": {"html": HTML, "widht": 5}}, 400, 'Did you mean "width"?'),
    "wrong type": ({"input": {"html": HTML, "width": "wide"}}, 400, "input.width"),
    "wrong value": ({"input": {"html": HTML, "fps": 0}}, 400, "input.fps"),
    "unknown codec": ({"input": {"html": HTML, "codec": "mpeg9"}}, 400, "input.codec"),
    "too large": ({"input": {"html": HTML, "width": 100_000, "height": 100_000}}, 413, "limit"),
    "unknown app": ({"app": "infsh/other", "input": {"html": HTML}}, 404, "infsh/other"),
    "metadata too large": ({"input": {"html": HTML}, "metadata": "x" * 3000}, 413, "metadata"),
    "webhook no address": ({"input": {"html": HTML}, "webhook": "hook"}, 400, "webhook"),
    "webhook no text": ({"input": {"html": HTML}, "webhook": 5}, 400, "webhook"),
    "webhook not https": ({"input": {"html": HTML}, "webhook": "http://example.com/"}, 400, "https"),
    "webhook private": ({"input": {"html": HTML}, "webhook": "https://10.0.0.7/hook"}, 400, "10.0.0.7"),
    "webhook loopback": ({"input": {"html": HTML}, "webhook": "https://127.1/hook"}, 400, "public"),
    "webhook metadata service": (
        {"input": {"html": HTML}, "webhook": "https://[::ffff:169.254.169.254]/"},
        400,
        "public",
    ),
    "foreign file": ({"input": {"html": f"s3://{BUCKET}/uploads/someone/f/a.html"}}, 400, "your key"),
    "foreign bucket": ({"input": {"html": f"s3://other/uploads/{OWNER}/f/a.html"}}, 400, "your key"),
    "missing file": ({"input": {"html": f"s3://{BUCKET}/uploads/{OWNER}/f/a.html"}}, 400, "does not exist"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_input_gets_an_error_that_names_the_field(cloud: Cloud, name: str) -> None:
    body, status, said = BAD_BODIES[name]
    got, problem, headers = answer("POST", "/apps/run", body)
    assert got == status, problem
    assert said in problem["detail"], problem["detail"]
    assert problem["success"] is False and problem["status"] == status and problem["error"]["code"]
    assert problem["error"]["message"] == problem["detail"] and problem["type"].startswith("/errors/")
    assert problem["request_id"] == headers["x-request-id"]
    assert cloud.all_tasks() == [] and cloud.executions() == [] and cloud.keys() == []


def test_a_webhook_whose_name_has_a_private_address_is_refused_at_once(
    cloud: Cloud, public_names: dict[str, str]
) -> None:
    public_names["hooks.example.com"] = "10.1.2.3"
    status, problem, _ = answer(
        "POST", "/apps/run", {"input": {"html": HTML}, "webhook": "https://hooks.example.com/x"}
    )
    assert status == 400 and "hooks.example.com" in problem["detail"] and "public" in problem["detail"]
    assert submit(webhook="https://elsewhere.example.com/x")


def test_a_body_beyond_the_limit_is_413(cloud: Cloud) -> None:
    status, problem, _ = answer("POST", "/apps/run", "x" * (6 * 1024**2 + 1))
    assert status == 413 and problem["error"]["code"] == "payload_too_large"


def test_unknown_routes_and_methods_have_the_common_error_body(cloud: Cloud) -> None:
    assert answer("GET", "/nothing/here")[1]["error"]["code"] == "not_found"
    status, problem, _ = answer("DELETE", "/apps/run")
    assert status == 405 and "DELETE" in problem["detail"]


def test_fields_without_a_meaning_here_are_ignored_with_a_warning(cloud: Cloud) -> None:
    body = {
        "input": {"html": HTML},
        "infra": "cloud",
        "session": "s1",
        "wait": True,
        "stream": False,
        "setup": {"a": 1},
    }
    task = answer("POST", "/apps/run", body)[1]["data"]
    assert task["session_id"] == "s1"
    assert len(task["warnings"]) == 2 and "infra" in " ".join(warning["message"] for warning in task["warnings"])


def test_metadata_beside_or_inside_input_is_echoed(cloud: Cloud) -> None:
    for body in ({"metadata": {"n": 1.5}, "input": {"html": HTML}}, {"input": {"html": HTML, "metadata": {"n": 1.5}}}):
        task = answer("POST", "/apps/run", body)[1]["data"]
        assert answer("GET", f"/tasks/{task['id']}")[1]["data"]["metadata"] == {"n": 1.5}


def test_an_uploaded_file_is_rendered_without_a_copy(cloud: Cloud, behaviour: Behaviour) -> None:
    key = f"uploads/{OWNER}/f1/page.html"
    cloud.put(key, HTML)
    task_id = answer("POST", "/apps/run", {"input": {"html": f"s3://{BUCKET}/{key}"}})[1]["data"]["id"]
    assert cloud.task(task_id).source_key == key
    assert run_workflow(task_id)["status"] == 10
    assert cloud.keys("uploads/") == [key]


def test_the_stacks_network_ceiling_narrows_a_request(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORK_CEILING", "cdn.example.com,*.fonts.example.com")
    clear_caches()
    task = answer("POST", "/apps/run", {"input": {"html": HTML, "network": "public"}})[1]["data"]
    assert task["input"]["network"] == ["cdn.example.com", "*.fonts.example.com"]
    asked = {"html": HTML, "network": ["a.fonts.example.com", "evil.example.org"]}
    task = answer("POST", "/apps/run", {"input": asked})[1]["data"]
    assert task["input"]["network"] == ["a.fonts.example.com"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"html": "https://out.example/a.html"}, "input.html"),
        ({"html": "  HTTP://Out.Example:8080/a.zip"}, "input.html"),
        ({"html": HTML, "audio": "https://in.example@out.example/a.mp3"}, "input.audio_url"),
    ],
)
def test_a_url_beyond_the_network_ceiling_is_refused_at_submission(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], field: str
) -> None:
    monkeypatch.setenv("NETWORK_CEILING", "in.example")
    clear_caches()
    status, body, _ = answer("POST", "/apps/run", {"input": {**given, "network": "public"}})
    assert status == 400 and body["error"]["message"].startswith(f'{field}: this stack fetches nothing from "out.')
    assert cloud.keys("work/") == []


def test_source_urls_are_limited_by_the_stacks_network_ceiling_only(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWORK_CEILING", "*.in.example")
    clear_caches()
    given = {"html": "https://a.in.example/a.html", "audio_url": "https://b.in.example/a.mp3", "network": "none"}
    assert answer("POST", "/apps/run", {"input": given})[0] == 200


def test_a_failed_start_is_still_an_accepted_task_and_sweep_starts_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.aws.workflow import StateMachine
    from hyperframes_render.errors import ServiceFailed

    def fail(*_: Any) -> None:
        raise ServiceFailed("Starting the workflow failed: ThrottlingException.")

    with monkeypatch.context() as patched:
        patched.setattr(StateMachine, "start", fail)
        task_id = submit()
    assert cloud.executions() == []
    assert call("sweep", {}) == {}, "not before its time"
    cloud.attention_due(task_id)
    assert call("sweep", {}) == {"started": 1}
    assert cloud.executions() == [task_id]
    assert cloud.attention(task_id) == "run"


def test_a_failed_event_does_not_refuse_the_task(cloud: Cloud) -> None:
    cloud.sns.delete_topic(TopicArn=cloud.topic)
    task_id = submit()
    assert cloud.executions() == [task_id]


def test_a_failed_aws_call_is_a_503_without_internals(cloud: Cloud) -> None:
    cloud.dynamodb.delete_table(TableName=TABLE)
    status, problem, _ = answer("GET", "/tasks/x")
    assert status == 503 and problem["request_id"] in problem["detail"]
    assert "ResourceNotFound" not in json.dumps(problem) and "Dynamo" not in json.dumps(problem)


def test_an_internal_error_is_a_500_without_internals(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("hyperframes_render.api.app.parse_run", fault)
    status, problem, headers = answer("POST", "/apps/run", {})
    assert status == 500 and problem["error"]["code"] == "internal_error"
    assert "secret" not in json.dumps(problem) and headers["x-request-id"] in problem["detail"]


def test_an_accepted_task_is_not_accepted_twice(cloud: Cloud) -> None:
    task_id = submit()
    task = cloud.task(task_id)
    assert cloud.tasks.create(task) is False


def test_a_stale_change_is_not_written(cloud: Cloud) -> None:
    task_id = submit()
    mine, theirs = cloud.task(task_id), cloud.task(task_id)
    assert cloud.tasks.update_if_unchanged(theirs, {"status": TaskStatus.CANCELLING}) is not None
    assert cloud.tasks.update_if_unchanged(mine, {"status": TaskStatus.RUNNING}) is None
    assert cloud.task(task_id).status == TaskStatus.CANCELLING


def test_counting_frames_conflicts_with_no_change_of_state(cloud: Cloud) -> None:
    task_id = submit()
    before = cloud.task(task_id)
    assert cloud.tasks.add_frames(task_id, 5) == TaskStatus.QUEUED
    assert cloud.tasks.update_if_unchanged(before, {"phase": "render"}) is not None
    assert cloud.task(task_id).frames_done == 5


def test_a_task_without_a_stored_source_is_not_accepted(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.objects import S3Objects
    from hyperframes_render.errors import ServiceFailed

    def fail(*_: Any) -> None:
        raise ServiceFailed("Writing failed: SlowDown.")

    monkeypatch.setattr(S3Objects, "put", fail)
    status, problem, _ = answer("POST", "/apps/run", {"input": {"html": HTML}})
    assert status == 503 and problem["error"]["retryable"] is True
    assert cloud.all_tasks() == [] and cloud.executions() == []
