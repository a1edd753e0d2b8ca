"""The end of a task: write exactly one final state, publish it until that works, delete the work files."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hyperframes_render.cost.prices import Usage, cost_of
from hyperframes_render.errors import (
    MAX_PROBLEMS,
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
    non_negative_int,
    output_with_files,
    poster_key,
    remove_result,
    result_folder,
    result_key,
    work_folder,
    write_record,
)
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import Attention, EventTopic, ExpiringStore, ObjectStore, TaskTable
from hyperframes_render.tasks.submission import MAX_SNAPSHOT_TIMES
from hyperframes_render.tasks.timestamps import DAY, later, moment, seconds_since
from hyperframes_render.tasks.transitions import change_task, publish

_LOG = logging.getLogger(__name__)
#: Fields of a result draft that the table keeps. The record in the outbox has all fields.
_KEPT = (
    *("width", "height", "fps", "frames", "duration", "chunks", "unique_frames", "processor_seconds"),
    *("video", "plan", "timings", "warnings", "versions"),
)
#: Warnings of a result, and characters of each. Each chunk may add some, and a page may write any text into them.
MAX_WARNINGS, MAX_WARNING = 50, 300
#: Texts of a problem that a check reports, and characters of a patch.
_PROBLEM_TEXTS = ("code", "severity", "message", "fix", "file", "selector", "doc")
MAX_PATCH = 1000
#: Bytes of a result draft. One of 500 chunks has about 100 kB; a renderer that was taken over may write any size.
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
    """Ends tasks. `longest_function`: seconds that a function may still run after its task ended.

    `sweep` announces a final state again if it is not known to be published after `attention_seconds`.
    """

    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    store: ExpiringStore
    result_days: int
    longest_function: int = 900
    attention_seconds: int = 60

    def finish(self, task_id: str, outcome: Outcome, error: Mapping[str, Any] | None = None) -> Task | None:
        """Write the final state if there is none yet, then announce it. Returns None if the task was deleted.

        A second call does only what the first one left undone. A task whose item was altered fails.
        """
        draft = self._draft(task_id) if outcome == "completed" else {}
        grant = recorded_grant(self.store, task_id)

        def decide(task: Task) -> Mapping[str, Any] | None:
            if changes := self._changes_if_altered(grant, task):
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
        # Between the read and the write, a renderer may have written to the item without raising its version.
        task = as_accepted(grant, task)
        self._announce(task, draft)
        return task

    def announce(self, task_id: str) -> bool:
        """Announce a final task that is not known to be announced. Returns whether it is announced now."""
        grant = recorded_grant(self.store, task_id)
        task, _ = change_task(self.tasks, task_id, lambda now: self._changes_if_altered(grant, now))
        return self._announce(as_accepted(grant, task), self._draft(task_id))

    def _announce(self, task: Task, draft: dict[str, Any]) -> bool:
        """Write a final task's record, publish its event, delete its work files. Returns whether all is done.

        It may be called again.
        """
        if task.attention != Attention.ANNOUNCE:
            self.clean(task)
            return True
        if task.output is not None:
            task = task.model_copy(update={"output": output_with_files(task, task.output, self.objects.bucket)})
        write_record(task, self.objects, self.tasks, draft)
        if not publish(self.topic, task):
            return False
        self.objects.delete_folder(work_folder(task.id))
        # Functions that still run may write to the folder again, for as long as a function may run.
        changes = {"attention": Attention.CLEAN, "attention_at": later(self.longest_function)}
        change_task(self.tasks, task.id, lambda now: changes if now.attention == Attention.ANNOUNCE else None)
        return True

    def clean(self, task: Task) -> None:
        """Delete what functions wrote after the task ended, and clear `attention` once no function can still run."""
        self.objects.delete_folder(work_folder(task.id))
        if task.status != TaskStatus.COMPLETED:
            remove_result(task, self.objects)
        due = moment()

        def decide(now: Task) -> Mapping[str, Any] | None:
            over = now.attention == Attention.CLEAN and (now.attention_at or "") <= due
            return {"attention": None, "attention_at": None} if over else None

        change_task(self.tasks, task.id, decide)

    def _draft(self, task_id: str) -> dict[str, Any]:
        """The result draft that the last function wrote. Empty if it is missing or unreadable."""
        try:
            draft = json.loads(self.objects.get(f"{work_folder(task_id)}result.json", limit=_MAX_DRAFT))
        except NotFound:
            return {}
        except (LimitExceeded, ValueError, RecursionError) as error:
            _LOG.warning("the result draft of task %s cannot be read: %s", task_id, error)
            return {}
        return draft if isinstance(draft, dict) else {}

    def _changes_if_altered(self, grant: Grant | None, task: Task) -> dict[str, Any] | None:
        """The changes that fail a task whose item was altered; None if it was not altered."""
        changes = tampering_changes(grant, task)
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
        frames = non_negative_int(output.get("frames", task.frames_total))
        return {**changes, "status": TaskStatus.COMPLETED, "output": output, "frames_done": frames}

    def _output(self, task: Task, draft: Mapping[str, Any]) -> dict[str, Any]:
        timings = {**draft.get("timings", {}), "accepted_to_finished": round(seconds_since(task.created_at), 3)}
        output = {name: draft[name] for name in _KEPT if name in draft}
        if task.function == "check":
            checked = {"dry_run": True, "check": checked_output(draft.get("check")), "warnings": task.warnings}
            return {**output, **checked, "timings": timings, "cost": task_cost(task, draft)}
        if task.dry_run:
            planned = {"dry_run": True, "codec": str(task.codec), "estimate": draft.get("estimate")}
            warned = {"warnings": _warnings(task, draft)}
            return {**output, **planned, **warned, "timings": timings, "cost": task_cost(task, draft)}
        if task.function == "snapshot":
            return self._snapshot_output(task, draft, output, timings)
        video, poster = self.objects.head(result_key(task)), self.objects.head(poster_key(task))
        output |= {
            "codec": str(task.codec),
            # The video may be deleted by now; then its size is the one that the function reported.
            "size": video.size if video else draft.get("size"),
            "poster": {"size": poster.size} if poster else None,
            "warnings": _warnings(task, draft),
            "timings": timings,
            "cost": task_cost(task, draft),
            "expires_at": later(self.result_days * DAY),
        }
        return output_with_files(task, output, self.objects.bucket)

    def _snapshot_output(
        self, task: Task, draft: Mapping[str, Any], output: dict[str, Any], timings: Mapping[str, Any]
    ) -> dict[str, Any]:
        image = self.objects.head(result_key(task))
        times = [float(t) for t in draft.get("times", []) if isinstance(t, int | float)][:MAX_SNAPSHOT_TIMES]
        output |= {
            "size": image.size if image else draft.get("size"),
            "times": times,
            "warnings": _warnings(task, draft),
            "timings": timings,
            "cost": task_cost(task, draft),
            "expires_at": later(self.result_days * DAY),
        }
        return output_with_files(task, output, self.objects.bucket)


def checked_output(report: object) -> dict[str, Any]:
    """The report of a check, limited so that the task's item and its event can hold it: a page may write into it."""
    found = report if isinstance(report, dict) else {}
    problems = [problem for problem in found.get("problems", []) if isinstance(problem, dict)]
    return {
        "schema": 1,
        "ok": found.get("ok") is True,
        "problems": [_record(problem) for problem in problems[:MAX_WARNINGS]],
        "problems_total": len(problems),
    }


