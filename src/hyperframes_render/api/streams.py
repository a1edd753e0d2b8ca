"""GET /tasks/{task_id}/stream: the task, each time it changes, until it has ended.

Lines are whole tasks, which every generation of the public client understands: NDJSON where it is asked for, otherwise
server-sent events. Where answers cannot be sent piece by piece, the request is held for a while and then sent round
again with a redirect to itself.
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

#: Under this name in the store; those of a key beside it, with its owner.
_LEASES = "open-streams"
#: Of all open streams a key may have one of so many: it cannot keep all others out.
_KEY_SHARE = 2
#: A lease that is not renewed for so long is free again: its environment died.
_LEASE_SECONDS = 60
_RENEW_SECONDS = 20.0
#: What the 429 of a full house asks for.
_RETRY_AFTER = 10
#: Looks at a task that cannot be read in a row before the stream gives up; the client connects again.
_PATIENCE = 10

#: Not JSON: the JavaScript client, which would wait for ever after a stream without an end, fails with it.
_UNFINISHED = b"The stream has ended before its task. Ask for the task until it is final.\n"
_ANYBODY = Client()

StreamFormat = Literal["ndjson", "sse"]


@dataclass(frozen=True)
class Lease:
    """One open stream of a key's owner."""

    owner: str
    holder: str

    @property
    def of_key(self) -> str:
        """The store's name for the open streams of this key."""
        return f"{_LEASES}#{self.owner}"


@dataclass(frozen=True)
class StreamPolicy:
    """How streams behave. `limit` is how many may be open; None: any number. Times in seconds.

    The public client gives up where it sees heartbeats alone for 30 s, or nothing for 60: `repeat` is when a task
    that has not changed is sent again. Not `live`: requests are held for `hold`.
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
        """How many streams a key may have open where there is a limit: at least one."""
        return max(1, (self.limit or 0) // _KEY_SHARE)


@dataclass
class StreamService:
    """Open streams."""

    tasks: TaskTable
    objects: ObjectStore
    store: ExpiringStore
    policy: StreamPolicy = field(default_factory=StreamPolicy)
    #: Streams of this process.
    _open: int = 0

    def find_task(self, owner: str, task_id: str) -> Task:
        """The task. Raises NotFound."""
        return owned_task(self.tasks, owner, task_id)

    def take_lease(self, owner: str) -> Lease | None:
        """One more open stream of the owner's. Raises RateLimited where there are as many as may be."""
        if self.policy.limit is None:
            return None
        lease = Lease(owner, secrets.token_hex(8))
        if not self._hold(lease, lease.of_key, self.policy.key_limit):
            raise _too_many(f"This key has {self.policy.key_limit} open streams, as many as one key may have.")
        if not self._hold(lease, _LEASES, self.policy.limit):
            self.end_lease(lease)
            raise _too_many(f"There are {self.policy.limit} open streams, as many as this stack holds.")
        return lease

    def end_lease(self, lease: Lease | None) -> None:
        """Make room for another. What cannot be written ends by itself after a while."""
        if lease is None:
            return
        for name in (_LEASES, lease.of_key):
            with contextlib.suppress(ServiceFailed):
                self.store.release_lease(name, lease.holder)

    def _renew(self, lease: Lease) -> None:
        self._hold(lease, lease.of_key, self.policy.key_limit)
        self._hold(lease, _LEASES, self.policy.limit or 1)

    def _hold(self, lease: Lease, name: str, limit: int) -> bool:
        """Hold one of `limit` leases of that name, or go on holding it; whether one was free."""
        return self.store.take_lease(name, lease.holder, limit, int(time.time()) + _LEASE_SECONDS)

    async def hold(self, task: Task) -> Task:
        """The task once it is final, or as it is after `policy.hold`."""
        deadline = time.monotonic() + self.policy.hold
        while not task.status.final and time.monotonic() < deadline:
            await asyncio.sleep(min(1.0, max(self.policy.poll, deadline - time.monotonic()) / 2))
            task = await self._look(task) or task
        return task

    async def lines(
        self, task: Task, lease: Lease | None, form: StreamFormat, client: Client = _ANYBODY
    ) -> AsyncIterator[bytes]:
        """The stream's pieces. The lease, if any, ends with it."""
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
        """The task whenever there is something to say; None for a heartbeat."""
        began = told = beaten = renewed = time.monotonic()
        shown: tuple[Any, ...] = ()
        failures = 0
        while True:
            now = time.monotonic()
            if (state := _state(task)) != shown or now - told >= self.policy.repeat:
                shown, told, beaten = state, now, now
                yield task_view(task, self.objects)
            elif now - beaten >= self.policy.heartbeat:
                beaten = now
                yield None
            if task.status.final or now - began >= self.policy.longest:
                return
            if lease is not None and now - renewed >= _RENEW_SECONDS:
                renewed = now
                await run_in_threadpool(self._renew, lease)
            # Many streams of one process look less often: looking is what they cost.
            await asyncio.sleep(self.policy.poll * max(1.0, self._open / 50))
            fresh = await self._look(task)
            failures = failures + 1 if fresh is None else 0
            if failures >= _PATIENCE:
                return
            task = fresh or task

    async def _look(self, task: Task) -> Task | None:
        """The task as it is now; None where that cannot be said. A deleted one counts as cancelled."""
        try:
            fresh = await run_in_threadpool(self.tasks.get, task.id)
        except ServiceFailed:
            return None
        return fresh or task.model_copy(update={"status": TaskStatus.CANCELLED})


def _too_many(what: str) -> RateLimited:
    action = "Try again in some seconds, or ask for the task with GET /tasks/{id} until it is final."
    return RateLimited(what, action, retry_after=_RETRY_AFTER)


def _state(task: Task) -> tuple[Any, ...]:
    """What makes a difference to who looks on."""
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
    """What the client asked for: NDJSON by its name, else server-sent events."""
    return "ndjson" if "ndjson" in accept.lower() or "jsonl" in accept.lower() else "sse"


MEDIA_TYPES: dict[StreamFormat, str] = {"ndjson": "application/x-ndjson", "sse": "text/event-stream; charset=utf-8"}
