"""One try to deliver one webhook."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from hyperframes_render import __version__
from hyperframes_render.errors import InvalidOption, ServiceFailed
from hyperframes_render.network.post import Answer, post
from hyperframes_render.tasks.events import event_id
from hyperframes_render.tasks.grants import as_accepted, recorded_grant
from hyperframes_render.tasks.model import Task
from hyperframes_render.tasks.ports import ExpiringStore, ObjectStore, SecretVault, TaskTable
from hyperframes_render.tasks.view import task_view
from hyperframes_render.tasks.webhooks import check_webhook, sign, wait_before_next, webhook_body

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a try. `again_in` is the seconds until the next one; None: the message is done with."""

    kind: Literal["unwanted", "delivered", "gone", "failed", "exhausted"]
    again_in: int | None = None


@dataclass(frozen=True)
class Delivery:
    """Delivers webhooks. `schedule` has the seconds before each further try."""

    tasks: TaskTable
    objects: ObjectStore
    store: ExpiringStore
    vault: SecretVault
    schedule: Sequence[int]
    allow_private: bool = False
    send: Callable[..., Answer] = post

    def deliver(self, event: dict[str, Any], attempt: int) -> Outcome:
        """The `attempt`-th try (from 1) to tell the webhook of the event's task. Raises KeyError (no such event).

        The task is read anew: it knows the address, and the video's address is signed for this very try. A service
        of ours that fails costs a try like a receiver that fails: it, too, may need hours.
        """
        task_id, host = str(event["id"]), None
        try:
            task = self._told_of(task_id)
            if task is None or not task.webhook:
                return Outcome("unwanted")
            host = urlsplit(task.webhook).hostname
            answer = self._try(task)
        except ServiceFailed as failure:
            answer = Answer(0, str(failure))
        if answer.delivered:
            _LOG.info("webhook of task %s delivered to %s at try %d: %s", task_id, host, attempt, answer)
            return Outcome("delivered")
        if answer.gone:
            _LOG.warning("webhook of task %s: %s wants no more (410)", task_id, host)
            return Outcome("gone")
        wait = wait_before_next(attempt, self.schedule, answer.retry_after)
        _LOG.warning("webhook of task %s to %s failed at try %d: %s", task_id, host, attempt, answer)
        # At once, where it was the last: the queue counts its receipts and moves it to the dead letters.
        return Outcome("exhausted", 0) if wait is None else Outcome("failed", wait)

    def _told_of(self, task_id: str) -> Task | None:
        """The task, if it has ended and wants to be told of.

        Where its item is not as it was accepted, it has failed, and its owner gets the failure, with their own
        secret: nobody asked for another address.
        """
        task = self.tasks.get(task_id)
        if task is None or not task.webhook or not task.status.final:
            return None
        return as_accepted(recorded_grant(self.store, task_id), task)

    def _try(self, task: Task) -> Answer:
        url = task.webhook or ""
        try:
            check_webhook(url, allow_private=self.allow_private)
        except InvalidOption as refused:
            return Answer(0, str(refused))
        body = webhook_body(task_view(task, self.objects))
        headers = {
            "content-type": "application/json",
            "user-agent": f"hyperframes-render/{__version__}",
            **sign(event_id(task), body, self.vault.secrets(task.owner)),
        }
        return self.send(url, body.encode(), headers, allow_private=self.allow_private)
