"""The view of a task whose item was changed by an attacker."""

from __future__ import annotations

from typing import Any

import pytest

from hyperframes_render.tasks.ids import DROP_OWNER, new_task_id
from hyperframes_render.tasks.layout import output_with_files
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.view import task_files, task_view

OWNER = "0123456789abcdef"
LATER = "2999-01-01T00:00:00.000Z"


class Store:
    """Records what is signed."""

    bucket = "bucket"

    def __init__(self) -> None:
        self.signed: list[tuple[str, str]] = []

    def presign(self, key: str, seconds: int, filename: str) -> str:
        self.signed.append((key, filename))
        return f"https://signed.example/{key}"


OTHERS: dict[str, Any] = {
    "key": "outbox/tasks/other/video.mp4",
    "bucket": "another",
    "filename": "invoice.exe",
    "content_type": "text/html",
    "size": "9" * 100,
    "poster": {"key": "uploads/other/a", "filename": "x", "content_type": "text/html", "size": -5},
    "expires_at": LATER,
}


def completed(output: Any, **fields: Any) -> Task:
    known: dict[str, Any] = {"owner": OWNER, "created_at": "", "updated_at": "", "input": {"codec": "vp9"}, **fields}
    return Task(id=new_task_id(OWNER), status=TaskStatus.COMPLETED, output=output, **known)


def own_files(task: Task) -> list[tuple[str, str]]:
    folder = f"outbox/tasks/{task.id}"
    return [(f"{folder}/video.webm", f"{task.id}.webm"), (f"{folder}/poster.jpg", "poster.jpg")]


@pytest.mark.parametrize(
    "fields", [{}, {"drop_key": "inbox/promo.html"}, {"drop_key": "inbox/promo.html", "owner": DROP_OWNER}]
)
def test_only_files_of_the_task_are_signed(fields: dict[str, Any]) -> None:
    store: Any = Store()
    task = completed(OTHERS, **fields)
    output = task_view(task, store)["output"]
    assert store.signed == own_files(task)
    assert (output["video"]["content_type"], output["video"]["size"]) == ("video/webm", 0)
    assert (output["poster"]["content_type"], output["poster"]["size"]) == ("image/jpeg", 0)
    store.signed.clear()
    assert [file["field"] for file in task_files(task, store)] == ["video", "poster"]
    assert store.signed == own_files(task)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("value", [None, 5, True, [], {}, "", {"key": {}}, [["x"]]])
def test_a_task_with_an_invalid_output_is_shown(name: str, value: Any) -> None:
    store: Any = Store()
    task = completed({**OTHERS, name: value})
    assert task_view(task, store)["status"] == 10
    assert set(store.signed) <= set(own_files(task))


@pytest.mark.parametrize("value", [{"codec": 5}, {"codec": ["h264"]}, {"codec": {}}, {"width": "x"}, {"codec": None}])
def test_a_task_with_an_invalid_input_is_shown(value: dict[str, Any]) -> None:
    store: Any = Store()
    task = completed(OTHERS, input=value)
    assert task_view(task, store)["output"]["video"]["filename"] == f"{task.id}.mp4"


def test_the_published_output_names_only_files_of_the_task() -> None:
    task = completed({**OTHERS, "frames": 50})
    published = output_with_files(task, task.output or {}, "bucket")
    (video, filename), (poster, _) = own_files(task)
    assert published == {
        "frames": 50,
        "expires_at": LATER,
        "bucket": "bucket",
        "key": video,
        "filename": filename,
        "content_type": "video/webm",
        "size": 0,
        "poster": {"key": poster, "filename": "poster.jpg", "content_type": "image/jpeg", "size": 0},
    }
    assert output_with_files(task, {**OTHERS, "dry_run": True}, "bucket") == {"dry_run": True, "expires_at": LATER}
