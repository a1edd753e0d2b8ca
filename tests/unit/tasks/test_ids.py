"""A task is its owner's, whatever is written into its item."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hyperframes_render.errors import NotFound
from hyperframes_render.tasks.ids import DROP_OWNER, belongs, drop_key_of, new_task_id, task_id_from
from hyperframes_render.tasks.keys import hash_key, new_key, owner_of
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.transitions import owned_task

MINE, OTHER = "0123456789abcdef", "fedcba9876543210"
SHORT = "5a1f0c9e8b7d6a5f4e3d2c1b0a9f8e"


def task(task_id: str, owner: str, **fields: Any) -> Task:
    return Task(id=task_id, owner=owner, status=TaskStatus.QUEUED, created_at="", updated_at="", **fields)


@pytest.mark.parametrize("said", [MINE, OTHER, DROP_OWNER, ""])
def test_a_task_is_its_owner_s_and_nobody_else_s_whatever_its_item_says(said: str) -> None:
    one = task(new_task_id(MINE), said)
    assert belongs(one, MINE)
    assert not belongs(one, OTHER) and not belongs(one, DROP_OWNER) and not belongs(one, "")


@pytest.mark.parametrize("said", [MINE, OTHER])
def test_a_caller_finds_its_own_task_alone(said: str) -> None:
    one = task(new_task_id(MINE), said)

    class Table:
        def get(self, task_id: str) -> Task:
            return one

    table: Any = Table()
    assert owned_task(table, MINE, one.id) is one
    with pytest.raises(NotFound):
        owned_task(table, OTHER, one.id)


def test_a_task_with_an_id_of_another_length_is_nobody_s() -> None:
    assert not belongs(task(SHORT, MINE), MINE) and not belongs(task(SHORT, MINE), OTHER)


def test_ids_are_different_each_time_and_names_that_a_workflow_and_a_session_may_have() -> None:
    ids = {new_task_id(MINE) for _ in range(1000)}
    assert len(ids) == 1000 and len({one[:24] for one in ids}) == 1000
    # A session's name has 64 characters, a workflow's 80 with the number of its start.
    assert all(re.fullmatch(r"[0-9a-f]{36}", one) for one in ids)


def test_the_same_file_has_the_same_id_and_another_owner_s_another() -> None:
    assert task_id_from("a", DROP_OWNER) == task_id_from("a", DROP_OWNER)
    assert len({task_id_from("a", DROP_OWNER), task_id_from("b", DROP_OWNER), task_id_from("a", MINE)}) == 3


def test_only_the_drop_folder_s_task_has_a_dropped_name() -> None:
    key = "inbox/promo.html"
    assert drop_key_of(task(task_id_from("a", DROP_OWNER), DROP_OWNER, drop_key=key)) == key
    assert drop_key_of(task(new_task_id(MINE), DROP_OWNER, drop_key=key)) is None
    assert drop_key_of(task(SHORT, MINE, drop_key=key)) is None
    assert owner_of(hash_key(new_key())) != DROP_OWNER
