"""What the API and the workflow's functions need of a cloud. `aws` implements it; tests may too.

Every method may raise ServiceFailed where the service behind it does not do what it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from hyperframes_render.tasks.model import Task, TaskStatus


class Attention(StrEnum):
    """Why `sweep` has to look at a task at its `attention_at`."""

    #: Accepted, its workflow not seen running.
    START = "start"
    #: Its workflow was started: is it still running?
    RUN = "run"
    #: Final, its last event not known to be published.
    ANNOUNCE = "announce"
    #: Final and announced; functions that outlived it may have written to work/ since.
    CLEAN = "clean"


class Execution(StrEnum):
    """What is known of a workflow's execution."""

    RUNNING = "running"
    ENDED = "ended"
    ABSENT = "absent"


@dataclass(frozen=True)
class ObjectFacts:
    """What a store says about an object without giving it. Size in bytes."""

    key: str
    size: int
    etag: str
    content_type: str


class Scope(StrEnum):
    """What a key may be used for."""

    #: Start, cancel and delete tasks.
    RUN = "run"
    #: See tasks and their files.
    READ = "read"
    #: Upload files.
    UPLOAD = "upload"


@dataclass(frozen=True)
class KeyLimits:
    """What a key may have; 0 is no limit."""

    runs_a_minute: int = 100
    uploads_a_minute: int = 50
    tasks_at_once: int = 0
    frames_a_day: int = 0


@dataclass(frozen=True)
class KeyRecord:
    """A stored API key: never the key itself. `owner` is what its tasks and files belong to."""

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
    """Some of an owner's tasks, the newest first, and where the next page begins."""

    tasks: list[Task]
    next_cursor: str | None


class TaskTable(Protocol):
    """Tasks, one item each. A change is written only where the item is as it was read."""

    def create(self, task: Task) -> bool:
        """Write a new task; False where its id exists already."""

    def get(self, task_id: str) -> Task | None:
        """The task as of this moment; None where there is none."""

    def delete(self, task_id: str) -> None:
        """Forget the task."""

    def page(self, owner: str, limit: int, cursor: str | None) -> TaskPage:
        """Up to `limit` tasks of `owner`, from `cursor` on. Raises InvalidOption (no such cursor)."""

    def update_if_unchanged(self, task: Task, changes: Mapping[str, Any]) -> Task | None:
        """Write `changes` (None removes) if nobody changed `task` since it was read; None where somebody did."""

    def add_frames(self, task_id: str, frames: int) -> TaskStatus:
        """Count `frames` more (or fewer) frames as done; the task's state comes back. Raises NotFound."""

    def add_spent(self, task_id: str, counters: Mapping[str, int]) -> None:
        """Add to the task's counters of what its functions took."""

    def record_failure(self, task_id: str, failure: Mapping[str, Any]) -> None:
        """Keep what a function failed with (nothing: forget it); the workflow's own error may say less."""

    def due(self, kind: Attention, moment: str, limit: int) -> list[str]:
        """Ids of tasks that ask for `kind` of attention at `moment` or earlier, the longest due first."""

    def postpone(self, task_id: str, until: str) -> None:
        """Let `sweep` look at the task at the moment `until`, if it has to at all. A task that cannot be read, too."""

    def claim_name(self, drop_key: str, task_id: str, order: str) -> tuple[bool, str | None]:
        """Say that `task_id` is what lies at `drop_key`, unless a later `order` did; whether it is, and who was."""

    def holds_name(self, drop_key: str, task_id: str) -> bool:
        """Whether `task_id` is still the newest that lay at `drop_key`."""


class KeyTable(Protocol):
    """API keys by their hash."""

    def get(self, key_hash: str) -> KeyRecord | None:
        """The key with that hash; None where there is none."""


class ExpiringStore(Protocol):
    """Small notes by name, each gone some time after it is of no use: counters, promises, leases."""

    def increment(self, name: str, amount: int, seconds: int) -> int:
        """Add `amount` to the counter, which is kept for `seconds`; what it is then."""

    def counter(self, name: str) -> int:
        """What the counter is."""

    def put_if_absent(self, name: str, values: Mapping[str, str], seconds: int) -> dict[str, str] | None:
        """Write the note unless there is one from the last `seconds`; that one, or None where this one was written."""

    def put(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        """Write the note in place of the one that is there."""

    def get(self, name: str) -> dict[str, str] | None:
        """The note, unless its time is over."""

    def delete(self, name: str) -> None:
        """Remove the note or counter."""

    def take_lease(self, name: str, holder: str, limit: int, until: int) -> bool:
        """Hold one of `limit` leases until the moment `until` (seconds since 1970); whether one was free.

        A holder that has one has it renewed.
        """

    def lease_holders(self, name: str) -> dict[str, int]:
        """Who holds a lease, until when; those whose time is over as well."""

    def release_lease(self, name: str, *holders: str) -> None:
        """End leases."""


class ObjectStore(Protocol):
    """One bucket. Keys are text as it is, never encoded."""

    bucket: str

    def head(self, key: str) -> ObjectFacts | None:
        """What the store knows about `key`; None where there is nothing."""

    def get(self, key: str, *, etag: str | None = None, limit: int | None = None) -> bytes:
        """The object's bytes. Raises NotFound, Conflict (another etag) or LimitExceeded (more than `limit`)."""

    def download(self, key: str, path: Path, *, etag: str | None = None) -> None:
        """Write the object to `path`. Raises NotFound or Conflict (another etag)."""

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object."""

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """Write the file at `path` as an object, in parts where it is large."""

    def copy(self, source: str, target: str, *, etag: str) -> None:
        """Copy within the bucket. Raises NotFound, or Conflict where `source` has another etag by now."""

    def delete(self, *keys: str) -> None:
        """Remove objects; what is not there does not matter."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """Key and bytes of each object whose key begins with `prefix`; a thousand at most."""

    def delete_folder(self, prefix: str) -> None:
        """Remove every object whose key begins with `prefix`, which ends in a slash."""

    def presign(self, key: str, seconds: int, filename: str) -> str:
        """An address that gives the object to anybody for `seconds`, saved as `filename`."""

    def presign_put(
        self, key: str, seconds: int, content_type: str | None, size: int | None, sha256: str | None = None
    ) -> tuple[str, dict[str, str]]:
        """An address that takes one object of just this type and size for `seconds`, and the headers it must have.

        None: of any.
        """


class EventTopic(Protocol):
    """Where every change of a task is published."""

    def publish(self, event: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """Tell subscribers."""


class Workflow(Protocol):
    """The state machine."""

    def start(self, task_id: str, attempt: int, access: str) -> None:
        """Start the task's workflow for the `attempt`-th time (1, 2, …); one that was started already counts.

        `access` is what its functions show to get at the task's files.
        """

    def status(self, task_id: str, attempt: int) -> Execution:
        """What became of that start."""


class TaskAccess(Protocol):
    """What lets a function at a task, and at no other."""

    def take(self, task_id: str, access: str) -> None:
        """From here on the function's adapters act for this task. Raises InternalError (another's `access`)."""


class SecretVault(Protocol):
    """Where webhook secrets come from."""

    def secrets(self, owner: str) -> list[str]:
        """The whsec_ secrets of `owner` that a webhook is signed with, the newest first."""
