"""Changes of a task: read it, decide, write if it is unchanged; `advance` also publishes."""

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
#: Attempts to write a change. In each lost race another writer succeeded, so a working table never needs this many.
_MAX_ATTEMPTS = 20
#: Characters of a requested task id at most; real ids have fewer.
_MAX_ID = 64

Decision = Callable[[Task], Mapping[str, Any] | None]


def owned_task(table: TaskTable, owner: str, task_id: str) -> Task:
    """The task. Raises NotFound if there is none or it belongs to another owner."""
    task = table.get(task_id) if 0 < len(task_id) <= _MAX_ID else None
    if task is None or not belongs(task, owner):
        raise NotFound(f"There is no task {task_id[:_MAX_ID]}.", "Check the id; a key sees its own tasks only.")
    return task


def change_task(table: TaskTable, task_id: str, decide: Decision) -> tuple[Task, bool]:
    """Write the changes that `decide` returns for the current task; None changes nothing.

    `decide` is called again after each lost race. Returns the task and whether it was changed. Raises NotFound,
    ServiceFailed, and what `decide` raises.
    """
    for _ in range(_MAX_ATTEMPTS):
        task = table.get(task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}.", "It may have been deleted.")
        changes = decide(task)
        if changes is None:
            return task, False
        changed = table.update_if_unchanged(task, {"updated_at": moment(), **changes})
        if changed is not None:
            return changed, True
    raise ServiceFailed(f"The task {task_id} could not be changed: others changed it first {_MAX_ATTEMPTS} times.")


def advance(table: TaskTable, topic: EventTopic, task_id: str, status: TaskStatus, **changes: Any) -> Task:
    """Set the status of an active task and publish it. Raises TaskCancelled if it is being cancelled or has ended.

    A failure to publish is only logged, because later states replace this one.
    """

    def decide(task: Task) -> Mapping[str, Any]:
        check_active(task)
        return {"status": status, **changes}

    task, _ = change_task(table, task_id, decide)
    publish(topic, task)
    return task


def check_active(task: Task) -> None:
    """Raise TaskCancelled if the task is being cancelled or has ended."""
    if task.status == TaskStatus.CANCELLING:
        raise TaskCancelled("The task was cancelled.")
    if task.status.final:
        raise TaskCancelled(f"The task has ended already: it is {task.status.text}.")


def publish(topic: EventTopic, task: Task) -> bool:
    """Publish the task's state. Returns whether that worked."""
    try:
        event, attributes = event_of(task)
        topic.publish(event, attributes)
    except ServiceFailed as failure:
        _LOG.warning("state of task %s (%s) was not published: %s", task.id, task.status.text, failure)
        return False
    return True
