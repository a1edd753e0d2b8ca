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
#: Days that a task's item outlives its results, so that late callers still see the task's final state.
ITEM_EXTRA_DAYS = 30


@dataclass(frozen=True)
class Policy:
    """Settings of the stack's owner. `result_days` and `upload_days` are the lifetimes of results and uploads.

    `sweep` starts a task that is not seen running after `attention_seconds`, which is longer than a slow start takes.
    """

    network_ceiling: Any = "public"
    allow_private_webhooks: bool = False
    result_days: int = 30
    attention_seconds: int = 60
    upload_days: int = 7


@dataclass(frozen=True)
class TaskService:
    """The operations on tasks that the API routes and the drop folder use."""

    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    workflow: Workflow
    policy: Policy
    store: ExpiringStore

    @property
    def uploads(self) -> Uploads:
        """The uploaded files."""
        return Uploads(self.objects, self.store, self.policy.upload_days)

    @property
    def quotas(self) -> Quotas:
        """The quotas of API keys."""
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
        """Accept a render and start its workflow. Returns the task. Raises InvalidOption or LimitExceeded.

        `before_accepting` is called after all checks and before the first write of the task. If it raises OverQuota,
        the task is created as rejected.
        """
        check_hosts(submission, self.policy.network_ceiling, "input")
        task = new_task(task_id or new_task_id(owner), owner, submission, self.policy)
        task = task.model_copy(update={"frames_a_day": frames_a_day, **self._sources(owner, submission, task.id)})
        files = copy_variable_files(submission.request.variables, owner, task.id, self.uploads)
        if files.variables != submission.request.variables:
            task.input["variables"] = files.variables
        task = task.model_copy(
            update={
                "given": files.paths,
                "warnings": [*task.warnings, *(warning.as_dict() for warning in files.warnings)],
            }
        )
        try:
            before_accepting()
        except OverQuota as refusal:
            return self._reject(task, refusal)
        if submission.is_markup:
            # Before the task is written: a task without its source must not be visible or started.
            self.objects.put(task.source_key, (submission.html or "").encode(), "text/html; charset=utf-8")
        if not self.accept(task):
            return self.tasks.get(task.id) or task
        return task

    def _sources(self, owner: str, submission: Submission, task_id: str) -> dict[str, Any]:
        """The task fields that name the sources of composition and sound. Raises InvalidOption or LimitExceeded."""
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
        """Create the task as rejected, with `refusal` as its error."""
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
        """Write the task and start its workflow. Returns False if it was accepted before.

        Once the task is written, a failed start or event is repeated by `sweep`.
        """
        access = record_grant(self.store, task)
        if not self.tasks.create(task):
            return False
        _LOG.info("task %s of %s accepted", task.id, task.owner)
        publish(self.topic, task)
        try:
            self.workflow.start(task.id, 1, access)
        except ServiceFailed as failure:
            _LOG.warning("task %s was accepted but not started, sweep will start it: %s", task.id, failure)
        return True

    def get(self, owner: str, task_id: str) -> Task:
        """The task. Raises NotFound, also for tasks of other owners."""
        return owned_task(self.tasks, owner, task_id)

    def cancel(self, owner: str, task_id: str) -> Task:
        """Cancel the task; a task that has ended stays unchanged. Raises NotFound."""
        self.get(owner, task_id)

        def decide(task: Task) -> Mapping[str, Any] | None:
            ending = task.status.final or task.status == TaskStatus.CANCELLING
            return None if ending else {"status": TaskStatus.CANCELLING}

        task, changed = change_task(self.tasks, task_id, decide)
        if changed:
            publish(self.topic, task)
        return task

    def delete(self, owner: str, task_id: str, *, uploads: bool = False) -> None:
        """Delete the task and its files, with `uploads` also the files that were uploaded for it.

        A running task is cancelled. Raises NotFound.
        """
        task = self.cancel(owner, task_id)
        # A repeated request with the same Idempotency-Key must make a new task, not return this id.
        self.store.put_if_absent(f"deleted#{task_id}", {"task": task_id}, IDEMPOTENCY_SECONDS)
        # Functions that work on the task end when they do not find it any more.
        self.tasks.delete(task_id)
        if uploads:
            self.objects.delete(*self._uploads_of(owner, task))
        if drop_key_of(task) is None:
            self.objects.delete_folder(result_folder(task_id))
        self.objects.delete_folder(work_folder(task_id))

    def was_deleted(self, task_id: str) -> bool:
        """Whether the task was deleted within the last IDEMPOTENCY_SECONDS."""
        return self.store.get(f"deleted#{task_id}") is not None

    def delete_files(self, owner: str, task_id: str, role: str | None = None) -> list[str]:
        """Delete results (role "output"), uploads ("input") or both (None) of a task that has ended.

        Returns the ids of the deleted files. Raises NotFound, or Conflict if the task is still running.
        """
        task = self.get(owner, task_id)
        if not task.status.final:
            raise Conflict(f"The task {task_id} is still running.", "Cancel it, or wait until it has ended.")
        gone = [file["id"] for file in self.files(task, role) if file["uri"].startswith(("s3://", "http"))]
        if role != "input" and task.output is not None:
            self.objects.delete(result_key(task), poster_key(task))
            # The task is then shown like one whose result has expired.
            change_task(self.tasks, task_id, lambda now: {"output": {**(now.output or {}), "expires_at": moment()}})
        if role != "output":
            self.objects.delete(*self._uploads_of(owner, task))
        return gone

    def _uploads_of(self, owner: str, task: Task) -> tuple[str, ...]:
        """Keys of the files that were uploaded for the task.

        They come from the grant, because a changed item could name other objects. If the grant has expired, they come
        from the item, limited to the owner's uploads.
        """
        if (grant := recorded_grant(self.store, task.id)) is not None:
            return grant.reads
        folder = f"{UPLOADS}{owner}/"
        return tuple(key for key in (task.source_key, task.audio_key) if key and key.startswith(folder))

    def view(self, task: Task) -> dict[str, Any]:
        """The task as the API shows it."""
        return task_view(task, self.objects)

    def files(self, task: Task, role: str | None = None) -> list[dict[str, Any]]:
        """The task's files of `role` (None: all), results with addresses that are signed now."""
        return [file for file in task_files(task, self.objects) if role in (None, file["role"])]


def new_task(task_id: str, owner: str, submission: Submission, policy: Policy) -> Task:
    """A queued task for `submission`, without its source. Raises InvalidOption (webhook)."""
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
        dry_run=submission.function == "check" or (submission.dry_run and submission.function == "render"),
        function=submission.function,
        metadata=submission.metadata,
        webhook=submission.webhook,
        session_id=submission.session_id,
        phase="queued",
        warnings=[warning.as_dict() for warning in submission.warnings],
        starts=1,
        attention=Attention.START,
        attention_at=later(policy.attention_seconds),
        expires_at=int(time.time()) + (policy.result_days + ITEM_EXTRA_DAYS) * DAY,
    )


def submission_fields(submission: Submission, policy: Policy) -> dict[str, Any]:
    """The caller's input fields, with `network` limited to the stack's ceiling."""
    network = narrow_network(submission.request.network, policy.network_ceiling)
    fields = dict(submission.fields)
    if network != submission.request.network:
        fields["network"] = network if isinstance(network, str) else list(network)
    return fields
