"""The end of a task: exactly one final state, told until somebody heard it, and nothing left behind."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hyperframes_render.cost.prices import Usage, cost_of
from hyperframes_render.errors import (
    FunctionTimedOut,
    InternalError,
    LimitExceeded,
    NotFound,
    RenderError,
    TaskCancelled,
    WorkerLost,
    cut,
    error_class,
)
from hyperframes_render.tasks.grants import Grant, as_accepted, recorded_grant, tampering_changes
from hyperframes_render.tasks.layout import (
    own_output,
    poster_key,
    remove_result,
    result_folder,
    result_key,
    whole,
    work_folder,
    write_record,
)
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import Attention, EventTopic, ExpiringStore, ObjectStore, TaskTable
from hyperframes_render.tasks.timestamps import DAY, later, moment, seconds_since
from hyperframes_render.tasks.transitions import change_task, publish

_LOG = logging.getLogger(__name__)
#: Of a result, what the table keeps; the record in the outbox has all of it.
_KEPT = (
    *("width", "height", "fps", "frames", "duration", "chunks", "unique_frames", "processor_seconds"),
    *("video", "plan", "timings", "warnings", "versions"),
)
#: Warnings of a result, and characters of each: chunks have some each, and a page may have put its own text into them.
MAX_WARNINGS, MAX_WARNING = 50, 300
#: Bytes of the draft of a result. One of 500 chunks has some 100 kB; a renderer that was taken over may write any.
_MAX_DRAFT = 8 * 1024**2
_TIMED_OUT = ("States.Timeout", "Sandbox.Timedout", "States.HeartbeatTimeout")
_LOST = (
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Runtime.Unknown",
    "Lambda.Unknown",
    "Function.ResponseSizeTooLarge",
)

_CHUNK_FAILED = ("States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed")

Outcome = Literal["completed", "failed"]


@dataclass(frozen=True)
class Finisher:
    """Ends tasks. `longest_function` is the seconds that a function may outlive its task.

    After `attention_seconds`, `sweep` announces a final state whose announcement is not known to have worked.
    """

    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    store: ExpiringStore
    result_days: int
    longest_function: int = 900
    attention_seconds: int = 60

    def finish(self, task_id: str, outcome: Outcome, error: Mapping[str, Any] | None = None) -> Task | None:
        """Write the final state if there is none yet, then announce it. None where the task was deleted.

        A second call does only what the first did not get to. A task whose item is not as it was accepted has failed.
        """
        draft = self._draft(task_id) if outcome == "completed" else {}
        reach = recorded_grant(self.store, task_id)

        def decide(task: Task) -> Mapping[str, Any] | None:
            if changes := self._if_altered(reach, task):
                return changes
            if task.status.final:
                return None
            failure = None if outcome == "completed" else read_failure(error or {}, task.failure)
            return self._final_changes(task, failure, draft)

        try:
            task, changed = change_task(self.tasks, task_id, decide)
        except NotFound:
            self.objects.delete_folder(work_folder(task_id))
            self.objects.delete_folder(result_folder(task_id))
            return None
        if changed:
            _LOG.info("task %s is %s", task.id, task.status.text)
        # Between its reading and the change, somebody may have written to it who does not raise its version.
        task = as_accepted(reach, task)
        self._announce(task, draft)
        return task

    def announce(self, task_id: str) -> bool:
        """Announce a final task whose announcement is not known to have worked; whether it has by now."""
        reach = recorded_grant(self.store, task_id)
        task, _ = change_task(self.tasks, task_id, lambda now: self._if_altered(reach, now))
        return self._announce(as_accepted(reach, task), self._draft(task_id))

    def _announce(self, task: Task, draft: dict[str, Any]) -> bool:
        """Record in the outbox, event, clean-up of a final task; whether all is done. Doing it again does no harm."""
        if task.attention != Attention.ANNOUNCE:
            self.clean(task)
            return True
        if task.output is not None:
            task = task.model_copy(update={"output": own_output(task, task.output, self.objects.bucket)})
        write_record(task, self.objects, self.tasks, draft)
        if not publish(self.topic, task):
            return False
        self.objects.delete_folder(work_folder(task.id))
        # Functions that were at it may still write for as long as a function may run.
        changes = {"attention": Attention.CLEAN, "attention_at": later(self.longest_function)}
        change_task(self.tasks, task.id, lambda now: changes if now.attention == Attention.ANNOUNCE else None)
        return True

    def clean(self, task: Task) -> None:
        """Remove what functions wrote after the end, and forget the task's need of attention once none can."""
        self.objects.delete_folder(work_folder(task.id))
        if task.status != TaskStatus.COMPLETED:
            remove_result(task, self.objects)
        due = moment()

        def decide(now: Task) -> Mapping[str, Any] | None:
            over = now.attention == Attention.CLEAN and (now.attention_at or "") <= due
            return {"attention": None, "attention_at": None} if over else None

        change_task(self.tasks, task.id, decide)

    def _draft(self, task_id: str) -> dict[str, Any]:
        """What the last function found out about the result. Empty where it is not there (any more), or is none."""
        try:
            draft = json.loads(self.objects.get(f"{work_folder(task_id)}result.json", limit=_MAX_DRAFT))
        except NotFound:
            return {}
        except (LimitExceeded, ValueError, RecursionError) as unreadable:
            _LOG.warning("the draft of task %s cannot be read: %s", task_id, unreadable)
            return {}
        return draft if isinstance(draft, dict) else {}

    def _if_altered(self, reach: Grant | None, task: Task) -> dict[str, Any] | None:
        """The changes that end a task whose item is not as it was accepted; None where it is as it was."""
        changes = tampering_changes(reach, task)
        return {**changes, **self._to_announce()} if changes else None

    def _to_announce(self) -> dict[str, Any]:
        return {"attention": Attention.ANNOUNCE, "attention_at": later(self.attention_seconds)}

    def _final_changes(self, task: Task, failure: RenderError | None, draft: Mapping[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {"phase": "done", **self._to_announce()}
        if task.status == TaskStatus.CANCELLING or isinstance(failure, TaskCancelled):
            cancelled = TaskCancelled("The task was cancelled.")
            return {**changes, "status": TaskStatus.CANCELLED, "error": cancelled.as_dict()}
        if failure is None and not draft:
            failure = InternalError("The render ended without a result.", "Try again.")
        if failure is not None:
            return {**changes, "status": TaskStatus.FAILED, "error": failure.as_dict()}
        output = self._output(task, draft)
        frames = whole(output.get("frames", task.frames_total))
        return {**changes, "status": TaskStatus.COMPLETED, "output": output, "frames_done": frames}

    def _output(self, task: Task, draft: Mapping[str, Any]) -> dict[str, Any]:
        timings = {**draft.get("timings", {}), "accepted_to_finished": round(seconds_since(task.created_at), 3)}
        output = {name: draft[name] for name in _KEPT if name in draft}
        if task.dry_run:
            planned = {"dry_run": True, "codec": str(task.codec), "estimate": draft.get("estimate")}
            warned = {"warnings": _warnings(task, draft)}
            return {**output, **planned, **warned, "timings": timings, "cost": task_cost(task, draft)}
        video, poster = self.objects.head(result_key(task)), self.objects.head(poster_key(task))
        output |= {
            "codec": str(task.codec),
            # A video that somebody takes away as soon as it is there was as large as its function says.
            "size": video.size if video else draft.get("size"),
            "poster": {"size": poster.size} if poster else None,
            "warnings": _warnings(task, draft),
            "timings": timings,
            "cost": task_cost(task, draft),
            "expires_at": later(self.result_days * DAY),
        }
        return own_output(task, output, self.objects.bucket)


def _warnings(task: Task, draft: Mapping[str, Any]) -> list[str]:
    """What the result has to warn of: so much that the task's item and its event can hold it."""
    return [cut(str(text), MAX_WARNING) for text in (*task.warnings, *draft.get("warnings", []))][:MAX_WARNINGS]


def task_cost(task: Task, draft: Mapping[str, Any]) -> dict[str, Any]:
    """What the task cost, from what its functions reported."""
    arm = draft.get("machine", platform.machine()) in ("arm64", "aarch64")
    return cost_of(Usage.of_task(task.spent), chunks=draft.get("chunks", 1), architecture="arm64" if arm else "x86_64")


def read_failure(error: Mapping[str, Any], noted: Mapping[str, Any] | None = None) -> RenderError:
    """The error of our tree that a workflow caught: {"Error": class name, "Cause": JSON text}.

    A map of many chunks only says that one failed, and a function that had to end its process says nothing; what
    they had to say is `noted` in the task.
    """
    name = str(error.get("Error", ""))
    said = _message(error.get("Cause"))
    if name in _CHUNK_FAILED or (name in _LOST and (noted or {}).get("ends")):
        name, said = str((noted or {}).get("class", "Runtime.ExitError")), json.dumps(noted)
    if name in _TIMED_OUT or "Task timed out after" in said:
        return FunctionTimedOut(
            "A function reached its time limit.",
            "Ask for a shorter or smaller video, or raise the function's time-out.",
        )
    if name in _LOST:
        return WorkerLost("A function died while it was at work.", "Try again; more memory may help.")
    kind = error_class(name)
    if kind is None or kind is RenderError:
        _LOG.error("the workflow failed with %s: %s", name, said[:2000])
        return InternalError(
            "Something went wrong on our side.",
            "Try again; if it persists, search the logs for the task's id.",
        )
    try:
        parts = json.loads(said)
        return kind(str(parts["message"]), str(parts["action"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return kind(said or "No more is known.")


def _message(cause: object) -> str:
    """What a function raised, out of the text that the workflow makes of it."""
    if not isinstance(cause, str):
        return ""
    try:
        told = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    return str(told.get("errorMessage", "")) if isinstance(told, dict) else cause
