"""Keys of a task's objects in the bucket, and the record that is written last.

Keys, file names and content types are always derived from the task's id, drop key and codec. Those in the item's
`output` or in a result draft are not trusted: they could name an object of another task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from hyperframes_render.tasks.ids import drop_key_of
from hyperframes_render.tasks.model import Task, TaskStatus, result_type
from hyperframes_render.tasks.ports import ObjectStore, TaskTable

INBOX, OUTBOX = "inbox/", "outbox/"
_TASKS = f"{OUTBOX}tasks/"
_JSON = "application/json; charset=utf-8"
POSTER_TYPE, SNAPSHOT_TYPE = "image/jpeg", "image/png"
#: Fields of an output that name an object or describe it. They are derived, never copied.
_DERIVED = ("bucket", "key", "filename", "content_type", "size", "poster")
#: Fields of a result draft that only the record has. Other fields of the draft are dropped.
_DETAILS = ("content", "capture", "slowest_frames", "machine")


def work_folder(task_id: str) -> str:
    """The prefix of everything that a task needs while it runs."""
    return f"work/{task_id}/"


def result_folder(task_id: str) -> str:
    """The prefix of all results of a task that was created with the API."""
    return f"{_TASKS}{task_id}/"


def result_key(task: Task) -> str:
    """The key of the task's video, or of its snapshot."""
    if task.function == "snapshot":
        return f"{result_folder(task.id)}snapshot.png"
    suffix, _ = result_type(task.codec)
    dropped = drop_key_of(task)
    return f"{result_folder(task.id)}video{suffix}" if dropped is None else drop_outbox(dropped, suffix)


def poster_key(task: Task) -> str:
    """The key of the video's poster image. It is never beside a dropped file's result, which has two files only."""
    return f"{result_folder(task.id)}poster.jpg"


def result_filename(task: Task) -> str:
    """The file name of the video or snapshot for downloads."""
    if task.function == "snapshot":
        return f"{task.id}.png"
    suffix, _ = result_type(task.codec)
    return PurePosixPath(result_key(task)).name if drop_key_of(task) else f"{task.id}{suffix}"


def video_file(task: Task, size: object) -> dict[str, Any]:
    """The task's video or snapshot: key, file name, type, and `size` in bytes."""
    content_type = SNAPSHOT_TYPE if task.function == "snapshot" else result_type(task.codec)[1]
    return _file(result_key(task), result_filename(task), content_type, size)


def poster_file(task: Task, size: object) -> dict[str, Any]:
    """The task's poster: key, file name, type, and `size` in bytes."""
    key = poster_key(task)
    return _file(key, PurePosixPath(key).name, POSTER_TYPE, size)


def _file(key: str, filename: str, content_type: str, size: object) -> dict[str, Any]:
    return {"key": key, "filename": filename, "content_type": content_type, "size": non_negative_int(size)}


def non_negative_int(value: object) -> int:
    """`value` if it is an integer of at least 0; else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def output_with_files(task: Task, output: Mapping[str, Any], bucket: str) -> dict[str, Any]:
    """`output` with keys, names, types and sizes of the task's files. A dry run has no files."""
    plain = {name: value for name, value in output.items() if name not in _DERIVED}
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
    """Whether results of this dropped file could overwrite, or be mistaken for, those of another task.

    This concerns results of API tasks (tasks/ID/…) and error records of other files: promo.error.json belongs to
    promo.html.
    """
    place = drop_outbox(drop_key, "")
    in_a_task = place.startswith(_TASKS) and "/" in place.removeprefix(_TASKS)
    return in_a_task or place.endswith(".error")


def is_current(task: Task, tasks: TaskTable) -> bool:
    """Whether the task may write under its drop key: no newer file was dropped there."""
    dropped = drop_key_of(task)
    return dropped is None or tasks.holds_name(dropped, task.id)


def write_record(task: Task, objects: ObjectStore, tasks: TaskTable, details: dict[str, Any]) -> None:
    """Write the record of a final task, result or error, and delete the other kind.

    `details` is the result draft. The record is written after the video, so when it exists, all files exist.
    """
    completed = task.status == TaskStatus.COMPLETED
    if not is_current(task, tasks):
        return
    good, bad = _record_keys(task)
    if not completed:
        remove_result(task, objects)
        if drop_key_of(task) is not None:
            write_error_text(objects, bad, task.error or {})
        write_json(objects, bad, error_record(task))
        return
    if not details and objects.head(good) is not None:
        return  # an earlier call wrote it, when the draft still existed
    more = {name: details[name] for name in _DETAILS if name in details}
    write_json(objects, good, {**_head(task), "output": {**more, **(task.output or {})}, "metadata": task.metadata})
    if drop_key_of(task) is not None:
        objects.delete(bad, text_beside(bad))


def remove_result(task: Task, objects: ObjectStore) -> None:
    """Delete files of a task that did not complete. Objects under a drop key stay: they may belong to another task."""
    if drop_key_of(task) is None:
        objects.delete(result_key(task), _record_keys(task)[0])
    objects.delete(poster_key(task))


def _record_keys(task: Task) -> tuple[str, str]:
    dropped = drop_key_of(task)
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
    return {**head, "source": dropped} if (dropped := drop_key_of(task)) else head


def text_beside(record_key: str) -> str:
    """The key of the text for people beside an error record: promo.error.json → promo.error.txt."""
    return f"{record_key.removesuffix('.json')}.txt"


def write_error_text(objects: ObjectStore, record_key: str, error: Mapping[str, Any]) -> None:
    """Write what is wrong with a dropped file, and what to do, as text for people."""
    name = PurePosixPath(record_key).name.removesuffix(".error.json")
    lines = [f"{name} was not rendered.", "", f"{error.get('message', '')} {error.get('action', '')}".strip()]
    for problem in error.get("problems", []):
        place = f"{problem['file']}, line {problem['line']}: " if problem.get("line") else ""
        lines += ["", f"{place}{problem.get('message', '')} {problem.get('fix', '')}".strip()]
    objects.put(text_beside(record_key), ("\n".join(lines) + "\n").encode(), "text/plain; charset=utf-8")


def error_record(task: Task) -> dict[str, Any]:
    """The contents of NAME.error.json: `error` is text for people, `details` the same in fields for programs."""
    return {**_head(task), "error": task.error_text, "details": task.error, "metadata": task.metadata}


def write_json(objects: ObjectStore, key: str, record: dict[str, Any]) -> None:
    """Write `record` as indented JSON in UTF-8."""
    objects.put(key, json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n", _JSON)
