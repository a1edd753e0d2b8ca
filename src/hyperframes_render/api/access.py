"""What the functions that render a task may reach, decided when it is accepted.

It is noted apart from the task: a renderer that a page took over can change its own task's item, but not this note, and
so cannot make its reach wider. The workflow is told a secret of the note, which its functions show to get it.
"""

from __future__ import annotations

import secrets

from pydantic import BaseModel, ConfigDict

from hyperframes_render.api.outbox import poster_key, result_key, work_folder
from hyperframes_render.api.ports import Ledger
from hyperframes_render.api.uploads import UPLOADS
from hyperframes_render.task import Task

#: Longer than a workflow that waits for its turn may take, and is started again.
ACCESS_SECONDS = 7 * 24 * 3600


class Reach(BaseModel):
    """Keys of the bucket, and whose counters and names are touched. The task's own item is understood."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    owner: str
    folder: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    drop_key: str | None = None

    @classmethod
    def of_task(cls, task: Task) -> Reach:
        """What rendering `task` needs: its folder, what was uploaded for it, its video and its poster."""
        uploaded = tuple(key for key in (task.source_key, task.audio_key) if key and key.startswith(UPLOADS))
        writes = (result_key(task), poster_key(task))
        return cls(
            task_id=task.id,
            owner=task.owner,
            folder=work_folder(task.id),
            reads=uploaded,
            writes=writes,
            drop_key=task.drop_key,
        )


def note_reach(ledger: Ledger, task: Task) -> str:
    """Note what the task may reach, once; the secret that its workflow is to show."""
    noted = {"access": secrets.token_hex(16), "reach": Reach.of_task(task).model_dump_json()}
    return (ledger.note(_name(task.id), noted, ACCESS_SECONDS) or noted)["access"]


def noted_access(ledger: Ledger, task_id: str) -> str:
    """The secret of a task that was accepted before; empty, which opens nothing, where it is too old."""
    return (ledger.read(_name(task_id)) or {}).get("access", "")


def granted_reach(ledger: Ledger, task_id: str, access: str) -> Reach | None:
    """What may be reached by who shows `access`; None: nothing."""
    noted = ledger.read(_name(task_id)) or {}
    if not noted.get("access") or not secrets.compare_digest(noted["access"].encode(), access.encode()):
        return None
    return Reach.model_validate_json(noted["reach"])


def _name(task_id: str) -> str:
    return f"access#{task_id}"
