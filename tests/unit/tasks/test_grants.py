"""Grants: a task whose item was altered after it was accepted is detected and fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest

from hyperframes_render.formats import Codec
from hyperframes_render.tasks.grants import (
    ACCESS_SECONDS,
    GRANT_LIFETIME,
    Grant,
    as_accepted,
    grant_for,
    record_grant,
    recorded_grant,
    tampering_changes,
)
from hyperframes_render.tasks.ids import DROP_OWNER, new_task_id, task_id_from
from hyperframes_render.tasks.model import Task, TaskStatus

OWNER, HOOK = "0123456789abcdef", "https://example.com/hook"


class MemoryStore:
    """An ExpiringStore in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[float, dict[str, str]]] = {}

    def put_if_absent(self, name: str, values: Mapping[str, str], seconds: int) -> dict[str, str] | None:
        if (before := self.get(name)) is not None:
            return before
        self.put(name, values, seconds)
        return None

    def put(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        self.kept[name] = (time.time() + seconds, dict(values))

    def get(self, name: str) -> dict[str, str] | None:
        until, values = self.kept.get(name, (0.0, {}))
        return values if until > time.time() else None


def accepted(**fields: Any) -> Task:
    dropped = "drop_key" in fields
    defaults: dict[str, Any] = {
        "id": task_id_from("a", DROP_OWNER) if dropped else new_task_id(OWNER),
        "owner": DROP_OWNER if dropped else OWNER,
        "status": TaskStatus.QUEUED,
        "created_at": "",
        "updated_at": "",
        "webhook": HOOK,
        "input": {"html": "https://example.com/a.html", "codec": "vp9", "fps": 25},
    }
    return Task(**{**defaults, **fields})


@pytest.mark.parametrize("fields", [{}, {"webhook": None}, {"input": {}}, {"drop_key": "inbox/promo.html"}])
def test_changes_by_functions_are_not_tampering(fields: dict[str, Any]) -> None:
    task = accepted(**fields)
    grant = Grant.model_validate_json(Grant.of_task(task).model_dump_json())
    # Functions write state, source key of a fetched page, progress, failures and cost.
    ended = {"status": TaskStatus.COMPLETED, "source_key": "work/x/source.html", "frames_done": 5, "output": {"a": 1}}
    assert (
        tampering_changes(grant, task.model_copy(update={**ended, "failure": {"code": "x"}, "spent": {"plan_ms": 5}}))
        == {}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "fedcba9876543210"},
        {"owner": ""},
        {"webhook": "https://attacker.example/"},
        {"webhook": None},
        {"drop_key": "inbox/other.html"},
        {"drop_key": "inbox/other.html", "owner": DROP_OWNER},
        {"input": {"codec": "prores"}},
        {"input": {}},
        {"input": {"codec": ["?"]}},
    ],
)
@pytest.mark.parametrize("dropped", [False, True])
def test_an_altered_task_fails_and_gets_its_accepted_fields_back(
    dropped: bool, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    task = accepted(**({"drop_key": "inbox/promo.html"} if dropped else {}))
    grant = Grant.of_task(task)
    changed = task.model_copy(update={"status": TaskStatus.COMPLETED, "output": {"key": "outbox/x.mp4"}, **changes})
    with caplog.at_level(logging.ERROR):
        made = as_accepted(grant, changed)
    assert (made.owner, made.drop_key, made.webhook, made.codec) == (task.owner, task.drop_key, HOOK, Codec.VP9)
    assert made.status == TaskStatus.FAILED and made.output is None
    assert made.error and made.error["code"] == "task_altered" and made.error["retryable"] is False
    assert tampering_changes(grant, made) == {}, "a second call changes nothing"
    assert task.id in caplog.text


def test_a_task_without_a_grant_loses_webhook_and_drop_key() -> None:
    task = accepted(drop_key="inbox/promo.html")
    made = as_accepted(None, task)
    assert (made.webhook, made.drop_key, made.status) == (None, None, TaskStatus.FAILED)
    plain = accepted(webhook=None)
    assert tampering_changes(None, plain) == {}


def test_the_secret_expires_before_the_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = MemoryStore()
    task, now = accepted(), time.time()
    secret = record_grant(store, task)
    for later, granted, stored in (
        (ACCESS_SECONDS - 60, True, True),
        (ACCESS_SECONDS + 60, False, True),
        (GRANT_LIFETIME + 60, False, False),
    ):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert (grant_for(store, task.id, secret) is not None) == granted
        assert (recorded_grant(store, task.id) is not None) == stored


def test_a_second_acceptance_updates_the_grant_and_keeps_the_secret() -> None:
    """A dropped file's first acceptance was interrupted, and its sidecar was replaced before the second."""
    store: Any = MemoryStore()
    task = accepted(drop_key="inbox/promo.html")
    secret = record_grant(store, task)
    again = task.model_copy(update={"webhook": "https://example.com/other", "input": {"codec": "gif"}})
    assert record_grant(store, again) == secret
    assert tampering_changes(recorded_grant(store, task.id), again) == {}
    assert tampering_changes(grant_for(store, task.id, secret), again) == {}


def test_the_source_address_of_an_item_does_not_change_the_grant() -> None:
    task = accepted()
    moved = task.model_copy(update={"source_address": "https://victim.example/"})
    assert Grant.of_task(moved) == Grant.of_task(task)
    assert tampering_changes(Grant.of_task(task), moved) == {}
