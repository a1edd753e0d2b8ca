"""Interfaces of the cloud services that the API and the workflow's functions use. `aws` implements them.

Every method may raise ServiceFailed if the service behind it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from hyperframes_render.tasks.model import Task, TaskStatus


class Attention(StrEnum):
    """Why `sweep` must handle a task at its `attention_at`."""

    #: It was accepted; its workflow was not seen running yet.
    START = "start"
    #: Its workflow was started and may have ended.
    RUN = "run"
    #: It is final; its last event is not known to be published.
    ANNOUNCE = "announce"
    #: It is final and announced; functions that still ran may have written to work/ since.
    CLEAN = "clean"


class Execution(StrEnum):
    """The state of a workflow's execution."""

    RUNNING = "running"
    ENDED = "ended"
    ABSENT = "absent"


@dataclass(frozen=True)
class ObjectFacts:
    """An object's metadata; size in bytes."""

    key: str
    size: int
    etag: str
    content_type: str


class Scope(StrEnum):
    """The actions that a key allows."""

    #: Start, cancel and delete tasks.
    RUN = "run"
    #: See tasks and their files.
    READ = "read"
    #: Upload files.
    UPLOAD = "upload"


@dataclass(frozen=True)
class KeyLimits:
    """Limits of a key; 0 means no limit."""

    runs_a_minute: int = 100
    uploads_a_minute: int = 50
    tasks_at_once: int = 0
    frames_a_day: int = 0


@dataclass(frozen=True)
class KeyRecord:
    """A stored API key, without the key itself. `owner` owns its tasks and files; `prefix` is shown in lists."""

    hash: str
    owner: str
    prefix: str
    name: str
    created_at: str
    revoked: bool = False
    scopes: tuple[Scope, ...] = tuple(Scope)
    expires_at: str | None = None
    limits: KeyLimits = KeyLimits()


@dataclass(frozen=True)
class TaskPage:
    """Some of an owner's tasks, the newest first, and the cursor of the next page (None: this is the last)."""

    tasks: list[Task]
    next_cursor: str | None


class TaskTable(Protocol):
    """Tasks, one item each. A change is written only if the item did not change since it was read."""

    def create(self, task: Task) -> bool:
        """Write a new task. Returns False if its id exists already."""

    def get(self, task_id: str) -> Task | None:
        """The task as it is stored now; None if there is none."""

    def delete(self, task_id: str) -> None:
        """Delete the task's item."""

    def page(self, owner: str, limit: int, cursor: str | None) -> TaskPage:
        """Up to `limit` tasks of `owner`, starting at `cursor`. Raises InvalidOption (invalid cursor)."""

    def update_if_unchanged(self, task: Task, changes: Mapping[str, Any]) -> Task | None:
        """Write `changes` (None removes a field) if the item did not change since `task` was read.

        Returns the changed task, or None if the item had changed.
        """

    def add_frames(self, task_id: str, frames: int) -> TaskStatus:
        """Add `frames` (may be negative) to the finished frames. Returns the task's state. Raises NotFound."""

    def add_spent(self, task_id: str, counters: Mapping[str, int]) -> None:
        """Add to the task's counters of time and memory."""

    def record_failure(self, task_id: str, failure: Mapping[str, Any]) -> None:
        """Store the error of a function (empty: clear it). The error that the workflow reports may have less detail."""

    def due(self, kind: Attention, moment: str, limit: int) -> list[str]:
        """Ids of tasks that need `kind` of attention at `moment` or earlier, the longest overdue first."""

    def postpone(self, task_id: str, until: str) -> None:
        """Set `attention_at` to `until` if the task needs attention. Also works if the item cannot be parsed."""

    def claim_name(self, drop_key: str, task_id: str, order: str) -> tuple[bool, str | None]:
        """Record `task_id` as the newest task at `drop_key`, unless a task of a later `order` is recorded.

        Returns whether `task_id` is now the newest, and the id of the task that it replaced.
        """

    def holds_name(self, drop_key: str, task_id: str) -> bool:
        """Whether `task_id` is still the newest task at `drop_key`."""


