"""Quotas of API keys: requests a minute, tasks at once, frames a day. Also idempotency of repeated requests."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from hyperframes_render.errors import InvalidOption, KeyReused, OverQuota, RateLimited
from hyperframes_render.tasks.ports import ExpiringStore, KeyRecord, TaskTable
from hyperframes_render.tasks.timestamps import DAY

_MINUTE = 60
#: Seconds that an Idempotency-Key is remembered.
IDEMPOTENCY_SECONDS = DAY
_MAX_KEY = 255
#: Seconds after which a running task no longer counts: no render takes so long.
_LONGEST_TASK = 2 * DAY
#: A lease may exist this many seconds before its task is written.
_WRITTEN_WITHIN = 60
#: The largest limit of tasks at once: all leases of a key are in one item of the table.
MAX_TASKS_AT_ONCE = 2000


@dataclass(frozen=True)
class Rate:
    """A key's rate in this minute; `reset` is the end of the minute in seconds since 1970."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The rate as response headers; none without a limit."""
        if not self.limit:
            return {}
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(frozen=True)
class Quotas:
    """Checks a key's quotas before a task is created."""

    store: ExpiringStore
    tasks: TaskTable

    def count(self, key: KeyRecord, what: str, limit: int) -> Rate:
        """Count a request of the kind `what` in this minute; `limit` 0: no limit. Raises RateLimited with `headers`."""
        now = int(time.time())
        reset = now - now % _MINUTE + _MINUTE
        if limit <= 0:
            return Rate(0, 0, reset)
        done = self.store.increment(f"rate#{key.owner}#{what}#{reset}", 1, 2 * _MINUTE)
        rate = Rate(limit, max(0, limit - done), reset)
        if done > limit:
            refusal = RateLimited(
                f"This key may send {limit} requests of this kind a minute.",
                f"Try again in {reset - now} s.",
                retry_after=max(1, reset - now),
            )
            refusal.headers = rate.headers()
            raise refusal
        return rate

    def reserve_task_id(self, key: KeyRecord, idempotency_key: str | None, body: object, task_id: str) -> str:
        """The task id for a request: `task_id`, or the id of an earlier request with the same Idempotency-Key and body.

        Raises KeyReused if the same Idempotency-Key came with another body, or InvalidOption (key too long).
        """
        if not idempotency_key:
            return task_id
        if len(idempotency_key) > _MAX_KEY:
            raise InvalidOption(f"Idempotency-Key: it is longer than {_MAX_KEY} characters.")
        body_hash = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        before = self.store.put_if_absent(
            self._record_name(key, idempotency_key), {"body": body_hash, "task": task_id}, IDEMPOTENCY_SECONDS
        )
        if before is None:
            return task_id
        if before.get("body") != body_hash:
            raise KeyReused(
                "This Idempotency-Key was used for another request within the last 24 hours.",
                "Use a new key for each different request.",
            )
        return before["task"]

    def forget_request(self, key: KeyRecord, idempotency_key: str | None) -> None:
        """Delete the idempotency record of a request that failed, so that it can be repeated."""
        if idempotency_key:
            self.store.delete(self._record_name(key, idempotency_key))

    def admit(self, key: KeyRecord, task_id: str) -> None:
        """Count the task as running. Raises OverQuota (frames a day, or tasks at once)."""
        limits = key.limits
        if limits.frames_a_day and self.store.counter(frames_counter(key.owner)) >= limits.frames_a_day:
            raise OverQuota(
                f"This key has rendered its {limits.frames_a_day} frames for today (UTC).", "Try again tomorrow."
            )
        if limits.tasks_at_once and not self._take_lease(key, task_id):
            raise OverQuota(
                f"This key has {limits.tasks_at_once} tasks running, which is its limit.", "Wait until one has ended."
            )

    def withdraw(self, key: KeyRecord, task_id: str) -> None:
        """No longer count the task: it was not created."""
        if key.limits.tasks_at_once:
            self.store.release_lease(f"at-work#{key.owner}", task_id)

    def _take_lease(self, key: KeyRecord, task_id: str) -> bool:
        """Take a lease for a running task. If all are taken, first release those of ended tasks."""
        name, limit = f"at-work#{key.owner}", min(key.limits.tasks_at_once, MAX_TASKS_AT_ONCE)
        until = int(time.time()) + _LONGEST_TASK
        if self.store.take_lease(name, task_id, limit, until):
            return True
        ended = []
        for holder, end in self.store.lease_holders(name).items():
            task = self.tasks.get(holder)
            # A lease is taken just before its task is written.
            fresh = end > until - _WRITTEN_WITHIN
            if task.status.final if task is not None else not fresh:
                ended.append(holder)
        self.store.release_lease(name, *ended)
        return bool(ended) and self.store.take_lease(name, task_id, limit, until)

    @staticmethod
    def _record_name(key: KeyRecord, idempotency_key: str) -> str:
        return f"request#{key.owner}#{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def frames_counter(owner: str) -> str:
    """The name of the counter of frames that `owner` renders today (UTC)."""
    return f"frames#{owner}#{datetime.now(UTC):%Y-%m-%d}"


#: Seconds that a frames counter is stored.
FRAMES_COUNTER_SECONDS = 2 * DAY
