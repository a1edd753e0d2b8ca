"""Every file events/FUNCTION[.variant].json is an event that FUNCTION accepts."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import pytest

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.tasks.grants import Grant
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.timestamps import moment
from tests.integration.functions.cloud import EVENTS, HTML, OWNER, TABLE, Cloud, call, dropped, sample
from tests.integration.functions.engine import Behaviour

FUNCTIONS = ("api", "drop", "sweep", "plan", "render_chunk", "assemble", "record", "notify", "stream", "grant")
SAMPLES = sorted(path.name.removesuffix(".json") for path in EVENTS.glob("*.json"))
TASK = "5a1f0c9e8b7d6a5f4e3d2c1bf86777c87afa"


def make_ready(cloud: Cloud, status: TaskStatus = TaskStatus.QUEUED) -> None:
    """The task to which the sample events refer, planned and rendered as far as each event needs."""
    cloud.put(f"work/{TASK}/source.html", HTML)
    now = moment()
    task = Task(
        id=TASK,
        owner=OWNER,
        status=status,
        created_at=now,
        updated_at=now,
        source_key=f"work/{TASK}/source.html",
        input={"fps": 25},
        webhook="https://example.com/hook",
    )
    assert cloud.tasks.create(task)
    until = str(int(time.time()) + 60)
    record = {"access": sample("grant")["access"], "reach": Grant.of_task(task).model_dump_json(), "until": until}
    DynamoExpiringStore(TABLE, cloud.dynamodb).put_if_absent(f"access#{TASK}", record, 60)


def test_every_function_has_a_sample_and_every_sample_a_function() -> None:
    assert {name.partition(".")[0] for name in SAMPLES} == set(FUNCTIONS)
    for name in FUNCTIONS:
        assert importlib.util.find_spec(f"hyperframes_render.functions.{name}")


@pytest.mark.parametrize("name", SAMPLES)
def test_each_function_accepts_its_sample_events(
    name: str, cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    expectations: dict[str, Any] = {
        "api.run": lambda got: got["statusCode"] == 200,
        "api.get_task": lambda got: got["statusCode"] == 200,
        "api.health": lambda got: got["statusCode"] == 200,
        "drop": lambda got: got == {"batchItemFailures": []} and len(cloud.all_tasks()) == 2,
        "sweep": lambda got: got == {},
        "plan": lambda got: got["chunks"] == 2,
        "grant": lambda got: got["credentials"]["token"] != "",
        "render_chunk.chunk": lambda got: got == {"ok": True},
        "render_chunk.whole": lambda got: got == {"task_id": TASK},
        "assemble": lambda got: got == {"task_id": TASK},
        "record.completed": lambda got: got == {"task_id": TASK, "status": 10},
        "record.failed": lambda got: got == {"task_id": TASK, "status": 11},
        "notify": lambda got: got == {"batchItemFailures": []},
        "stream": lambda got: got["statusCode"] == 200 and '"status": 12' in got["body"],
    }
    make_ready(cloud)
    event = sample(name)
    if name == "drop":
        key = "inbox/spring campaign/promo + teaser ü.html"
        event = dropped(cloud, key, HTML)
    if name in ("render_chunk.chunk", "render_chunk.whole", "assemble", "record.completed"):
        call("plan", {"task_id": TASK})
    if name == "assemble":
        for index in (0, 1):
            call("render_chunk", {"task_id": TASK, "index": index, "first": 25 * index, "count": 25})
    if name == "stream":
        cloud.tasks.update_if_unchanged(cloud.task(TASK), {"status": TaskStatus.CANCELLED})
    if name == "record.completed":
        call("render_chunk", {"task_id": TASK, "whole": True})
    got = call(name.partition(".")[0], event)
    assert expectations[name](got), got