def _record(problem: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: cut(str(problem.get(name, "")), MAX_WARNING) for name in _PROBLEM_TEXTS}
    places = {name: non_negative_int(problem.get(name)) for name in ("line", "column")}
    patch = problem.get("patch")
    fits = isinstance(patch, dict) and len(json.dumps(patch)) <= MAX_PATCH
    return {**texts, **places, "patch": patch if fits else None}


def _warnings(task: Task, draft: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The warnings of task and draft, limited so that the task's item and its event can hold them."""
    found = [*task.warnings, *draft.get("warnings", [])]
    return [_record(problem) for problem in found if isinstance(problem, dict)][:MAX_WARNINGS]


def task_cost(task: Task, draft: Mapping[str, Any]) -> dict[str, Any]:
    """The task's cost (`cost_of`), from the time and memory that its functions reported."""
    arm = draft.get("machine", platform.machine()) in ("arm64", "aarch64")
    return cost_of(Usage.of_task(task.spent), chunks=draft.get("chunks", 1), architecture="arm64" if arm else "x86_64")


def read_failure(error: Mapping[str, Any], recorded: Mapping[str, Any] | None = None) -> RenderError:
    """The RenderError for an error that the workflow caught: {"Error": class name, "Cause": JSON text}.

    A distributed map reports only that some chunk failed, and a function that ended its process reports no cause. In
    these cases `recorded`, the failure that the function stored in the task, is used.
    """
    name = str(error.get("Error", ""))
    cause = _message(error.get("Cause"))
    if name in _CHUNK_FAILED or (name in _LOST and (recorded or {}).get("ends")):
        name, cause = str((recorded or {}).get("class", "Runtime.ExitError")), json.dumps(recorded)
    if name in _TIMED_OUT or "Task timed out after" in cause:
        return FunctionTimedOut(
            "A function reached its time limit.",
            "Ask for a shorter or smaller video, or raise the function's time limit.",
        )
    if name in _LOST:
        return WorkerLost("A function died while it was running.", "Try again; more memory may help.")
    kind = error_class(name)
    if kind is None or kind is RenderError:
        _LOG.error("the workflow failed with %s: %s", name, cause[:2000])
        return InternalError(
            "An internal error occurred.",
            "Try again; if it persists, search the logs for the task's id.",
        )
    try:
        parts = json.loads(cause)
        failure = kind(str(parts["message"]), str(parts["action"]))
        problems = parts.get("problems")
        found = problems[:MAX_PROBLEMS] if isinstance(problems, list) else []
        failure.problems = [_record(problem) for problem in found if isinstance(problem, dict)]
        return failure
    except (ValueError, TypeError, KeyError, RecursionError):
        return kind(cause or "No details are known.")


def _message(cause: object) -> str:
    """The message that a function raised, from the JSON text that the workflow makes of it."""
    if not isinstance(cause, str):
        return ""
    try:
        fields = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    return str(fields.get("errorMessage", "")) if isinstance(fields, dict) else cause
