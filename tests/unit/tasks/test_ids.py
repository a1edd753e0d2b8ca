"""Task ids bind a task to its owner, even if its item is changed."""

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


@pytest.mark.parametrize("item_owner", [MINE, OTHER, DROP_OWNER, ""])
def test_a_task_belongs_to_the_owner_in_its_id_not_in_its_item(item_owner: str) -> None:
    one = task(new_task_id(MINE), item_owner)
    assert belongs(one, MINE)
    assert not belongs(one, OTHER) and not belongs(one, DROP_OWNER) and not belongs(one, "")


@pytest.mark.parametrize("item_owner", [MINE, OTHER])
def test_a_caller_finds_only_its_own_task(item_owner: str) -> None:
    one = task(new_task_id(MINE), item_owner)

    class Table:
        def get(self, task_id: str) -> Task:
            return one

    table: Any = Table()
    assert owned_task(table, MINE, one.id) is one
    with pytest.raises(NotFound):
        owned_task(table, OTHER, one.id)


def test_a_task_with_an_id_of_another_length_belongs_to_nobody() -> None:
    assert not belongs(task(SHORT, MINE), MINE) and not belongs(task(SHORT, MINE), OTHER)


def test_ids_are_unique_and_valid_names_of_workflows_and_sessions() -> None:
    ids = {new_task_id(MINE) for _ in range(1000)}
    assert len(ids) == 1000 and len({one[:24] for one in ids}) == 1000
    # A session's name may have 64 characters, a workflow's 80 with the attempt's number.
    assert all(re.fullmatch(r"[0-9a-f]{36}", one) for one in ids)


def test_ids_of_files_depend_on_file_and_owner_only() -> None:
    assert task_id_from("a", DROP_OWNER) == task_id_from("a", DROP_OWNER)
    assert len({task_id_from("a", DROP_OWNER), task_id_from("b", DROP_OWNER), task_id_from("a", MINE)}) == 3


def test_only_tasks_of_the_drop_folder_have_a_drop_key() -> None:
    key = "inbox/promo.html"
    assert drop_key_of(task(task_id_from("a", DROP_OWNER), DROP_OWNER, drop_key=key)) == key
    assert drop_key_of(task(new_task_id(MINE), DROP_OWNER, drop_key=key)) is None
    assert drop_key_of(task(SHORT, MINE, drop_key=key)) is None
    assert owner_of(hash_key(new_key())) != DROP_OWNER
