"""Scopes of keys, rate limits, and repeated requests."""

from __future__ import annotations

from typing import Any

import pytest

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.ports import KeyLimits, Scope
from hyperframes_render.tasks.timestamps import later
from tests.integration.functions.cloud import HTML, TABLE, Cloud, answer, call, run_workflow
from tests.integration.functions.engine import Behaviour

KEY = "a key with limits"


def make_key(cloud: Cloud, **facts: Any) -> None:
    limits = facts.pop("limits", {})
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record(KEY, "limited", limits=KeyLimits(**limits), **facts))


def run(**headers: str) -> tuple[int, Any, dict[str, str]]:
    return answer("POST", "/apps/run", {"input": {"html": HTML}}, key=KEY, **headers)


def test_runs_beyond_the_keys_rate_get_429(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperframes_render.tasks.quotas.time.time", lambda: 1_800_000_030.0)
    make_key(cloud, limits={"runs_a_minute": 2})
    assert [run()[2]["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    status, problem, headers = run()
    assert status == 429 and problem["error"]["code"] == "rate_limited" and problem["error"]["retryable"]
    assert headers["retry-after"] == "30"
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-reset"]) == ("2", "1800000060")
    assert len(cloud.all_tasks()) == 2


def test_tasks_beyond_the_concurrent_limit_are_rejected_until_one_ends(cloud: Cloud, behaviour: Behaviour) -> None:
    make_key(cloud, limits={"tasks_at_once": 2})
    made = [run()[1]["data"]["id"] for _ in range(2)]
    status, body, _ = run()
    rejected = body["data"]
    assert status == 200 and (rejected["status"], rejected["status_text"]) == (13, "rejected")
    assert rejected["error_code"] == "over_quota" and "2 tasks" in rejected["error"]
    assert cloud.executions() == sorted(made)
    assert answer("GET", f"/tasks/{rejected['id']}", key=KEY)[1]["data"]["status"] == 13
    run_workflow(made[0])
    assert run()[1]["data"]["status"] == 2


def test_a_failed_request_does_not_count_as_a_running_task(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.objects import S3Objects
    from hyperframes_render.errors import ServiceFailed

    make_key(cloud, limits={"tasks_at_once": 1})

    def fail(*_: Any) -> None:
        raise ServiceFailed("Writing failed: SlowDown.")

    with monkeypatch.context() as patched:
        patched.setattr(S3Objects, "put", fail)
        assert run(**{"Idempotency-Key": "again"})[0] == 503
    assert run(**{"Idempotency-Key": "again"})[1]["data"]["status"] == 2


def test_plan_enforces_the_daily_limit_of_frames(cloud: Cloud, behaviour: Behaviour) -> None:
    make_key(cloud, limits={"frames_a_day": 120})
    for _ in range(2):
        assert run_workflow(run()[1]["data"]["id"])["status"] == 10
    third = run()[1]["data"]["id"]
    assert run_workflow(third)["status"] == 11
    task = answer("GET", f"/tasks/{third}", key=KEY)[1]["data"]
    assert "120 a day" in task["error"] and "20 are left" in task["error"]
    make_key(cloud, limits={"frames_a_day": 100})
    from tests.integration.functions.conftest import clear_caches

    clear_caches()
    refused = run()[1]["data"]
    assert refused["status"] == 13 and "100 frames" in refused["error"]


@pytest.mark.parametrize(
    ("scope", "allowed"), [(Scope.RUN, {"run", "cancel"}), (Scope.READ, {"get", "list"}), (Scope.UPLOAD, {"upload"})]
)
def test_a_key_is_limited_to_its_scopes(cloud: Cloud, scope: Scope, allowed: set[str]) -> None:
    make_key(cloud, scopes=(scope,))
    requests: dict[str, tuple[str, str, Any]] = {
        "run": ("POST", "/apps/run", {"input": {"html": HTML}}),
        "cancel": ("POST", "/tasks/none/cancel", None),
        "get": ("GET", "/tasks/none", None),
        "list": ("GET", "/tasks", None),
        "upload": ("POST", "/files", {"files": [{"filename": "a.html"}]}),
    }
    for name, (method, path, body) in requests.items():
        status, said, _ = answer(method, path, body, key=KEY)
        assert (status == 403) != (name in allowed), (name, status)
        assert (
            status != 403
            or f'"{"upload" if name == "upload" else "run" if name in ("run", "cancel") else "read"}"' in said["detail"]
        )


def test_an_expired_key_is_refused_with_its_date(cloud: Cloud) -> None:
    make_key(cloud, expires_at=later(-1))
    status, problem, _ = run()
    assert status == 401 and "expired" in problem["detail"]


def test_the_same_request_twice_is_one_task(cloud: Cloud, behaviour: Behaviour) -> None:
    make_key(cloud)
    first, again = (run(**{"Idempotency-Key": "order 4711"})[1]["data"] for _ in range(2))
    assert first["id"] == again["id"] and cloud.all_tasks() == [first["id"]]
    run_workflow(first["id"])
    assert run(**{"Idempotency-Key": "order 4711"})[1]["data"]["status"] == 10
    assert run(**{"Idempotency-Key": "order 4712"})[1]["data"]["id"] != first["id"]
    theirs = answer("POST", "/apps/run", {"input": {"html": HTML}}, **{"Idempotency-Key": "order 4711"})
    assert theirs[1]["data"]["id"] != first["id"], "another key's requests are others"


def test_an_unconfirmed_write_does_not_create_a_second_task(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.tasks import DynamoTasks
    from hyperframes_render.errors import ServiceFailed

    make_key(cloud)
    create = DynamoTasks.create

    def unconfirmed(*given: Any) -> bool:
        create(*given)
        raise ServiceFailed("Writing a new task failed: the connection was closed.")

    with monkeypatch.context() as patched:
        patched.setattr(DynamoTasks, "create", unconfirmed)
        assert run(**{"Idempotency-Key": "order 4711"})[0] == 503
    again = run(**{"Idempotency-Key": "order 4711"})[1]["data"]
    assert cloud.all_tasks() == [again["id"]]


def test_another_body_under_the_same_key_is_422(cloud: Cloud) -> None:
    make_key(cloud)
    run(**{"Idempotency-Key": "order 4711"})
    body = {"input": {"html": HTML, "fps": 50}}
    status, problem, _ = answer("POST", "/apps/run", body, key=KEY, **{"Idempotency-Key": "order 4711"})
    assert status == 422 and problem["error"]["code"] == "idempotency_key_reused"
    assert len(cloud.all_tasks()) == 1


def test_a_retry_completes_a_request_that_crashed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.tasks.service import TaskService

    make_key(cloud)

    def die(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(TaskService, "run", die)
        assert run(**{"Idempotency-Key": "k"})[0] == 500
    assert run(**{"Idempotency-Key": "k"})[1]["data"]["status"] == 2
    assert len(cloud.all_tasks()) == 1


def test_a_dry_run_does_not_count_frames(cloud: Cloud, behaviour: Behaviour) -> None:
    make_key(cloud, limits={"frames_a_day": 10})
    body = {"input": {"html": HTML, "dry_run": True}}
    task_id = answer("POST", "/apps/run", body, key=KEY)[1]["data"]["id"]
    assert call("plan", {"task_id": task_id})["chunks"] == 0
