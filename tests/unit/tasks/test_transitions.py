"""A change is written only to the task that was read, or decided again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hyperframes_render.errors import NotFound, ServiceFailed, TaskCancelled
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.transitions import advance, change_task

NOW = "2026-01-31T12:00:00.000Z"


class Table:
    """One task, and the states that others write between a read and a write."""

    def __init__(self, status: TaskStatus, *meanwhile: TaskStatus) -> None:
        self.task: Task | None = Task(id="t", owner="o", status=status, created_at=NOW, updated_at=NOW)
        self.meanwhile = list(meanwhile)

    def get(self, task_id: str) -> Task | None:
        return self.task

    def update_if_unchanged(self, task: Task, changes: Mapping[str, Any]) -> Task | None:
        assert self.task is not None
        if self.meanwhile:
            self.task = self.task.model_copy(update={"status": self.meanwhile.pop(0), "version": self.task.version + 1})
        if task.version != self.task.version:
            return None
        self.task = self.task.model_copy(update={**changes, "version": task.version + 1})
        return self.task


class Topic:
    """The published states; raises if `fails`."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.published = fails, list[int]()

    def publish(self, event: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        if self.fails:
            raise ServiceFailed("no")
        self.published.append(event["status"])


def test_a_lost_race_is_decided_again() -> None:
    table: Any = Table(TaskStatus.QUEUED, TaskStatus.PREPARING, TaskStatus.RUNNING)
    seen: list[TaskStatus] = []

    def decide(task: Task) -> dict[str, Any]:
        seen.append(task.status)
        return {"phase": "x"}

    task, changed = change_task(table, "t", decide)
    assert changed and task.phase == "x" and task.status == TaskStatus.RUNNING
    assert seen == [TaskStatus.QUEUED, TaskStatus.PREPARING, TaskStatus.RUNNING]


def test_a_task_that_is_being_cancelled_does_not_advance() -> None:
    table: Any = Table(TaskStatus.PREPARING, TaskStatus.CANCELLING)
    topic: Any = Topic()
    with pytest.raises(TaskCancelled):
        advance(table, topic, "t", TaskStatus.RUNNING)
    assert table.task.status == TaskStatus.CANCELLING and topic.published == []


def test_a_failed_event_does_not_stop_the_task() -> None:
    table: Any = Table(TaskStatus.PREPARING)
    topic: Any = Topic(fails=True)
    assert advance(table, topic, "t", TaskStatus.RUNNING).status == TaskStatus.RUNNING


def test_an_endless_race_fails() -> None:
    table: Any = Table(TaskStatus.QUEUED, *[TaskStatus.RUNNING] * 100)
    with pytest.raises(ServiceFailed):
        change_task(table, "t", lambda task: {"phase": "x"})


def test_a_missing_task_is_not_found() -> None:
    table: Any = Table(TaskStatus.QUEUED)
    table.task = None
    with pytest.raises(NotFound):
        change_task(table, "t", lambda task: {})
