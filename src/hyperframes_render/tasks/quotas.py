"""Whether a request may come in: rates, tasks at once, frames a day, and requests that were seen before."""

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
#: A request is recognised for so long.
IDEMPOTENCY_SECONDS = DAY
_MAX_KEY = 255
#: A task that is at work for longer than this counts no more: no render takes so long.
_LONGEST_TASK = 2 * DAY
_WRITTEN_WITHIN = 60
#: Tasks at once can be limited to at most so many: they are in one item of the table.
MAX_TASKS_AT_ONCE = 2000


@dataclass(frozen=True)
class Rate:
    """Where a caller stands in this minute; `reset` is the moment (seconds since 1970) at which it begins anew."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The same as headers of an answer."""
        if not self.limit:
            return {}
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(frozen=True)
class Quotas:
    """The check of a key's quotas before a task is created."""

    store: ExpiringStore
    tasks: TaskTable

    def count(self, key: KeyRecord, what: str, limit: int) -> Rate:
        """Count one more request of a kind in this minute. Raises RateLimited, whose `headers` say the same."""
        now = int(time.time())
        reset = now - now % _MINUTE + _MINUTE
        if limit <= 0:
            return Rate(0, 0, reset)
        done = self.store.increment(f"rate#{key.owner}#{what}#{reset}", 1, 2 * _MINUTE)
        rate = Rate(limit, max(0, limit - done), reset)
        if done > limit:
            refusal = RateLimited(
                f"This key may send {limit} of these requests a minute.",
                f"Try again in {reset - now} s.",
                retry_after=max(1, reset - now),
            )
            refusal.headers = rate.headers()
            raise refusal
        return rate

    def reserve_task_id(self, key: KeyRecord, idempotency_key: str | None, body: object, task_id: str) -> str:
        """The id of the task that the request is about: `task_id`, or that of an earlier, equal request.

        Raises KeyReused where the same Idempotency-Key came with another body.
        """
        if not idempotency_key:
            return task_id
        if len(idempotency_key) > _MAX_KEY:
            raise InvalidOption(f"Idempotency-Key: it has more than {_MAX_KEY} characters.")
        body_hash = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        before = self.store.put_if_absent(
            self._note(key, idempotency_key), {"body": body_hash, "task": task_id}, IDEMPOTENCY_SECONDS
        )
        if before is None:
            return task_id
        if before.get("body") != body_hash:
            raise KeyReused(
                "This Idempotency-Key was used with another request within 24 hours.",
                "Use a new one for each different request.",
            )
        return before["task"]

    def forget_request(self, key: KeyRecord, idempotency_key: str | None) -> None:
        """The request came to nothing: it may come again as if it were new."""
        if idempotency_key:
            self.store.delete(self._note(key, idempotency_key))

    def admit(self, key: KeyRecord, task_id: str) -> None:
        """Count the task among those at work. Raises OverQuota."""
        limits = key.limits
        if limits.frames_a_day and self.store.counter(frames_counter(key.owner)) >= limits.frames_a_day:
            raise OverQuota(
                f"This key has rendered its {limits.frames_a_day} frames of today (UTC).", "Try again tomorrow."
            )
        if limits.tasks_at_once and not self._take_place(key, task_id):
            raise OverQuota(
                f"This key has {limits.tasks_at_once} tasks at work, as many as it may.", "Wait until one has ended."
            )

    def withdraw(self, key: KeyRecord, task_id: str) -> None:
        """The task came to nothing."""
        if key.limits.tasks_at_once:
            self.store.release_lease(f"at-work#{key.owner}", task_id)

    def _take_place(self, key: KeyRecord, task_id: str) -> bool:
        """A place among the tasks at once; those of ended tasks are freed when none is left."""
        name, limit = f"at-work#{key.owner}", min(key.limits.tasks_at_once, MAX_TASKS_AT_ONCE)
        until = int(time.time()) + _LONGEST_TASK
        if self.store.take_lease(name, task_id, limit, until):
            return True
        ended = []
        for holder, end in self.store.lease_holders(name).items():
            task = self.tasks.get(holder)
            # A place is taken just before its task is written.
            fresh = end > until - _WRITTEN_WITHIN
            if task.status.final if task is not None else not fresh:
                ended.append(holder)
        self.store.release_lease(name, *ended)
        return bool(ended) and self.store.take_lease(name, task_id, limit, until)

    @staticmethod
    def _note(key: KeyRecord, idempotency_key: str) -> str:
        return f"request#{key.owner}#{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def frames_counter(owner: str) -> str:
    """The counter of the frames that an owner renders today (UTC)."""
    return f"frames#{owner}#{datetime.now(UTC):%Y-%m-%d}"


#: Seconds that such a counter is kept.
FRAMES_COUNTER_SECONDS = 2 * DAY
