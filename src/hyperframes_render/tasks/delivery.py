"""One attempt to deliver one webhook: read the task, check the address, sign and send the body, judge the answer.

Address check, signature and body are in `webhooks`.
"""

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
class DeliveryResult:
    """The result of an attempt. `retry_in`: seconds until the next attempt; None: there is none, drop the message."""

    kind: Literal["unwanted", "delivered", "gone", "failed", "exhausted"]
    retry_in: int | None = None


@dataclass(frozen=True)
class Delivery:
    """Delivers webhooks. `schedule`: seconds to wait before each further attempt."""

    tasks: TaskTable
    objects: ObjectStore
    store: ExpiringStore
    vault: SecretVault
    schedule: Sequence[int]
    allow_private: bool = False
    send: Callable[..., Answer] = post

    def deliver(self, event: dict[str, Any], attempt: int) -> DeliveryResult:
        """Attempt number `attempt` (from 1) to deliver the webhook of the event's task. Raises KeyError (no task id).

        The task is read again on each attempt: it holds the webhook's address, and the video's address is signed for
        this attempt. A failed AWS service uses up an attempt like a failed receiver, because it may also need hours.
        """
        task_id, host = str(event["id"]), None
        try:
            task = self._task_to_report(task_id)
            if task is None or not task.webhook:
                return DeliveryResult("unwanted")
            host = urlsplit(task.webhook).hostname
            answer = self._attempt(task)
        except ServiceFailed as failure:
            answer = Answer(0, str(failure))
        if answer.delivered:
            _LOG.info("webhook of task %s delivered to %s on attempt %d: %s", task_id, host, attempt, answer)
            return DeliveryResult("delivered")
        if answer.gone:
            _LOG.warning("webhook of task %s: %s answered 410 Gone, no more attempts", task_id, host)
            return DeliveryResult("gone")
        wait = wait_before_next(attempt, self.schedule, answer.retry_after)
        _LOG.warning("webhook of task %s to %s failed on attempt %d: %s", task_id, host, attempt, answer)
        # After the last attempt the message returns at once: the queue counts receipts and moves it to its
        # dead-letter queue.
        return DeliveryResult("exhausted", 0) if wait is None else DeliveryResult("failed", wait)

    def _task_to_report(self, task_id: str) -> Task | None:
        """The task, if it has ended and has a webhook.

        If its item was altered after it was accepted, the task counts as failed. The failure goes to the address and
        owner that were accepted, signed with that owner's secret.
        """
        task = self.tasks.get(task_id)
        if task is None or not task.webhook or not task.status.final:
            return None
        return as_accepted(recorded_grant(self.store, task_id), task)

    def _attempt(self, task: Task) -> Answer:
        url = task.webhook or ""
        try:
            check_webhook(url, allow_private=self.allow_private)
        except InvalidOption as invalid:
            return Answer(0, str(invalid))
        body = webhook_body(task_view(task, self.objects))
        headers = {
            "content-type": "application/json",
            "user-agent": f"hyperframes-render/{__version__}",
            **sign(event_id(task), body, self.vault.secrets(task.owner)),
        }
        return self.send(url, body.encode(), headers, allow_private=self.allow_private)
