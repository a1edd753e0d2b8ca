"""Accepting and reading tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hyperframes_render.errors import Conflict, OverQuota, ServiceFailed
from hyperframes_render.tasks.grants import record_grant, recorded_grant
from hyperframes_render.tasks.ids import drop_key_of, new_task_id
from hyperframes_render.tasks.layout import poster_key, result_folder, result_key, work_folder
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import Attention, EventTopic, ExpiringStore, ObjectStore, TaskTable, Workflow
from hyperframes_render.tasks.quotas import IDEMPOTENCY_SECONDS, Quotas
from hyperframes_render.tasks.submission import Submission, check_hosts, narrow_network
from hyperframes_render.tasks.timestamps import DAY, later, moment
from hyperframes_render.tasks.transitions import change_task, owned_task, publish
from hyperframes_render.tasks.uploads import UPLOADS, Uploads
from hyperframes_render.tasks.variable_files import copy_variable_files
from hyperframes_render.tasks.view import task_files, task_view
from hyperframes_render.tasks.webhooks import check_webhook, check_webhook_name

_LOG = logging.getLogger(__name__)
#: Items live longer than results, so that a caller who comes late learns what became of the task.
ITEM_EXTRA_DAYS = 30


@dataclass(frozen=True)
class Policy:
    """What the stack's owner allows. `result_days` is the lifetime of results in days.

    `attention_seconds`: after so long, `sweep` starts a task that is not seen running: longer than a slow start.
    """

    network_ceiling: Any = "public"
    allow_private_webhooks: bool = False
    result_days: int = 30
    attention_seconds: int = 60
    upload_days: int = 7


@dataclass(frozen=True)
class TaskService:
    """What the routes and the drop folder do with tasks."""

    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    workflow: Workflow
    policy: Policy
    store: ExpiringStore

    @property
    def uploads(self) -> Uploads:
        """Files that callers uploaded."""
        return Uploads(self.objects, self.store, self.policy.upload_days)

    @property
    def quotas(self) -> Quotas:
        """Who may come in."""
        return Quotas(self.store, self.tasks)

    def run(
        self,
        owner: str,
        submission: Submission,
        *,
        task_id: str | None = None,
        frames_a_day: int | None = None,
        before_accepting: Callable[[], None] = lambda: None,
    ) -> Task:
        """Accept a render and start it; the task as it is then.

        `before_accepting` is called when all is checked and nothing written yet; OverQuota from there makes a task
        that is rejected at once. Raises InvalidOption.
        """
        check_hosts(submission, self.policy.network_ceiling, "input")
        task = new_task(task_id or new_task_id(owner), owner, submission, self.policy)
        task = task.model_copy(update={"frames_a_day": frames_a_day, **self._sources(owner, submission, task.id)})
        given = copy_variable_files(submission.request.variables, owner, task.id, self.uploads)
        if given.variables != submission.request.variables:
            task.input["variables"] = given.variables
        task = task.model_copy(update={"given": given.paths, "warnings": [*task.warnings, *given.warnings]})
        try:
            before_accepting()
        except OverQuota as refusal:
            return self._reject(task, refusal)
        if submission.is_markup:
            # Before the task: a task whose source is missing could be seen and started.
            self.objects.put(task.source_key, (submission.html or "").encode(), "text/html; charset=utf-8")
        if not self.accept(task):
            return self.tasks.get(task.id) or task
        return task

    def _sources(self, owner: str, submission: Submission, task_id: str) -> dict[str, Any]:
        """Where composition and sound are taken from. Raises InvalidOption."""
        found: dict[str, Any] = {}
        uri = (submission.html or "").strip()
        if submission.is_markup:
            key = f"work/{task_id}/source.html"
            uri, found["source_key"] = f"s3://{self.objects.bucket}/{key}", key
        elif uri.lower().startswith("s3://"):
            facts = self.uploads.find(owner, uri, "input.html")
            found["source_key"], found["source_etag"] = facts.key, facts.etag
        else:
            found["source_key"] = uri
        audio = submission.request.audio_url
        if audio is not None and audio.lower().startswith("s3://"):
            facts = self.uploads.find(owner, audio, "input.audio_url")
            found["audio_key"], found["audio_etag"] = facts.key, facts.etag
        return {**found, "input": {"html": uri, **submission_fields(submission, self.policy)}}

    def _reject(self, task: Task, refusal: OverQuota) -> Task:
        """A task that ends when it is created: it never had a place, and says why."""
        ended = task.model_copy(
            update={
                "status": TaskStatus.REJECTED,
                "phase": "done",
                "error": refusal.as_dict(),
                "starts": 0,
                "attention": None,
                "attention_at": None,
            }
        )
        if self.tasks.create(ended):
            publish(self.topic, ended)
        return ended

    def accept(self, task: Task) -> bool:
        """Write the task and start it; False where it was accepted before.

        Once it is written it is a promise: a start or an event that fails is made up for by `sweep`.
        """
        access = record_grant(self.store, task)
        if not self.tasks.create(task):
            return False
        _LOG.info("task %s of %s accepted", task.id, task.owner)
        publish(self.topic, task)
        try:
            self.workflow.start(task.id, 1, access)
        except ServiceFailed as failure:
            _LOG.warning("task %s was accepted but not started, sweep will: %s", task.id, failure)
        return True

    def get(self, owner: str, task_id: str) -> Task:
        """The task. Raises NotFound, for another's task too."""
        return owned_task(self.tasks, owner, task_id)

    def cancel(self, owner: str, task_id: str) -> Task:
        """Ask for the task's end; one that has ended stays as it is. Raises NotFound."""
        self.get(owner, task_id)

        def decide(task: Task) -> Mapping[str, Any] | None:
            ending = task.status.final or task.status == TaskStatus.CANCELLING
            return None if ending else {"status": TaskStatus.CANCELLING}

        task, changed = change_task(self.tasks, task_id, decide)
        if changed:
            publish(self.topic, task)
        return task

    def delete(self, owner: str, task_id: str, *, uploads: bool = False) -> None:
        """Forget the task and its files, with `uploads` also what was uploaded for it; one at work ends.

        Raises NotFound.
        """
        task = self.cancel(owner, task_id)
        # Who repeats the request that made it gets a new task, not this one's id.
        self.store.put_if_absent(f"deleted#{task_id}", {"task": task_id}, IDEMPOTENCY_SECONDS)
        # What works on it looks for the task, and ends when it is gone.
        self.tasks.delete(task_id)
        if uploads:
            self.objects.delete(*self._uploads_of(owner, task))
        if drop_key_of(task) is None:
            self.objects.delete_folder(result_folder(task_id))
        self.objects.delete_folder(work_folder(task_id))

    def was_deleted(self, task_id: str) -> bool:
        """Whether its caller deleted the task, not long ago."""
        return self.store.get(f"deleted#{task_id}") is not None

    def delete_files(self, owner: str, task_id: str, role: str | None = None) -> list[str]:
        """Delete results (role "output"), uploads ("input") or both of a task that has ended; the ids of their files.

        Raises NotFound, or Conflict where the task is still at work.
        """
        task = self.get(owner, task_id)
        if not task.status.final:
            raise Conflict(f"The task {task_id} is still at work.", "Cancel it, or wait until it has ended.")
        gone = [file["id"] for file in self.files(task, role) if file["uri"].startswith(("s3://", "http"))]
        if role != "input" and task.output is not None:
            self.objects.delete(result_key(task), poster_key(task))
            # It is answered as any result whose time is over.
            change_task(self.tasks, task_id, lambda now: {"output": {**(now.output or {}), "expires_at": moment()}})
        if role != "output":
            self.objects.delete(*self._uploads_of(owner, task))
        return gone

    def _uploads_of(self, owner: str, task: Task) -> tuple[str, ...]:
        """Keys of what was uploaded for the task, as noted when it was accepted: its item could name others.

        Of one that is too old for a note, what its item names of its owner's.
        """
        if (reach := recorded_grant(self.store, task.id)) is not None:
            return reach.reads
        own = f"{UPLOADS}{owner}/"
        return tuple(key for key in (task.source_key, task.audio_key) if key and key.startswith(own))

    def view(self, task: Task) -> dict[str, Any]:
        """The task as callers see it."""
        return task_view(task, self.objects)

    def files(self, task: Task, role: str | None = None) -> list[dict[str, Any]]:
        """The task's files, each with an address that is signed now."""
        return [file for file in task_files(task, self.objects) if role in (None, file["role"])]


