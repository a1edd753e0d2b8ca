"""How a task changes: read, decide, write if nobody else did, tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from hyperframes_render.errors import NotFound, ServiceFailed, TaskCancelled
from hyperframes_render.tasks.events import event_of
from hyperframes_render.tasks.ids import belongs
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import EventTopic, TaskTable
from hyperframes_render.tasks.timestamps import moment

_LOG = logging.getLogger(__name__)
#: Each lost race means that somebody else won one, so this many in a row do not happen in a table that works.
_RACES = 20
#: Characters of a task's id at most; ours have fewer.
_MAX_ID = 64

Decision = Callable[[Task], Mapping[str, Any] | None]


def owned_task(table: TaskTable, owner: str, task_id: str) -> Task:
    """The task. Raises NotFound where there is none, and for another's task too."""
    task = table.get(task_id) if 0 < len(task_id) <= _MAX_ID else None
    if task is None or not belongs(task, owner):
        raise NotFound(f"There is no task {task_id[:_MAX_ID]}.", "Check the id; a key sees its own tasks only.")
    return task


def change_task(table: TaskTable, task_id: str, decide: Decision) -> tuple[Task, bool]:
    """Let `decide` say what to write to the task as it is now; None leaves it. The task after, and whether it changed.

    Raises NotFound where there is no such task, and what `decide` raises.
    """
    for _ in range(_RACES):
        task = table.get(task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}.", "It may have been deleted.")
        changes = decide(task)
        if changes is None:
            return task, False
        changed = table.update_if_unchanged(task, {"updated_at": moment(), **changes})
        if changed is not None:
            return changed, True
    raise ServiceFailed(f"The task {task_id} could not be changed: others changed it {_RACES} times meanwhile.")


def advance(table: TaskTable, topic: EventTopic, task_id: str, status: TaskStatus, **changes: Any) -> Task:
    """Move a living task on to `status` and tell it. Raises TaskCancelled where it is to end or has ended.

    Only the last state is published for sure: a failure is logged.
    """

    def decide(task: Task) -> Mapping[str, Any]:
        check_active(task)
        return {"status": status, **changes}

    task, _ = change_task(table, task_id, decide)
    publish(topic, task)
    return task


def check_active(task: Task) -> None:
    """Raise TaskCancelled where nobody waits for the task any more."""
    if task.status == TaskStatus.CANCELLING:
        raise TaskCancelled("The task was cancelled.")
    if task.status.final:
        raise TaskCancelled(f"The task has ended already: it is {task.status.text}.")


def publish(topic: EventTopic, task: Task) -> bool:
    """Publish the task's state; whether that worked."""
    try:
        event, attributes = event_of(task)
        topic.publish(event, attributes)
    except ServiceFailed as failure:
        _LOG.warning("the change of task %s to %s was not published: %s", task.id, task.status.text, failure)
        return False
    return True
