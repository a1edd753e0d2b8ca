"""A file dropped into inbox/ becomes a task; one that cannot be is answered with a readable error beside it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote_plus

from hyperframes_render.errors import (
    Conflict,
    InputError,
    InvalidComposition,
    InvalidOption,
    LimitExceeded,
    NotFound,
)
from hyperframes_render.input import RenderInput
from hyperframes_render.tasks.ids import DROP_OWNER, task_id_from
from hyperframes_render.tasks.layout import INBOX, drop_outbox, is_reserved, work_folder, write_json
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.service import TaskService, new_task
from hyperframes_render.tasks.submission import Submission, check_hosts, parse_sidecar
from hyperframes_render.tasks.timestamps import moment
from hyperframes_render.tasks.transitions import change_task, publish

_LOG = logging.getLogger(__name__)
SIDECAR_SUFFIX = ".render.json"
_MAX_SIDECAR = 64 * 1024
#: docs/reference/limits.md; what unpacks to more is found by Plan.
_MAX_BYTES = {".html": 32 * 1024**2, ".htm": 32 * 1024**2, ".zip": 2 * 1024**3}
#: Longest file name that the outbox can hold beside its own endings, in bytes; S3 takes 1,024.
_MAX_KEY = 900


@dataclass(frozen=True)
class Dropped:
    """An object that appeared in the bucket. `order` grows with each writing of one key."""

    key: str
    etag: str
    size: int
    order: str


@dataclass(frozen=True)
class DropFolder:
    """The inbox."""

    service: TaskService

    def take(self, dropped: Dropped) -> str:
        """Accept the file, or answer it with an error; what was done in one word.

        Seen again, the same object changes nothing: its task has a name made from key, contents and order.
        """
        suffix = PurePosixPath(dropped.key).suffix.lower()
        if not dropped.key.startswith(INBOX) or dropped.key.endswith("/") or dropped.key.endswith(SIDECAR_SUFFIX):
            return "ignored"
        if suffix not in _MAX_BYTES:
            _LOG.warning("%s was left alone: it is no .html and no .zip", dropped.key)
            return "ignored"
        try:
            return self._accept(dropped, suffix)
        except (NotFound, Conflict) as gone:
            # A replaced object has an event of its own, a removed one nobody waits for.
            _LOG.info("%s was left alone: %s", dropped.key, gone)
            return "replaced"
        except InputError as error:
            self._refuse(dropped, error)
            return "refused"

    def _accept(self, dropped: Dropped, suffix: str) -> str:
        objects = self.service.objects
        dropped = self._find(dropped)
        task_id = task_id_of(dropped)
        if self.service.tasks.get(task_id) is not None:
            return "duplicate"
        _check_name(dropped.key)
        _check_size(dropped, _MAX_BYTES[suffix])
        submission = self._sidecar(dropped.key)
        check_hosts(submission, self.service.policy.network_ceiling, "")
        # Checks the sidecar's webhook too, before anything is written.
        task = new_task(task_id, DROP_OWNER, submission, self.service.policy)
        source_key = f"{work_folder(task_id)}source{'.zip' if suffix == '.zip' else '.html'}"
        objects.copy(dropped.key, source_key, etag=dropped.etag)
        newest, before = self.service.tasks.claim_name(dropped.key, task_id, dropped.order)
        if not newest:
            objects.delete_folder(work_folder(task_id))
            _LOG.info("%s was left alone: a newer one was taken already", dropped.key)
            return "replaced"
        uri = f"s3://{objects.bucket}/{dropped.key}"
        task = task.model_copy(
            update={"source_key": source_key, "drop_key": dropped.key, "input": {"html": uri, **task.input}}
        )
        if not self.service.accept(task):
            return "duplicate"
        if before is not None:
            self._cancel(before)
        return "accepted"

    def _find(self, dropped: Dropped) -> Dropped:
        """The object as it lies in the bucket. Raises NotFound or Conflict (replaced).

        Its key stands in the event as it is; where there is none of that name, it may have been encoded.
        """
        seen = [self.service.objects.head(key) for key in dict.fromkeys((dropped.key, unquote_plus(dropped.key)))]
        found = [facts for facts in seen if facts is not None]
        if not found:
            raise NotFound(f"There is no object {dropped.key} any more.")
        for facts in found:
            if facts.etag == dropped.etag:
                return replace(dropped, key=facts.key, size=facts.size)
        raise Conflict(f"The object {dropped.key} was replaced meanwhile.")

    def _sidecar(self, key: str) -> Submission:
        """What NAME.render.json says; nothing where there is none."""
        name = sidecar_key(key)
        try:
            data = self.service.objects.get(name, limit=_MAX_SIDECAR)
        except NotFound:
            return Submission(None, {}, RenderInput())
        return parse_sidecar(data, PurePosixPath(name).name)

    def _refuse(self, dropped: Dropped, error: InputError) -> None:
        _LOG.warning("%s was refused: %s", dropped.key, error)
        record = {
            "id": task_id_of(dropped),
            "status": int(TaskStatus.REJECTED),
            "status_text": TaskStatus.REJECTED.text,
            "created_at": moment(),
            "source": dropped.key,
            "error": str(error),
            "details": error.as_dict(),
        }
        write_json(self.service.objects, drop_outbox(dropped.key, ".error.json"), record)

    def _cancel(self, task_id: str) -> None:
        """A newer file of the same name: nobody waits for the older one's video."""

        def decide(task: Task) -> dict[str, TaskStatus] | None:
            return None if task.status.final else {"status": TaskStatus.CANCELLING}

        try:
            task, changed = change_task(self.service.tasks, task_id, decide)
            if changed:
                publish(self.service.topic, task)
        except NotFound:
            _LOG.info("the task %s of the older file is gone", task_id)


def task_id_of(dropped: Dropped) -> str:
    """The task's id: the same for each report of the same writing of the same object."""
    return task_id_from("\0".join((dropped.key, dropped.etag, dropped.order)), DROP_OWNER)


def sidecar_key(key: str) -> str:
    """inbox/promo.html → inbox/promo.render.json."""
    return key[: -len(PurePosixPath(key).suffix)] + SIDECAR_SUFFIX


def _check_name(key: str) -> None:
    name = key.removeprefix(INBOX)
    if len(key.encode()) > _MAX_KEY:
        short = PurePosixPath(name).name[:80]
        raise InvalidOption(f"The name {short}… is too long.", f"Use at most {_MAX_KEY} bytes with its folders.")
    if is_reserved(key):
        raise InvalidOption(
            f"The name {name[:80]} is reserved: its result could be taken for that of another task.",
            "Use a name that does not end in .error, and no folder below tasks/.",
        )


def _check_size(dropped: Dropped, limit: int) -> None:
    name = PurePosixPath(dropped.key).name
    if dropped.size == 0:
        raise InvalidComposition(f"{name} is empty: there is no composition in it.", "Drop the file again.")
    if dropped.size > limit:
        raise LimitExceeded(f"{name} has {dropped.size} bytes: the limit is {limit}.", "Leave out what is not used.")
