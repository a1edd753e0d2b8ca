"""sweep: every accepted task reaches a final state, and every final state is published."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.errors import ServiceFailed
from hyperframes_render.tasks.model import TaskStatus
from hyperframes_render.tasks.timestamps import later, seconds_since
from tests.integration.functions.cloud import TABLE, Cloud, call, run_workflow, submit
from tests.integration.functions.engine import Behaviour


def test_sweep_ignores_tasks_that_are_not_due(cloud: Cloud, behaviour: Behaviour) -> None:
    submit()
    done = submit()
    run_workflow(done)
    call("sweep", {})  # the clean-up of the ended task is due at once in tests
    assert call("sweep", {}) == {}


def test_sweep_handles_a_started_task_that_does_not_run(cloud: Cloud) -> None:
    task_id = submit()
    cloud.attention_due(task_id)
    assert call("sweep", {}) == {"started": 1}
    assert cloud.executions() == [task_id], "already there counts as started"
    assert cloud.attention(task_id) == "run"


def test_a_running_workflow_is_only_rescheduled(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    assert cloud.attention(task_id) == "run"
    cloud.attention_due(task_id)
    assert call("sweep", {}) == {"running": 1}
    assert call("sweep", {}) == {}
    assert cloud.task(task_id).status == TaskStatus.RUNNING


def test_checks_of_a_long_workflow_become_less_frequent(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    usual = 2 * 60  # twice AttentionSeconds
    for age, wait in ((100, usual), (1000, 250), (100_000, 600)):
        cloud.attention_due(task_id)
        assert cloud.tasks.update_if_unchanged(cloud.task(task_id), {"created_at": later(-age)}) is not None
        assert call("sweep", {}) == {"running": 1}
        at = cloud.task(task_id).attention_at
        assert at is not None
        assert wait - 10 < -seconds_since(at) < wait + 10


def test_a_restarted_workflow_renders_only_missing_chunks(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "index": 0, "first": 0, "count": 25})
    cloud.stop_execution(task_id)
    cloud.attention_due(task_id)
    assert call("sweep", {}) == {"restarted": 1}
    assert cloud.executions() == [task_id, f"{task_id}-2"]
    assert run_workflow(task_id)["status"] == 10
    assert behaviour.calls.count("render_chunk 0") == 1
    assert cloud.task(task_id).frames_done == 50


def test_a_task_that_can_no_longer_finish_fails_with_a_final_event(cloud: Cloud) -> None:
    task_id = submit()
    for name in (task_id, f"{task_id}-2", f"{task_id}-3"):
        cloud.stop_execution(name)
        cloud.attention_due(task_id)
        cloud.events_seen()
        done = call("sweep", {})
    assert done == {"failed": 1, "cleaned": 1}
    task = cloud.task(task_id)
    assert task.status == TaskStatus.FAILED and task.error and task.error["code"] == "worker_lost"
    assert [event["event_id"] for event in cloud.events_seen()] == [f"evt_{task_id}_11"]
    assert cloud.keys("outbox/") == [f"outbox/tasks/{task_id}/error.json"] and cloud.keys("work/") == []


@pytest.mark.parametrize("broken", ["publish", "record"])
def test_an_unpublished_final_event_is_published_later_with_the_same_id(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    from hyperframes_render.aws.events import SnsTopic
    from hyperframes_render.aws.objects import S3Objects

    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    cloud.events_seen()

    def fail(*_: Any) -> None:
        raise ServiceFailed("It failed: InternalError.")

    with monkeypatch.context() as patched:
        if broken == "publish":
            patched.setattr(SnsTopic, "publish", fail)
        else:
            patched.setattr(S3Objects, "put", fail)
        if broken == "publish":
            assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 10
        else:
            with pytest.raises(Exception, match="It failed"):
                call("record", {"task_id": task_id, "outcome": "completed"})
    assert cloud.task(task_id).status == TaskStatus.COMPLETED and cloud.events_seen() == []
    cloud.attention_due(task_id)
    assert call("sweep", {}) == {"announced": 1, "cleaned": 1}
    assert [event["event_id"] for event in cloud.events_seen()] == [f"evt_{task_id}_10"]
    record = cloud.json(f"outbox/tasks/{task_id}/result.json")
    assert record["output"]["slowest_frames"], "the details were not lost"
    assert cloud.keys("work/") == []


def test_a_task_that_fails_in_sweep_does_not_delay_others(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.workflow import StateMachine

    first, second = submit(), submit()
    real = StateMachine.status

    def look(self: StateMachine, task_id: str, attempt: int) -> Any:
        if task_id == first:
            raise ServiceFailed("Looking at a workflow failed: ThrottlingException.")
        return real(self, task_id, attempt)

    monkeypatch.setattr(StateMachine, "status", look)
    for task_id in (first, second):
        cloud.attention_due(task_id)
    assert call("sweep", {}) == {"broken": 1, "started": 1}


def test_tasks_that_fail_in_sweep_are_postponed_behind_others(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.workflow import StateMachine
    from hyperframes_render.tasks import sweep

    stuck, damaged, good = submit(), submit(), submit()
    for hour, task_id in enumerate((stuck, damaged, good)):
        assert (
            cloud.tasks.update_if_unchanged(cloud.task(task_id), {"attention_at": f"2020-01-01T0{hour}:00:00.000Z"})
            is not None
        )
    cloud.dynamodb.update_item(
        TableName=TABLE,
        Key={"id": {"S": damaged}},
        UpdateExpression="REMOVE #status",
        ExpressionAttributeNames={"#status": "status"},
    )
    real = StateMachine.status

    def look(self: StateMachine, task_id: str, attempt: int) -> Any:
        if task_id == stuck:
            raise RecursionError("whatever a damaged item does")
        return real(self, task_id, attempt)

    monkeypatch.setattr(StateMachine, "status", look)
    monkeypatch.setattr(sweep, "_BATCH", 1)
    assert [call("sweep", {}) for _ in range(4)] == [{"broken": 1}, {}, {"started": 1}, {}]


def test_an_unpublished_final_event_is_retried_within_ten_minutes(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.aws.events import SnsTopic

    def fail(*_: Any) -> None:
        raise ServiceFailed("It failed: InternalError.")

    task_id = submit()
    monkeypatch.setattr(SnsTopic, "publish", fail)
    run_workflow(task_id)
    for failing, wait in ((0, 60), (300, 300), (100_000, 600)):
        changes = {"updated_at": later(-failing), "attention_at": "2020-01-01T00:00:00.000Z"}
        assert cloud.tasks.update_if_unchanged(cloud.task(task_id), changes) is not None
        assert call("sweep", {}) == {"unannounced": 1}
        at = cloud.task(task_id).attention_at
        assert at is not None
        assert wait - 10 < -seconds_since(at) < wait + 10


def test_a_final_state_with_many_long_warnings_is_stored_and_published(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    draft = cloud.json(f"work/{task_id}/result.json")
    draft["warnings"] = [{"code": "console", "message": f"{number} {'x' * 100_000}"} for number in range(60)]
    cloud.put(f"work/{task_id}/result.json", json.dumps(draft))
    cloud.events_seen()
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 10
    published = [event["output"]["warnings"] for event in cloud.events_seen()]
    assert [len(warnings) for warnings in published] == [50]
    assert {len(warning["message"]) for warning in published[0]} == {300}
    assert published[0] == (cloud.task(task_id).output or {})["warnings"]


@pytest.mark.parametrize("draft", ["[" * 100_000, "{", " " * 9 * 1024**2 + "{}"])
def test_an_unreadable_draft_still_ends_the_task(cloud: Cloud, behaviour: Behaviour, draft: str) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    cloud.put(f"work/{task_id}/result.json", draft)
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 11
    assert (cloud.task(task_id).error or {})["code"] == "internal_error"


def test_an_ended_task_needs_no_attention(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    run_workflow(task_id)
    assert call("sweep", {}) == {"cleaned": 1}
    item = cloud.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": task_id}})["Item"]
    assert not {"attention", "attention_at"} & item.keys(), "it left the sparse index"


def test_a_task_that_ended_during_a_sweep_is_not_restarted(cloud: Cloud, behaviour: Behaviour) -> None:
    from hyperframes_render.aws.workflow import StateMachine
    from hyperframes_render.functions.support.adapters import finisher, settings
    from hyperframes_render.functions.support.settings import SweepSettings
    from hyperframes_render.tasks.sweep import Sweeper

    task_id = submit()
    call("plan", {"task_id": task_id})
    stale = cloud.task(task_id)
    run_workflow(task_id)
    cloud.stop_execution(task_id)
    given = settings(SweepSettings)
    sweeper = Sweeper(finisher(given), StateMachine(given.state_machine_arn), DynamoExpiringStore(given.task_table))
    assert sweeper._check_running(stale) == "ended"
    assert cloud.executions() == [task_id]
