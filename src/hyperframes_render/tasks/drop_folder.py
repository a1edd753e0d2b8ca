"""Files dropped into inbox/ become tasks. A file that is not accepted gets an error record in outbox/."""

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
from hyperframes_render.tasks.layout import (
    INBOX,
    drop_outbox,
    is_reserved,
    work_folder,
    write_error_text,
    write_json,
)
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.service import TaskService, new_task
from hyperframes_render.tasks.submission import Submission, check_hosts, parse_sidecar
from hyperframes_render.tasks.timestamps import moment
from hyperframes_render.tasks.transitions import change_task, publish

_LOG = logging.getLogger(__name__)
SIDECAR_SUFFIX = ".render.json"
_MAX_SIDECAR = 64 * 1024
#: Bytes by file name suffix (docs/reference/limits.md). Plan checks the unpacked size of an archive.
_MAX_BYTES = {".html": 32 * 1024**2, ".htm": 32 * 1024**2, ".zip": 2 * 1024**3}
#: Longest key of a dropped file, in bytes. S3 allows 1,024; the rest is for the suffixes of outbox keys.
_MAX_KEY = 900


@dataclass(frozen=True)
class Dropped:
    """An object that was written to the bucket; size in bytes. `order` grows with each write to the same key."""

    key: str
    etag: str
    size: int
    order: str


@dataclass(frozen=True)
class DropFolder:
    """Turns objects below inbox/ into tasks."""

    service: TaskService

    def process(self, dropped: Dropped) -> str:
        """Accept the file or write its error record.

        Returns "accepted", "duplicate", "ignored", "replaced" or "refused". A second report of the same object changes
        nothing, because the task's id is derived from key, etag and order.
        """
        suffix = PurePosixPath(dropped.key).suffix.lower()
        if not dropped.key.startswith(INBOX) or dropped.key.endswith("/") or dropped.key.endswith(SIDECAR_SUFFIX):
            return "ignored"
        if suffix not in _MAX_BYTES:
            _LOG.warning("%s was ignored: it is neither .html nor .zip", dropped.key)
            return "ignored"
        try:
            return self._accept(dropped, suffix)
        except (NotFound, Conflict) as gone:
            # A replaced object has another event; a removed object needs no result.
            _LOG.info("%s was ignored: %s", dropped.key, gone)
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
        # This also checks the sidecar's webhook, before anything is written.
        task = new_task(task_id, DROP_OWNER, submission, self.service.policy)
        source_key = f"{work_folder(task_id)}source{'.zip' if suffix == '.zip' else '.html'}"
        objects.copy(dropped.key, source_key, etag=dropped.etag)
        newest, before = self.service.tasks.claim_name(dropped.key, task_id, dropped.order)
        if not newest:
            objects.delete_folder(work_folder(task_id))
            _LOG.info("%s was ignored: a newer file of this name was accepted", dropped.key)
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
        """`dropped` with the stored object's key and size. Raises NotFound or Conflict (replaced).

        EventBridge sends keys unencoded. If there is no such key, the URL-decoded key is tried.
        """
        seen = [self.service.objects.head(key) for key in dict.fromkeys((dropped.key, unquote_plus(dropped.key)))]
        found = [facts for facts in seen if facts is not None]
        if not found:
            raise NotFound(f"The object {dropped.key} does not exist any more.")
        for facts in found:
            if facts.etag == dropped.etag:
                return replace(dropped, key=facts.key, size=facts.size)
        raise Conflict(f"The object {dropped.key} was replaced in the meantime.")

    def _sidecar(self, key: str) -> Submission:
        """The submission in NAME.render.json; the defaults if there is no such file."""
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
        key = drop_outbox(dropped.key, ".error.json")
        write_error_text(self.service.objects, key, error.as_dict())
        write_json(self.service.objects, key, record)

    def _cancel(self, task_id: str) -> None:
        """Cancel the task of an older file of the same name: its result would be replaced anyway."""

        def decide(task: Task) -> dict[str, TaskStatus] | None:
            return None if task.status.final else {"status": TaskStatus.CANCELLING}

        try:
            task, changed = change_task(self.service.tasks, task_id, decide)
            if changed:
                publish(self.service.topic, task)
        except NotFound:
            _LOG.info("the task %s of the older file was deleted", task_id)


def task_id_of(dropped: Dropped) -> str:
    """The task's id: equal for every report of the same write to the same object."""
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
            f"The name {name[:80]} is reserved: its result could overwrite the result of another task.",
            "Use a name that does not end in .error and is not in a folder below tasks/.",
        )


def _check_size(dropped: Dropped, limit: int) -> None:
    name = PurePosixPath(dropped.key).name
    if dropped.size == 0:
        raise InvalidComposition(f"{name} is empty: it contains no composition.", "Drop the file again.")
    if dropped.size > limit:
        raise LimitExceeded(f"{name} has {dropped.size} bytes: the limit is {limit}.", "Remove unused files.")
