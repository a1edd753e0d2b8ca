"""What is published when a task changes."""

from __future__ import annotations

from typing import Any

from hyperframes_render.tasks.ids import dropped_as
from hyperframes_render.tasks.model import Task


def event_id(task: Task) -> str:
    """The id of the event that a task reached its state: the same however often it is sent."""
    return f"evt_{task.id}_{int(task.status)}"


def event_of(task: Task) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and attributes of an event.

    Attributes are few: the topic's filters read them, and it drops a message that has many. Results carry bucket and
    key; an address that opens them is made where it is used, since it ends after a while. The webhook's address stays
    out: subscribers of the topic need not know it.
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
    if dropped := dropped_as(task):
        body["drop_key"] = dropped
    if task.frames_total:
        body["progress"] = {"frames_done": task.frames_done, "frames_total": task.frames_total}
    return body, {"status": str(int(task.status)), "owner": task.owner, "app": task.app}