def new_task(task_id: str, owner: str, submission: Submission, policy: Policy) -> Task:
    """The task that a submission becomes, its source still to be named. Raises InvalidOption (webhook)."""
    if submission.webhook is not None:
        check_webhook(submission.webhook, allow_private=policy.allow_private_webhooks)
        if not policy.allow_private_webhooks:
            check_webhook_name(submission.webhook)
    now = moment()
    return Task(
        id=task_id,
        owner=owner,
        status=TaskStatus.QUEUED,
        created_at=now,
        updated_at=now,
        app=submission.app,
        input=submission_fields(submission, policy),
        dry_run=submission.dry_run,
        metadata=submission.metadata,
        webhook=submission.webhook,
        session_id=submission.session_id,
        phase="queued",
        warnings=submission.warnings,
        starts=1,
        attention=Attention.START,
        attention_at=later(policy.attention_seconds),
        expires_at=int(time.time()) + (policy.result_days + ITEM_EXTRA_DAYS) * DAY,
    )


def submission_fields(submission: Submission, policy: Policy) -> dict[str, Any]:
    """The input fields as given, with the network that the stack allows."""
    network = narrow_network(submission.request.network, policy.network_ceiling)
    fields = dict(submission.fields)
    if network != submission.request.network:
        fields["network"] = network if isinstance(network, str) else list(network)
    return fields
