"""The sweep: starts, restarts, fails, announces and cleans tasks whose workflow or last event failed.

An index holds only the tasks that need attention, the longest overdue first. A task whose handling fails is postponed,
so failing tasks never block the others.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from hyperframes_render.errors import NotFound, RenderError
from hyperframes_render.tasks.finish import Finisher
from hyperframes_render.tasks.grants import recorded_access
from hyperframes_render.tasks.model import Task
from hyperframes_render.tasks.ports import Attention, Execution, ExpiringStore, Workflow
from hyperframes_render.tasks.timestamps import later, moment, seconds_since
from hyperframes_render.tasks.transitions import change_task

_LOG = logging.getLogger(__name__)
#: Starts of a workflow at most, if it ends without a final state. A restart reuses the finished chunks.
MAX_STARTS = 3
#: Tasks of one kind in one sweep, and how many are handled in parallel. The next sweep handles the rest.
_BATCH, _AT_ONCE = 500, 8
#: A task whose workflow runs is checked again after this fraction of its age, or thousands of tasks that wait for
#: capacity would cause most of the load. The second value, in seconds, limits the delay until a lost one is found.
_FRACTION_OF_AGE, _LONGEST_CHECK = 0.25, 600.0
#: Seconds at most until a task whose handling failed is tried again.
_LONGEST_WAIT = 600.0
#: Seconds after which a sweep handles no further task: its function has a time limit, and the next sweep comes soon.
_TIME_LIMIT = 30.0

#: Results of a sweep that leave a task as it was.
_FAILURES = ("broken", "unannounced")


@dataclass(frozen=True)
class Sweeper:
    """Handles all tasks that are due."""

    finisher: Finisher
    workflow: Workflow
    store: ExpiringStore

    def sweep(self) -> Counter[str]:
        """Handle every task that is due. Returns the number of tasks by result.

        Results are started, running, restarted, failed, ended, announced, unannounced, cleaned and broken.
        """
        done: Counter[str] = Counter()
        until = time.monotonic() + _TIME_LIMIT
        handlers = {
            Attention.START: self._start,
            Attention.RUN: self._check_running,
            Attention.ANNOUNCE: self._announce,
            Attention.CLEAN: self._clean,
        }
        for kind, handle in handlers.items():
            due = self.finisher.tasks.due(kind, moment(), _BATCH)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                done.update(what for what in pool.map(partial(self._handle, kind, handle, until), due) if what)
        return done

    def _handle(self, kind: Attention, handle: Callable[[Task], str], until: float, task_id: str) -> str | None:
        """The result for one task; None if there was nothing to do, or no time is left."""
        if time.monotonic() > until:
            return None
        task = None
        try:
            task = self.finisher.tasks.get(task_id)
            # The index lags behind the table: the task may have moved on.
            done = handle(task) if task is not None and task.attention == kind else None
        except Exception as failure:  # any kind: a renderer that was taken over may write anything to its item
            known = isinstance(failure, RenderError | ValueError)
            _LOG.warning("sweep failed for task %s (%s): %s", task_id, kind, failure, exc_info=not known)
            done = "broken"
        # A deleted task is no failure, but a damaged item may stay in the index: postpone both.
        if done in _FAILURES or task is None:
            self._postpone(task_id, task)
        return done

    def _postpone(self, task_id: str, task: Task | None) -> None:
        """Try again after as long as the task has been failing: the wait doubles each time."""
        try:
            failing = _LONGEST_WAIT if task is None else seconds_since(task.updated_at)
        except (ValueError, TypeError):
            failing = _LONGEST_WAIT
        try:
            wait = min(max(self.finisher.attention_seconds, failing), _LONGEST_WAIT)
            self.finisher.tasks.postpone(task_id, later(wait))
        except RenderError as failure:
            _LOG.warning("task %s could not be postponed: %s", task_id, failure)

    def _start(self, task: Task) -> str:
        """Start the workflow of a task that was not seen running."""
        if self.workflow.status(task.id, task.starts) == Execution.ENDED:
            return self._restart_or_fail(task)
        self._start_workflow(task, task.starts)
        self._check_later(task, task.starts)
        return "started"

    def _check_running(self, task: Task) -> str:
        """Check that the workflow of a started task still runs."""
        if self.workflow.status(task.id, task.starts) == Execution.RUNNING:
            self._check_later(task, task.starts, min(_FRACTION_OF_AGE * seconds_since(task.created_at), _LONGEST_CHECK))
            return "running"
        return self._restart_or_fail(task)

    def _restart_or_fail(self, task: Task) -> str:
        """Restart a workflow that ended without a final state, or fail its task after MAX_STARTS."""
        fresh = self.finisher.tasks.get(task.id)
        if fresh is None or fresh.status.final:
            return "ended"  # the task ended after it was read
        if task.starts >= MAX_STARTS:
            cause = {"Error": "WorkerLost", "Cause": f"The workflow ended {task.starts} times without a result."}
            self.finisher.finish(task.id, "failed", cause)
            return "failed"
        self._start_workflow(task, task.starts + 1)
        self._check_later(task, task.starts + 1)
        return "restarted"

    def _start_workflow(self, task: Task, attempt: int) -> None:
        self.workflow.start(task.id, attempt, recorded_access(self.store, task.id))

    def _check_later(self, task: Task, starts: int, least: float = 0.0) -> None:
        changes = {
            "attention": Attention.RUN,
            "attention_at": later(max(2 * self.finisher.attention_seconds, least)),
            "starts": starts,
        }

        def decide(now: Task) -> Mapping[str, Any] | None:
            return None if now.status.final else changes

        try:
            change_task(self.finisher.tasks, task.id, decide)
        except NotFound:
            _LOG.info("task %s was deleted in the meantime", task.id)

    def _announce(self, task: Task) -> str:
        return "announced" if self.finisher.announce(task.id) else "unannounced"

    def _clean(self, task: Task) -> str:
        self.finisher.clean(task)
        return "cleaned"
