"""Where results lie, and the record that is written last.

Keys, names and types come from the task's id, its dropped name and its codec, each time anew: what `output` in its item
or the draft of a result say of them could name somebody else's object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from hyperframes_render.tasks.ids import dropped_as
from hyperframes_render.tasks.model import Task, TaskStatus, result_type
from hyperframes_render.tasks.ports import ObjectStore, TaskTable

INBOX, OUTBOX = "inbox/", "outbox/"
_TASKS = f"{OUTBOX}tasks/"
_JSON = "application/json; charset=utf-8"
POSTER_TYPE = "image/jpeg"
#: What of an output says where something lies, or how it is to be taken.
_PLACES = ("bucket", "key", "filename", "content_type", "size", "poster")
#: Of a draft, what the record has beside what the table keeps. Nothing else of it is handed on.
_DETAILS = ("content", "capture", "slowest_frames", "machine")


def work_folder(task_id: str) -> str:
    """The keys of everything that a task needs while it runs."""
    return f"work/{task_id}/"


def result_folder(task_id: str) -> str:
    """The keys of everything that a task of the API leaves."""
    return f"{_TASKS}{task_id}/"


def result_key(task: Task) -> str:
    """The key of the task's video."""
    suffix, _ = result_type(task.codec)
    dropped = dropped_as(task)
    return f"{result_folder(task.id)}video{suffix}" if dropped is None else drop_outbox(dropped, suffix)


def poster_key(task: Task) -> str:
    """The key of the picture that stands for the video; not beside a dropped file's result, which is just two files."""
    return f"{result_folder(task.id)}poster.jpg"


def result_filename(task: Task) -> str:
    """What the video is called where somebody saves it."""
    suffix, _ = result_type(task.codec)
    return PurePosixPath(result_key(task)).name if dropped_as(task) else f"{task.id}{suffix}"


def video_file(task: Task, size: object) -> dict[str, Any]:
    """The task's video: key, file name, type, and `size` in bytes."""
    return _file(result_key(task), result_filename(task), result_type(task.codec)[1], size)


def poster_file(task: Task, size: object) -> dict[str, Any]:
    """The same of its poster."""
    key = poster_key(task)
    return _file(key, PurePosixPath(key).name, POSTER_TYPE, size)


def _file(key: str, filename: str, content_type: str, size: object) -> dict[str, Any]:
    return {"key": key, "filename": filename, "content_type": content_type, "size": whole(size)}


def whole(value: object) -> int:
    """The value if it is a whole number, not below nought; else nought."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def own_output(task: Task, output: Mapping[str, Any], bucket: str) -> dict[str, Any]:
    """An output of the task with its own files in it, and no other's."""
    plain = {name: value for name, value in output.items() if name not in _PLACES}
    if plain.get("dry_run"):
        return plain
    poster = output.get("poster")
    return {
        **plain,
        "bucket": bucket,
        **video_file(task, output.get("size")),
        "poster": poster_file(task, poster.get("size")) if isinstance(poster, Mapping) else None,
    }


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
    dropped = dropped_as(task)
    return dropped is None or tasks.holds_name(dropped, task.id)


def write_record(task: Task, objects: ObjectStore, tasks: TaskTable, details: dict[str, Any]) -> None:
    """Write the one record of a final task: a result's or an error's, and take the other kind away.

    `details` is the draft of the result. Written after the video, so that who sees it has everything.
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
    more = {name: details[name] for name in _DETAILS if name in details}
    write_json(objects, good, {**_head(task), "output": {**more, **(task.output or {})}, "metadata": task.metadata})
    if dropped_as(task) is not None:
        objects.delete(bad)


def remove_result(task: Task, objects: ObjectStore) -> None:
    """Remove what a task that was not completed made all the same. A dropped file's names may be another task's."""
    if dropped_as(task) is None:
        objects.delete(result_key(task), _record_keys(task)[0])
    objects.delete(poster_key(task))


def _record_keys(task: Task) -> tuple[str, str]:
    dropped = dropped_as(task)
    if dropped is None:
        folder = result_folder(task.id)
        return f"{folder}result.json", f"{folder}error.json"
    return drop_outbox(dropped, ".json"), drop_outbox(dropped, ".error.json")


def _head(task: Task) -> dict[str, Any]:
    head = {
        "id": task.id,
        "status": int(task.status),
        "status_text": task.status.text,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "input": task.input,
    }
    return {**head, "source": dropped} if (dropped := dropped_as(task)) else head


def error_record(task: Task) -> dict[str, Any]:
    """NAME.error.json: one sentence for people, the same in parts for programs."""
    return {**_head(task), "error": task.error_text, "details": task.error, "metadata": task.metadata}


def write_json(objects: ObjectStore, key: str, record: dict[str, Any]) -> None:
    """Write a record that people read too."""
    objects.put(key, json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n", _JSON)
