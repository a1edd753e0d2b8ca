"""A task whose item is not as it was accepted is told from one that is, and made a failed one."""

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


class Notes:
    """A ledger's notes."""

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
    given: dict[str, Any] = {
        "id": task_id_from("a", DROP_OWNER) if dropped else new_task_id(OWNER),
        "owner": DROP_OWNER if dropped else OWNER,
        "status": TaskStatus.QUEUED,
        "created_at": "",
        "updated_at": "",
        "webhook": HOOK,
        "input": {"html": "https://example.com/a.html", "codec": "vp9", "fps": 25},
    }
    return Task(**{**given, **fields})


@pytest.mark.parametrize("fields", [{}, {"webhook": None}, {"input": {}}, {"drop_key": "inbox/promo.html"}])
def test_a_task_that_went_its_way_is_as_it_was_accepted(fields: dict[str, Any]) -> None:
    task = accepted(**fields)
    reach = Grant.model_validate_json(Grant.of_task(task).model_dump_json())
    # What functions write: state, source of an address, progress, failures, cost.
    ended = {"status": TaskStatus.COMPLETED, "source_key": "work/x/source.html", "frames_done": 5, "output": {"a": 1}}
    assert (
        tampering_changes(reach, task.model_copy(update={**ended, "failure": {"code": "x"}, "spent": {"plan_ms": 5}}))
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
def test_an_altered_task_has_failed_and_is_given_back_to_whom_it_was_accepted_for(
    dropped: bool, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    task = accepted(**({"drop_key": "inbox/promo.html"} if dropped else {}))
    reach = Grant.of_task(task)
    changed = task.model_copy(update={"status": TaskStatus.COMPLETED, "output": {"key": "outbox/x.mp4"}, **changes})
    with caplog.at_level(logging.ERROR):
        made = as_accepted(reach, changed)
    assert (made.owner, made.drop_key, made.webhook, made.codec) == (task.owner, task.drop_key, HOOK, Codec.VP9)
    assert made.status == TaskStatus.FAILED and made.output is None
    assert made.error and made.error["code"] == "task_altered" and made.error["retryable"] is False
    assert tampering_changes(reach, made) == {}, "once is enough"
    assert task.id in caplog.text


def test_what_is_too_old_for_a_note_is_done_in_nobody_s_name() -> None:
    task = accepted(drop_key="inbox/promo.html")
    made = as_accepted(None, task)
    assert (made.webhook, made.drop_key, made.status) == (None, None, TaskStatus.FAILED)
    plain = accepted(webhook=None)
    assert tampering_changes(None, plain) == {}


def test_access_ends_before_the_note_does(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: Any = Notes()
    task, now = accepted(), time.time()
    secret = record_grant(notes, task)
    for later, granted, noted in (
        (ACCESS_SECONDS - 60, True, True),
        (ACCESS_SECONDS + 60, False, True),
        (GRANT_LIFETIME + 60, False, False),
    ):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert (grant_for(notes, task.id, secret) is not None) == granted
        assert (recorded_grant(notes, task.id) is not None) == noted


def test_the_note_is_of_what_was_accepted_in_the_end_and_the_access_stays() -> None:
    """A dropped file's first try ended halfway, and the file beside it was replaced before the second."""
    notes: Any = Notes()
    task = accepted(drop_key="inbox/promo.html")
    secret = record_grant(notes, task)
    again = task.model_copy(update={"webhook": "https://example.com/other", "input": {"codec": "gif"}})
    assert record_grant(notes, again) == secret
    assert tampering_changes(recorded_grant(notes, task.id), again) == {}
    assert tampering_changes(grant_for(notes, task.id, secret), again) == {}


def test_the_address_that_a_task_s_item_gives_its_page_widens_nothing() -> None:
    task = accepted()
    moved = task.model_copy(update={"source_address": "https://victim.example/"})
    assert Grant.of_task(moved) == Grant.of_task(task)
    assert tampering_changes(Grant.of_task(task), moved) == {}
