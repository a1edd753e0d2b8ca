"""Looking after what was forgotten: nothing accepted stays without an end, no end stays untold.

Found through an index that holds only tasks in need of attention, the longest due first. One that fails is put off, so
that failures never stand before the others, however many there are.
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
#: A workflow that ended without a word is started again so often: what it had finished is not done again.
MAX_STARTS = 3
#: Tasks in one sweep and of one kind, and how many are attended to at once; the next sweep takes the rest.
_BATCH, _AT_ONCE = 500, 8
#: A task whose workflow runs is looked at again after this part of its age: thousands that wait for room would else be
#: most of what the services do. At most these seconds: so long may it take until one that was cut off is seen.
_PART_OF_AGE, _LONGEST_LOOK = 0.25, 600.0
#: Seconds at most until a task is tried again that could not be attended to.
_LONGEST_WAIT = 600.0
#: Seconds after which a sweep begins with no further task: its function has a time limit, and the next one comes soon.
_PATIENCE = 30.0

#: Of what a sweep has done with a task: nothing that helps it.
_FAILURES = ("broken", "unannounced")


@dataclass(frozen=True)
class Sweeper:
    """One look at everything that is due."""

    finisher: Finisher
    workflow: Workflow
    store: ExpiringStore

    def sweep(self) -> Counter[str]:
        """Attend to every task that is due; how many were started, restarted, failed, announced, cleaned, broken."""
        done: Counter[str] = Counter()
        until = time.monotonic() + _PATIENCE
        handlers = {
            Attention.START: self._start,
            Attention.RUN: self._look,
            Attention.ANNOUNCE: self._announce,
            Attention.CLEAN: self._clean,
        }
        for kind, attend in handlers.items():
            due = self.finisher.tasks.due(kind, moment(), _BATCH)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                done.update(what for what in pool.map(partial(self._attend, kind, attend, until), due) if what)
        return done

    def _attend(self, kind: Attention, attend: Callable[[Task], str], until: float, task_id: str) -> str | None:
        """What was done for one task; None where nothing was to be done, or there is no time left."""
        if time.monotonic() > until:
            return None
        task = None
        try:
            task = self.finisher.tasks.get(task_id)
            # The index lags behind the table: the task may have moved on.
            done = attend(task) if task is not None and task.attention == kind else None
        except Exception as failure:  # of whatever kind: a renderer that was taken over writes to its task's item
            known = isinstance(failure, RenderError | ValueError)
            _LOG.warning("task %s could not be attended to (%s): %s", task_id, kind, failure, exc_info=not known)
            done = "broken"
        # One that is not there any more is no failure, but what is left of a damaged item stays in the index.
        if done in _FAILURES or task is None:
            self._postpone(task_id, task)
        return done

    def _postpone(self, task_id: str, task: Task | None) -> None:
        """Try again after as long as it has been failing, which doubles the wait each time."""
        try:
            failing = _LONGEST_WAIT if task is None else seconds_since(task.updated_at)
        except (ValueError, TypeError):
            failing = _LONGEST_WAIT
        try:
            wait = min(max(self.finisher.attention_seconds, failing), _LONGEST_WAIT)
            self.finisher.tasks.postpone(task_id, later(wait))
        except RenderError as failure:
            _LOG.warning("task %s could not be put off: %s", task_id, failure)

    def _start(self, task: Task) -> str:
        """Accepted, and not seen running."""
        if self.workflow.status(task.id, task.starts) == Execution.ENDED:
            return self._restart_or_fail(task)
        self._start_workflow(task, task.starts)
        self._look_later(task, task.starts)
        return "started"

    def _look(self, task: Task) -> str:
        """Seen running: is it still?"""
        if self.workflow.status(task.id, task.starts) == Execution.RUNNING:
            self._look_later(task, task.starts, min(_PART_OF_AGE * seconds_since(task.created_at), _LONGEST_LOOK))
            return "running"
        return self._restart_or_fail(task)

    def _restart_or_fail(self, task: Task) -> str:
        """The workflow ended and left no final state: it, or what it ran on, was cut off."""
        fresh = self.finisher.tasks.get(task.id)
        if fresh is None or fresh.status.final:
            return "ended"  # it ended between the two looks
        if task.starts >= MAX_STARTS:
            cause = {"Error": "WorkerLost", "Cause": f"The workflow ended {task.starts} times without a result."}
            self.finisher.finish(task.id, "failed", cause)
            return "failed"
        self._start_workflow(task, task.starts + 1)
        self._look_later(task, task.starts + 1)
        return "restarted"

    def _start_workflow(self, task: Task, attempt: int) -> None:
        self.workflow.start(task.id, attempt, recorded_access(self.store, task.id))

    def _look_later(self, task: Task, starts: int, least: float = 0.0) -> None:
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
            _LOG.info("task %s was deleted meanwhile", task.id)

    def _announce(self, task: Task) -> str:
        return "announced" if self.finisher.announce(task.id) else "unannounced"

    def _clean(self, task: Task) -> str:
        self.finisher.clean(task)
        return "cleaned"
