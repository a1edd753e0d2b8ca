"""Accepting and reading tasks."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any

from hyperframes_render.api.accept import Submission, narrow_network
from hyperframes_render.api.changes import tell
from hyperframes_render.api.clock import later, moment
from hyperframes_render.api.ports import Attention, EventTopic, ObjectStore, TaskTable, Workflow
from hyperframes_render.api.view import task_view
from hyperframes_render.api.webhooks import check_webhook, check_webhook_name
from hyperframes_render.errors import InvalidOption, NotFound, ServiceFailed
from hyperframes_render.task import Task, TaskStatus

_LOG = logging.getLogger(__name__)
#: Items live longer than results, so that a caller who comes late learns what became of the task.
ITEM_EXTRA_DAYS = 30
_DAY = 24 * 3600


@dataclass(frozen=True)
class Policy:
    """What the stack's owner allows. `result_days` is the lifetime of results in days.

    `attention_seconds`: after so long, `sweep` starts a task that is not seen running: longer than a slow start.
    """

    network_ceiling: Any = "public"
    allow_private_webhooks: bool = False
    result_days: int = 30
    attention_seconds: int = 60


@dataclass(frozen=True)
class TaskService:
    """What the routes and the drop folder do with tasks."""

    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    workflow: Workflow
    policy: Policy

    def run(self, owner: str, submission: Submission) -> dict[str, Any]:
        """Accept a render and start it; the task as it is then. Raises InvalidOption."""
        task = new_task(new_task_id(), owner, submission, self.policy)
        html = submission.html or ""
        if submission.is_markup:
            key = f"work/{task.id}/source.html"
            # Before the task: a task whose source is missing could be seen and started.
            self.objects.put(key, html.encode(), "text/html; charset=utf-8")
            task = task.model_copy(update={"source_key": key})
            uri = f"s3://{self.objects.bucket}/{key}"
        else:
            uri = html.strip()
            task = task.model_copy(update={"source_key": self._address(owner, uri)})
        task = task.model_copy(update={"input": {"html": uri, **task.input}})
        self.accept(task)
        return task_view(task, self.objects)

    def accept(self, task: Task) -> bool:
        """Write the task and start it; False where it was accepted before.

        Once it is written it is a promise: a start or an event that fails is made up for by `sweep`.
        """
        if not self.tasks.create(task):
            return False
        _LOG.info("task %s of %s accepted", task.id, task.owner)
        tell(self.topic, task)
        try:
            self.workflow.start(task.id, 1)
        except ServiceFailed as failure:
            _LOG.warning("task %s was accepted but not started, sweep will: %s", task.id, failure)
        return True

    def get(self, owner: str, task_id: str) -> dict[str, Any]:
        """The task as GET shows it. Raises NotFound, for another's task too."""
        task = self.tasks.get(task_id)
        if task is None or task.owner != owner:
            raise NotFound(f"There is no task {task_id[:64]}.", "Check the id; a key sees its own tasks only.")
        return task_view(task, self.objects)

    def _address(self, owner: str, uri: str) -> str:
        """Where Plan takes the composition from: a key of the bucket, or a public address."""
        if not uri.lower().startswith("s3://"):
            return uri
        key = uri[5:].partition("/")[2]
        if uri[5:].partition("/")[0] != self.objects.bucket or not key.startswith(f"uploads/{owner}/"):
            raise InvalidOption(
                "input.html: this file is not one that your key uploaded.", "Upload it, and give the uri you get."
            )
        if self.objects.head(key) is None:
            raise InvalidOption("input.html: there is no such uploaded file (any more).", "Upload it again.")
        return key


def new_task_id() -> str:
    """120 random bits, in letters and digits that a workflow's name may have."""
    return secrets.token_hex(15)


def new_task(task_id: str, owner: str, submission: Submission, policy: Policy) -> Task:
    """The task that a submission becomes, its source still to be named. Raises InvalidOption (webhook)."""
    if submission.webhook is not None:
        check_webhook(submission.webhook, allow_private=policy.allow_private_webhooks)
        if not policy.allow_private_webhooks:
            check_webhook_name(submission.webhook)
    now = moment()
    network = narrow_network(submission.request.network, policy.network_ceiling)
    fields = dict(submission.fields)
    if network != submission.request.network:
        fields["network"] = network if isinstance(network, str) else list(network)
    return Task(
        id=task_id,
        owner=owner,
        status=TaskStatus.QUEUED,
        created_at=now,
        updated_at=now,
        app=submission.app,
        input=fields,
        metadata=submission.metadata,
        webhook=submission.webhook,
        session_id=submission.session_id,
        phase="queued",
        warnings=submission.warnings,
        starts=1,
        attention=Attention.START,
        attention_at=later(policy.attention_seconds),
        expires_at=int(time.time()) + (policy.result_days + ITEM_EXTRA_DAYS) * _DAY,
    )
