"""Task ids. An id contains a hash of the task's owner, so a changed item cannot move the task to another owner.

A renderer that a page took over can change every field of its task's item, `owner` too, but not the item's key. The
owner is therefore checked against the id, which needs no second read.
"""

from __future__ import annotations

import hashlib
import secrets

from hyperframes_render.tasks.model import Task

#: The owner of dropped files. No API key has this owner, because a key's owner is made from its hash.
DROP_OWNER = "drop"
#: Hexadecimal digits of an id: 96 bits make it unique, 48 bits bind it to its owner.
_UNIQUE, _MARK = 24, 12


def new_task_id(owner: str) -> str:
    """A random id of hexadecimal digits, which a workflow execution's name may contain."""
    return _id_of(secrets.token_hex(_UNIQUE // 2), owner)


def task_id_from(text: str, owner: str) -> str:
    """The same id for the same text and owner."""
    return _id_of(hashlib.sha256(text.encode()).hexdigest()[:_UNIQUE], owner)


def belongs(task: Task, owner: str) -> bool:
    """Whether the task belongs to `owner`, by its id."""
    return task.id == _id_of(task.id[:_UNIQUE], owner)


def drop_key_of(task: Task) -> str | None:
    """The key below inbox/ of a dropped file's task; None for other tasks, even if their item has a drop_key."""
    return task.drop_key if belongs(task, DROP_OWNER) else None


def _id_of(unique: str, owner: str) -> str:
    return unique + hashlib.sha256(f"{unique} {owner}".encode()).hexdigest()[:_MARK]
