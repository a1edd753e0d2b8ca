"""GET /tasks/{task_id}/stream: sends the task each time it changes, until it has ended.

Each line or event is a complete task, which all versions of the public clients understand: NDJSON if requested,
otherwise server-sent events. If responses cannot be streamed, the request is held for a while and then redirected to
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool

from hyperframes_render.api.clients import Client
from hyperframes_render.errors import RateLimited, ServiceFailed
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import ExpiringStore, ObjectStore, TaskTable
from hyperframes_render.tasks.timestamps import DAY
from hyperframes_render.tasks.transitions import owned_task
from hyperframes_render.tasks.view import task_view

#: The store's name for the leases of all open streams; those of one key have its owner appended.
_LEASES = "open-streams"
#: A key may have 1/_KEY_SHARE of all open streams, so that it cannot block all other keys.
_KEY_SHARE = 2
#: Seconds after which a lease that is not renewed is free again, because its process died.
_LEASE_SECONDS = 60
_RENEW_SECONDS = 20.0
#: Retry-After in seconds of a 429 response.
_RETRY_AFTER = 10
#: Failed reads of a task in a row after which the stream ends; the client connects again.
_MAX_FAILED_READS = 10

#: Not JSON, so that the JavaScript client fails; it would wait forever after a stream without a final task.
_UNFINISHED = b"The stream has ended before its task. Poll the task until it is final.\n"
_UNKNOWN_CLIENT = Client()

StreamFormat = Literal["ndjson", "sse"]


@dataclass(frozen=True)
class Lease:
    """The lease of one open stream of `owner`."""

    owner: str
    holder: str

    @property
    def key_name(self) -> str:
        """The store's name for the leases of this owner's open streams."""
        return f"{_LEASES}#{self.owner}"


@dataclass(frozen=True)
class StreamPolicy:
    """Settings of streams; times in seconds. `limit`: open streams at most; None: no limit.

    The public client gives up after 30 s of heartbeats only, or 60 s of silence: an unchanged task is sent again after
    `repeat`. Without `live`, responses cannot be streamed, and requests are held for `hold`.
    """

    live: bool = True
    limit: int | None = None
    poll: float = 0.5
    heartbeat: float = 5.0
    repeat: float = 10.0
    longest: float = float(DAY)
    hold: float = 25.0

    @property
    def key_limit(self) -> int:
        """Open streams of one key at most, if there is a limit: at least 1."""
        return max(1, (self.limit or 0) // _KEY_SHARE)


@dataclass
class StreamService:
    """Opens and writes streams, and counts them."""

    tasks: TaskTable
    objects: ObjectStore
    store: ExpiringStore
    policy: StreamPolicy = field(default_factory=StreamPolicy)
    #: Open streams of this process.
    _open: int = 0

    def find_task(self, owner: str, task_id: str) -> Task:
        """The task. Raises NotFound."""
        return owned_task(self.tasks, owner, task_id)

    def take_lease(self, owner: str) -> Lease | None:
        """Take a lease for a stream of `owner`; None without a limit. Raises RateLimited if the limit is reached."""
        if self.policy.limit is None:
            return None
        lease = Lease(owner, secrets.token_hex(8))
        if not self._hold(lease, lease.key_name, self.policy.key_limit):
            raise _too_many(f"This key has {self.policy.key_limit} open streams, which is the limit of a key.")
        if not self._hold(lease, _LEASES, self.policy.limit):
            self.end_lease(lease)
            raise _too_many(f"There are {self.policy.limit} open streams, which is the limit of this stack.")
        return lease

    def end_lease(self, lease: Lease | None) -> None:
        """Release the lease. If that fails, the lease expires after _LEASE_SECONDS."""
        if lease is None:
            return
        for name in (_LEASES, lease.key_name):
            with contextlib.suppress(ServiceFailed):
                self.store.release_lease(name, lease.holder)

    def _renew(self, lease: Lease) -> None:
        self._hold(lease, lease.key_name, self.policy.key_limit)
        self._hold(lease, _LEASES, self.policy.limit or 1)

    def _hold(self, lease: Lease, name: str, limit: int) -> bool:
        """Take or renew one of `limit` leases called `name`. Returns False if all are taken."""
        return self.store.take_lease(name, lease.holder, limit, int(time.time()) + _LEASE_SECONDS)

    async def hold(self, task: Task) -> Task:
        """Wait until the task is final, for `policy.hold` seconds at most. Returns the task."""
        deadline = time.monotonic() + self.policy.hold
        while not task.status.final and time.monotonic() < deadline:
            await asyncio.sleep(min(1.0, max(self.policy.poll, deadline - time.monotonic()) / 2))
            task = await self._read(task) or task
        return task

    async def lines(
        self, task: Task, lease: Lease | None, form: StreamFormat, client: Client = _UNKNOWN_CLIENT
    ) -> AsyncIterator[bytes]:
        """The bytes of the stream, piece by piece. Releases `lease` at the end."""
        self._open += 1
        ended = False
        try:
            async for view in self._updates(task, lease):
                shown = client.shown(view) if view else None
                ended = shown is not None and TaskStatus(shown["status"]).final
                for line in _ndjson(shown) if form == "ndjson" else _sse(shown):
                    yield line
            if not ended and client.is_javascript:
                yield _UNFINISHED
        finally:
            self._open -= 1
            await asyncio.shield(run_in_threadpool(self.end_lease, lease))

    async def _updates(self, task: Task, lease: Lease | None) -> AsyncIterator[dict[str, Any] | None]:
        """The task whenever it changed or is due for repetition; None for a heartbeat."""
        began = sent = beaten = renewed = time.monotonic()
        shown: tuple[Any, ...] = ()
        failures = 0
        while True:
            now = time.monotonic()
            if (state := _state(task)) != shown or now - sent >= self.policy.repeat:
                shown, sent, beaten = state, now, now
                yield task_view(task, self.objects)
            elif now - beaten >= self.policy.heartbeat:
                beaten = now
                yield None
            if task.status.final or now - began >= self.policy.longest:
                return
            if lease is not None and now - renewed >= _RENEW_SECONDS:
                renewed = now
                await run_in_threadpool(self._renew, lease)
            # With many streams in one process, each reads its task less often: reads are their main load.
            await asyncio.sleep(self.policy.poll * max(1.0, self._open / 50))
            fresh = await self._read(task)
            failures = failures + 1 if fresh is None else 0
            if failures >= _MAX_FAILED_READS:
                return
            task = fresh or task

    async def _read(self, task: Task) -> Task | None:
        """The current task; None if it cannot be read. A deleted task counts as cancelled."""
        try:
            fresh = await run_in_threadpool(self.tasks.get, task.id)
        except ServiceFailed:
            return None
        return fresh or task.model_copy(update={"status": TaskStatus.CANCELLED})


def _too_many(message: str) -> RateLimited:
    action = "Try again in a few seconds, or poll GET /tasks/{id} until the task is final."
    return RateLimited(message, action, retry_after=_RETRY_AFTER)


def _state(task: Task) -> tuple[Any, ...]:
    """The fields whose change is sent at once."""
    return (task.status, task.phase, task.frames_done, task.frames_total, task.version if task.status.final else 0)


def _ndjson(view: dict[str, Any] | None) -> list[bytes]:
    return [json.dumps(view or {"type": "heartbeat"}, ensure_ascii=False).encode() + b"\n"]


def _sse(view: dict[str, Any] | None) -> list[bytes]:
    if view is None:
        return [b": heartbeat\n\n"]
    events = [_event("update", view)]
    status = TaskStatus(view["status"])
    if status.final:
        events.append(_event("done" if status in (TaskStatus.COMPLETED, TaskStatus.CANCELLED) else "error", view))
    return events


def _event(name: str, view: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(view, ensure_ascii=False)}\n\n".encode()


def stream_format(accept: str) -> StreamFormat:
    """The stream format for an Accept header: NDJSON if it is named, else server-sent events."""
    return "ndjson" if "ndjson" in accept.lower() or "jsonl" in accept.lower() else "sse"


MEDIA_TYPES: dict[StreamFormat, str] = {"ndjson": "application/x-ndjson", "sse": "text/event-stream; charset=utf-8"}
