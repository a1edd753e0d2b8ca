"""A task's id says whose the task is: nobody can give it to another by what is written into its item.

A renderer that a page took over can change every field of its task's item, `owner` too, but never its key. So whoever
answers a caller looks at the id, and need not read more than the task.
"""

from __future__ import annotations

import hashlib
import secrets

from hyperframes_render.tasks.model import Task

#: Whom dropped files belong to. No API key has this owner: theirs are made from hashes.
DROP_OWNER = "drop"
#: Hexadecimal digits: 96 bits that make the id unique, 48 bits that bind it to its owner.
_UNIQUE, _MARK = 24, 12


def new_task_id(owner: str) -> str:
    """An id in letters and digits that a workflow's name may have."""
    return _id_of(secrets.token_hex(_UNIQUE // 2), owner)


def task_id_from(text: str, owner: str) -> str:
    """The same id for the same text and owner."""
    return _id_of(hashlib.sha256(text.encode()).hexdigest()[:_UNIQUE], owner)


def belongs(task: Task, owner: str) -> bool:
    """Whether the task is `owner`'s."""
    return task.id == _id_of(task.id[:_UNIQUE], owner)


def dropped_as(task: Task) -> str | None:
    """The key below inbox/ of a dropped file's task; None for every other task, whatever its item says."""
    return task.drop_key if belongs(task, DROP_OWNER) else None


def _id_of(unique: str, owner: str) -> str:
    return unique + hashlib.sha256(f"{unique} {owner}".encode()).hexdigest()[:_MARK]
