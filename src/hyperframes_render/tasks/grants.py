"""What the functions that render a task may reach, and for whom it was accepted: decided when it is accepted.

It is noted apart from the task: a renderer that a page took over can change its own task's item, but not this note, and
so cannot make its reach wider. The workflow gets a secret of the note, which its functions show to get it. And who
writes beside others' results, or tells others of the task, compares its item with the note first (`altered`).
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from pydantic import BaseModel, ConfigDict

from hyperframes_render.errors import TaskAltered
from hyperframes_render.formats import Codec
from hyperframes_render.tasks.ids import dropped_as
from hyperframes_render.tasks.layout import poster_key, result_key, work_folder
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import ExpiringStore
from hyperframes_render.tasks.timestamps import DAY
from hyperframes_render.tasks.uploads import UPLOADS

_LOG = logging.getLogger(__name__)
#: Longer than a workflow that waits for its turn may take, and is started again.
ACCESS_SECONDS = 7 * DAY
#: Longer than a task takes and its webhook may lie among the dead letters after that. What has no note any more is not
#: done in anybody's name: so nothing is won by keeping an altered task waiting.
NOTE_SECONDS = 30 * DAY


class Grant(BaseModel):
    """Keys of the bucket, and whose counters and names are touched. The task's own item is understood.

    `webhook` and `codec` are what it was accepted with.
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
        """What rendering `task` needs: its folder, what was uploaded for it, its video and its poster."""
        uploaded = tuple(key for key in (task.source_key, task.audio_key) if key and key.startswith(UPLOADS))
        writes = (result_key(task), poster_key(task))
        return cls(
            task_id=task.id,
            owner=task.owner,
            folder=work_folder(task.id),
            reads=uploaded,
            writes=writes,
            drop_key=dropped_as(task),
            webhook=task.webhook,
            codec=task.codec,
        )


def record_grant(store: ExpiringStore, task: Task) -> str:
    """Note what the task may reach, once; the secret that its workflow is to show."""
    reach, until = Grant.of_task(task).model_dump_json(), int(time.time()) + ACCESS_SECONDS
    noted = {"access": secrets.token_hex(16), "reach": reach, "until": str(until)}
    before = store.put_if_absent(_name(task.id), noted, NOTE_SECONDS)
    if before and before.get("reach") != reach:
        # An earlier try to accept it ended halfway, and the file beside a dropped one says something else by now.
        noted = {**noted, "access": before["access"]}
        store.put(_name(task.id), noted, NOTE_SECONDS)
    return (before or noted)["access"]


def recorded_access(store: ExpiringStore, task_id: str) -> str:
    """The secret of a task that was accepted before; empty, which opens nothing, where it is too old."""
    return (store.get(_name(task_id)) or {}).get("access", "")


def grant_for(store: ExpiringStore, task_id: str, access: str) -> Grant | None:
    """What may be reached by who shows `access`; None: nothing."""
    noted = store.get(_name(task_id)) or {}
    if not noted.get("access") or not secrets.compare_digest(noted["access"].encode(), access.encode()):
        return None
    if int(noted["until"]) < int(time.time()):
        return None
    return Grant.model_validate_json(noted["reach"])


def recorded_grant(store: ExpiringStore, task_id: str) -> Grant | None:
    """What was noted when the task was accepted; None where it is too old."""
    noted = store.get(_name(task_id))
    return Grant.model_validate_json(noted["reach"]) if noted else None


def tampering_changes(reach: Grant | None, task: Task) -> dict[str, Any]:
    """The changes that make a failed task of one whose item is not as it was accepted, and give it back to whom it was
    accepted for; empty where it is as it was.

    Without a note, nobody is notified of the task and nothing is written under a dropped name.
    """
    truth: dict[str, Any] = {"drop_key": None, "webhook": None}
    if reach is not None:
        input_ = task.input if task.codec == reach.codec else {**task.input, "codec": str(reach.codec)}
        truth = {"owner": reach.owner, "drop_key": reach.drop_key, "webhook": reach.webhook, "input": input_}
    wrong = {name: value for name, value in truth.items() if getattr(task, name) != value}
    if not wrong:
        return {}
    _LOG.error("task %s was altered after it was accepted: %s", task.id, ", ".join(wrong))
    failure = TaskAltered(
        "What this task was accepted with was changed while it was rendered, so its result cannot be trusted.",
        "Look at who made the composition: its page may have taken the renderer over.",
    )
    return {**wrong, "status": TaskStatus.FAILED, "phase": "done", "output": None, "error": failure.as_dict()}


def as_accepted(reach: Grant | None, task: Task) -> Task:
    """The task as it is to be acted on: itself, or the failed one that `altered` makes of it."""
    return task.model_copy(update=tampering_changes(reach, task))


def _name(task_id: str) -> str:
    return f"access#{task_id}"