class KeyTable(Protocol):
    """API keys by their hash."""

    def get(self, key_hash: str) -> KeyRecord | None:
        """The key with this hash; None if there is none."""


class ExpiringStore(Protocol):
    """Small records by name that expire: counters, idempotency records, grants, leases. Times in seconds."""

    def increment(self, name: str, amount: int, seconds: int) -> int:
        """Add `amount` to the counter, which is stored for `seconds`. Returns the new value."""

    def counter(self, name: str) -> int:
        """The counter's value; 0 if there is none."""

    def put_if_absent(self, name: str, values: Mapping[str, str], seconds: int) -> dict[str, str] | None:
        """Write the record if there is none that is still valid; it is valid for `seconds`.

        Returns the existing record, or None if this one was written.
        """

    def put(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        """Write the record and replace an existing one; it is valid for `seconds`."""

    def get(self, name: str) -> dict[str, str] | None:
        """The record; None if there is none or it has expired."""

    def delete(self, name: str) -> None:
        """Delete the record or counter."""

    def take_lease(self, name: str, holder: str, limit: int, until: int) -> bool:
        """Take one of `limit` leases until `until` (seconds since 1970). Returns False if all are taken.

        If `holder` has a lease already, it is renewed.
        """

    def lease_holders(self, name: str) -> dict[str, int]:
        """Holders and the end of their leases (seconds since 1970), expired leases too."""

    def release_lease(self, name: str, *holders: str) -> None:
        """End the leases of `holders`."""


class ObjectStore(Protocol):
    """One bucket. Keys are plain text, never URL-encoded."""

    bucket: str

    def head(self, key: str) -> ObjectFacts | None:
        """The object's metadata; None if there is no object at `key`."""

    def get(self, key: str, *, etag: str | None = None, limit: int | None = None) -> bytes:
        """The object's bytes. Raises NotFound, Conflict (another etag) or LimitExceeded (more than `limit`)."""

    def download(self, key: str, path: Path, *, etag: str | None = None) -> None:
        """Write the object to `path`. Raises NotFound or Conflict (another etag)."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object."""

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """Write the file at `path` as an object, in several parts if it is large."""

    def copy(self, source: str, target: str, *, etag: str) -> None:
        """Copy within the bucket. Raises NotFound, or Conflict if `source` has another etag."""

    def delete(self, *keys: str) -> None:
        """Delete objects; missing ones are ignored."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """Key and size in bytes of objects whose key begins with `prefix`; a thousand at most."""

    def delete_folder(self, prefix: str) -> None:
        """Delete every object whose key begins with `prefix`, which ends in a slash."""

    def presign(self, key: str, seconds: int, filename: str) -> str:
        """A signed address to download the object without a key for `seconds`; browsers save it as `filename`."""

    def presign_put(
        self, key: str, seconds: int, content_type: str | None, size: int | None, sha256: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """A signed address to upload one object for `seconds`, and the headers that the upload must have.

        Type, size in bytes and SHA-256 must match; None: any type, size or contents.
        """


class EventTopic(Protocol):
    """The topic to which every change of a task is published."""

    def publish(self, event: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """Publish the event to all subscribers."""


class Workflow(Protocol):
    """The state machine."""

    def start(self, task_id: str, attempt: int, access: str) -> None:
        """Start the task's workflow, attempt number `attempt` (from 1). An attempt that was started already is success.

        `access` is the secret of the task's grant.
        """

    def status(self, task_id: str, attempt: int) -> Execution:
        """The state of the execution of that attempt."""


class TaskAccess(Protocol):
    """Restricts a function to the data of one task."""

    def take(self, task_id: str, access: str) -> None:
        """Use this task's credentials in the function's adapters from now on. Raises InternalError (wrong `access`)."""


class SecretVault(Protocol):
    """The source of webhook secrets."""

    def secrets(self, owner: str) -> list[str]:
        """The whsec_ secrets of `owner` that sign webhooks, the newest first."""
