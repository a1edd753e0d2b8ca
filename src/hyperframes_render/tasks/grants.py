"""Grants: what the functions that render a task may access, fixed when the task is accepted.

A grant is stored apart from the task's item. A renderer that a page took over can change its task's item but not the
grant, so it cannot widen its access. The workflow receives the grant's secret, and its functions show the secret to
read the grant. Code that writes results or publishes a task first compares the item with the grant
(`tampering_changes`).
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from pydantic import BaseModel, ConfigDict

from hyperframes_render.errors import TaskAltered
from hyperframes_render.formats import Codec
from hyperframes_render.tasks.ids import drop_key_of
from hyperframes_render.tasks.layout import poster_key, result_key, work_folder
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import ExpiringStore
from hyperframes_render.tasks.timestamps import DAY
from hyperframes_render.tasks.uploads import UPLOADS

_LOG = logging.getLogger(__name__)
#: Seconds that a grant's secret is valid: longer than a workflow may take that waits for capacity and is restarted.
ACCESS_SECONDS = 7 * DAY
#: Seconds that a grant is stored: longer than a task takes and its webhook may stay in the dead-letter queue. Without a
#: grant there is no webhook and no dropped name, so an attacker gains nothing by delaying an altered task.
GRANT_LIFETIME = 30 * DAY


class Grant(BaseModel):
    """The keys of the bucket that a task may read and write, and the owner whose counters it may change.

    Access to the task's item is implied. `drop_key`, `webhook` and `codec` are the accepted values.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    owner: str
    folder: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    drop_key: str | None = None
    webhook: str | None = None
    codec: Codec

    @classmethod
    def of_task(cls, task: Task) -> Grant:
        """The grant that rendering `task` needs: its work folder, its uploads, its video and its poster."""
        uploaded = tuple(key for key in (task.source_key, task.audio_key) if key and key.startswith(UPLOADS))
        writes = (result_key(task), poster_key(task))
        return cls(
            task_id=task.id,
            owner=task.owner,
            folder=work_folder(task.id),
            reads=uploaded,
            writes=writes,
            drop_key=drop_key_of(task),
            webhook=task.webhook,
            codec=task.codec,
        )


def record_grant(store: ExpiringStore, task: Task) -> str:
    """Store the task's grant once. Returns the secret that the task's workflow must show."""
    grant, until = Grant.of_task(task).model_dump_json(), int(time.time()) + ACCESS_SECONDS
    record = {"access": secrets.token_hex(16), "reach": grant, "until": str(until)}
    before = store.put_if_absent(_name(task.id), record, GRANT_LIFETIME)
    if before and before.get("reach") != grant:
        # An earlier attempt to accept the task was interrupted, and the dropped file's sidecar has changed since.
        record = {**record, "access": before["access"]}
        store.put(_name(task.id), record, GRANT_LIFETIME)
    return (before or record)["access"]


def recorded_access(store: ExpiringStore, task_id: str) -> str:
    """The secret of an accepted task's grant; empty, which is never valid, if the grant has expired."""
    return (store.get(_name(task_id)) or {}).get("access", "")


def grant_for(store: ExpiringStore, task_id: str, access: str) -> Grant | None:
    """The task's grant; None if `access` is not its secret or is no longer valid."""
    record = store.get(_name(task_id)) or {}
    if not record.get("access") or not secrets.compare_digest(record["access"].encode(), access.encode()):
        return None
    if int(record["until"]) < int(time.time()):
        return None
    return Grant.model_validate_json(record["reach"])


def recorded_grant(store: ExpiringStore, task_id: str) -> Grant | None:
    """The grant that was stored when the task was accepted; None if it has expired."""
    record = store.get(_name(task_id))
    return Grant.model_validate_json(record["reach"]) if record else None


def tampering_changes(grant: Grant | None, task: Task) -> dict[str, Any]:
    """The changes that fail a task whose item was altered and restore its accepted fields; empty if it was not altered.

    Without a grant, the accepted fields are unknown: webhook and drop key are removed, so nobody is notified and
    nothing is written under a dropped file's name.
    """
    accepted: dict[str, Any] = {"drop_key": None, "webhook": None}
    if grant is not None:
        input_ = task.input if task.codec == grant.codec else {**task.input, "codec": str(grant.codec)}
        accepted = {"owner": grant.owner, "drop_key": grant.drop_key, "webhook": grant.webhook, "input": input_}
    wrong = {name: value for name, value in accepted.items() if getattr(task, name) != value}
    if not wrong:
        return {}
    _LOG.error("task %s was altered after it was accepted: %s", task.id, ", ".join(wrong))
    failure = TaskAltered(
        "The stored task was altered while it was rendered, so its result cannot be trusted.",
        "Check where the composition comes from: its page may have taken over the renderer.",
    )
    return {**wrong, "status": TaskStatus.FAILED, "phase": "done", "output": None, "error": failure.as_dict()}


def as_accepted(grant: Grant | None, task: Task) -> Task:
    """The task if it was not altered; else a failed copy of it with its accepted fields."""
    return task.model_copy(update=tampering_changes(grant, task))


def _name(task_id: str) -> str:
    return f"access#{task_id}"
