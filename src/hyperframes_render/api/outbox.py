"""Where results lie, and the record that is written last."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from hyperframes_render.api.ports import ObjectStore, TaskTable
from hyperframes_render.api.view import error_sentence
from hyperframes_render.task import Task, TaskStatus, result_type

INBOX, OUTBOX = "inbox/", "outbox/"
_TASKS = f"{OUTBOX}tasks/"
_JSON = "application/json; charset=utf-8"


def work_folder(task_id: str) -> str:
    """The keys of everything that a task needs while it runs."""
    return f"work/{task_id}/"


def result_folder(task_id: str) -> str:
    """The keys of everything that a task of the API leaves."""
    return f"{_TASKS}{task_id}/"


def result_key(task: Task) -> str:
    """The key of the task's video."""
    suffix, _ = result_type(task.request.codec)
    if task.drop_key is None:
        return f"{result_folder(task.id)}video{suffix}"
    return drop_outbox(task.drop_key, suffix)


def poster_key(task: Task) -> str:
    """The key of the picture that stands for the video; not beside a dropped file's result, which is just two files."""
    return f"{result_folder(task.id)}poster.jpg"


def result_filename(task: Task) -> str:
    """What the video is called where somebody saves it."""
    suffix, _ = result_type(task.request.codec)
    return PurePosixPath(result_key(task)).name if task.drop_key else f"{task.id}{suffix}"


def drop_outbox(drop_key: str, suffix: str) -> str:
    """inbox/a/promo.html → outbox/a/promo`suffix`."""
    name = drop_key.removeprefix(INBOX)
    return OUTBOX + name[: -len(PurePosixPath(name).suffix)] + suffix


def is_reserved(drop_key: str) -> bool:
    """Whether what a dropped file of this name leaves could be taken for, or overwrite, what others leave.

    Those are results of the API (tasks/ID/…), and the error record of another file: promo.error.json is promo.html's.
    """
    place = drop_outbox(drop_key, "")
    in_a_task = place.startswith(_TASKS) and "/" in place.removeprefix(_TASKS)
    return in_a_task or place.endswith(".error")


def is_current(task: Task, tasks: TaskTable) -> bool:
    """Whether the task may write under its name: no newer file was dropped there since."""
    return task.drop_key is None or tasks.holds_name(task.drop_key, task.id)


def write_record(task: Task, objects: ObjectStore, tasks: TaskTable, details: dict[str, Any]) -> None:
    """Write the one record of a final task: a result's or an error's, and take the other kind away.

    `details` is what the table does not keep. Written after the video, so that who sees it has everything.
    """
    completed = task.status == TaskStatus.COMPLETED
    if not is_current(task, tasks):
        return
    good, bad = _record_keys(task)
    if not completed:
        remove_result(task, objects)
        write_json(objects, bad, error_record(task))
        return
    if not details and objects.head(good) is not None:
        return  # written by an earlier try, which had the details still
    write_json(objects, good, {**_head(task), "output": {**details, **(task.output or {})}, "metadata": task.metadata})
    if task.drop_key is not None:
        objects.delete(bad)


def remove_result(task: Task, objects: ObjectStore) -> None:
    """Remove what a task that was not completed made all the same. A dropped file's names may be another task's."""
    if task.drop_key is None:
        objects.delete(result_key(task), _record_keys(task)[0])
    objects.delete(poster_key(task))


def _record_keys(task: Task) -> tuple[str, str]:
    if task.drop_key is None:
        folder = result_folder(task.id)
        return f"{folder}result.json", f"{folder}error.json"
    return drop_outbox(task.drop_key, ".json"), drop_outbox(task.drop_key, ".error.json")


def _head(task: Task) -> dict[str, Any]:
    head = {
        "id": task.id,
        "status": int(task.status),
        "status_text": task.status.text,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "input": task.input,
    }
    return {**head, "source": task.drop_key} if task.drop_key else head


def error_record(task: Task) -> dict[str, Any]:
    """NAME.error.json: one sentence for people, the same in parts for programs."""
    return {**_head(task), "error": error_sentence(task), "details": task.error, "metadata": task.metadata}


def write_json(objects: ObjectStore, key: str, record: dict[str, Any]) -> None:
    """Write a record that people read too."""
    objects.put(key, json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n", _JSON)
