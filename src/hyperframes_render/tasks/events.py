"""The event that is published when a task changes."""

from __future__ import annotations

from typing import Any

from hyperframes_render.tasks.ids import drop_key_of
from hyperframes_render.tasks.model import Task


def event_id(task: Task) -> str:
    """The event's id, made from task and state: the same each time the event is sent."""
    return f"evt_{task.id}_{int(task.status)}"


def event_of(task: Task) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and message attributes of the task's event.

    There are few attributes: the topic's filters read them, and SNS drops messages with many. The output names bucket
    and key; signed addresses expire, so they are made when they are needed. The webhook's address is left out because
    subscribers of the topic need not know it.
    """
    body: dict[str, Any] = {
        "event_id": event_id(task),
        "type": f"task.{task.status.text}",
        "id": task.id,
        "status": int(task.status),
        "status_text": task.status.text,
        "owner": task.owner,
        "app": task.app,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "session_id": task.session_id,
        "metadata": task.metadata,
        "output": task.output,
        "error": task.error,
    }
    if dropped := drop_key_of(task):
        body["drop_key"] = dropped
    if task.frames_total:
        body["progress"] = {"frames_done": task.frames_done, "frames_total": task.frames_total}
    return body, {"status": str(int(task.status)), "owner": task.owner, "app": task.app}
