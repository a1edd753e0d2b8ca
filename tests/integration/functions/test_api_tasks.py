"""Routes that list, cancel and delete tasks; files, uploads and dry runs."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.model import TaskStatus
from tests.integration.functions.cloud import BUCKET, HTML, OWNER, TABLE, Cloud, answer, ask, call, run_workflow, submit
from tests.integration.functions.engine import Behaviour


def test_tasks_are_listed_newest_first_in_pages_that_hold_each_once(cloud: Cloud) -> None:
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record("other key", "other"))
    made = [submit() for _ in range(5)]
    answer("POST", "/apps/run", {"input": {"html": HTML}}, key="other key")
    seen, cursor = [], None
    for _ in range(10):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        status, body = ask("GET", "/tasks", query)
        assert status == 200
        seen += [task["id"] for task in body["data"]["items"]]
        cursor = body["data"]["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(made) and len(seen) == 5
    created = [cloud.task(task_id).created_at for task_id in seen]
    assert created == sorted(created, reverse=True)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "1000"}, {"limit": "many"}, {"cursor": "x"}])
def test_invalid_paging_options_are_named(cloud: Cloud, query: dict[str, str]) -> None:
    status, problem = ask("GET", "/tasks", query)
    assert status in (400, 422)
    assert next(iter(query)) in problem["detail"]


def test_cancelling_applies_once_and_not_to_ended_tasks(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    cloud.events_seen()
    for _ in range(2):
        status, body, _ = answer("POST", f"/tasks/{task_id}/cancel")
        assert (status, body["data"]["status"]) == (200, 8)
    assert [event["status"] for event in cloud.events_seen()] == [8]
    assert run_workflow(task_id)["status"] == 12
    assert answer("POST", f"/tasks/{task_id}/cancel")[1]["data"]["status"] == 12


def test_deleting_removes_the_task_and_its_files(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    run_workflow(task_id)
    assert cloud.keys(f"outbox/tasks/{task_id}/")
    status, body, _ = answer("DELETE", f"/tasks/{task_id}")
    assert status == 200 and body["data"] == {"id": task_id, "deleted": True}
    assert answer("GET", f"/tasks/{task_id}")[0] == 404
    assert answer("DELETE", f"/tasks/{task_id}")[0] == 404
    assert not cloud.keys(f"outbox/tasks/{task_id}/") and not cloud.keys(f"work/{task_id}/")


def test_a_task_deleted_while_it_runs_leaves_nothing(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    assert answer("DELETE", f"/tasks/{task_id}")[0] == 200
    with pytest.raises(Exception, match="deleted"):
        call("render_chunk", {"task_id": task_id, "whole": True})
    cloud.put(f"outbox/tasks/{task_id}/video.mp4", b"too late")
    call("record", {"task_id": task_id, "outcome": "failed", "error": {"Error": "TaskCancelled", "Cause": "{}"}})
    assert not cloud.keys("work/") and not cloud.keys("outbox/")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "cancel"), ("DELETE", ""), ("GET", "files"), ("GET", "status")],
)
def test_a_task_of_another_key_is_not_found(cloud: Cloud, method: str, path: str) -> None:
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record("other key", "other"))
    task_id = submit()
    route = f"/tasks/{task_id}/{path}".rstrip("/")
    assert answer(method, route, key="other key")[0] == 404
    assert cloud.task(task_id).status == TaskStatus.QUEUED


def test_files_have_roles_and_fresh_addresses(cloud: Cloud, behaviour: Behaviour) -> None:
    cloud.put(f"uploads/{OWNER}/f1/page.html", HTML)
    uri = f"s3://{BUCKET}/uploads/{OWNER}/f1/page.html"
    task_id = answer("POST", "/apps/run", {"input": {"html": uri}})[1]["data"]["id"]
    run_workflow(task_id)
    files = ask("GET", f"/tasks/{task_id}/files")[1]["data"]
    assert [(file["role"], file["field"]) for file in files] == [("input", "html"), ("output", "video")]
    assert files[0]["uri"] == uri and "X-Amz-Signature" in files[1]["uri"]
    assert [f["role"] for f in ask("GET", f"/tasks/{task_id}/files", {"role": "output"})[1]["data"]] == ["output"]


def test_an_uploaded_file_has_a_signed_put_and_a_stable_uri(cloud: Cloud, behaviour: Behaviour) -> None:
    file = {"uri": "", "filename": "my page.html", "content_type": "text/html", "size": len(HTML), "public": False}
    status, body, headers = answer("POST", "/files", {"files": [file]})
    assert status == 200
    (made,) = body["data"]
    assert re.fullmatch(rf"s3://{BUCKET}/uploads/{OWNER}/[0-9a-f]{{24}}/my-page\.html", made["uri"])
    assert "content-length%3Bcontent-type%3Bhost" in made["upload_url"]
    assert made["upload_headers"] == {"Content-Type": "text/html"} and headers["x-ratelimit-remaining"] == "49"
    unsent = answer("POST", "/apps/run", {"input": {"html": made["uri"]}})
    assert unsent[0] == 400 and "upload_url" in unsent[1]["detail"]
    cloud.put(made["uri"].partition(f"{BUCKET}/")[2], HTML)
    task_id = answer("POST", "/apps/run", {"input": {"html": made["uri"]}})[1]["data"]["id"]
    assert run_workflow(task_id)["status"] == 10


def test_the_planner_gets_an_uploaded_sound_as_a_file(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.chunks = 2
    cloud.put(f"uploads/{OWNER}/f2/song.mp3", b"[the song]")
    uri = f"s3://{BUCKET}/uploads/{OWNER}/f2/song.mp3"
    task_id = submit(audio_url=uri)
    assert run_workflow(task_id)["status"] == 10
    assert cloud.get(f"outbox/tasks/{task_id}/video.mp4").endswith(b"[the song]")
    foreign = answer("POST", "/apps/run", {"input": {"html": HTML, "audio": f"s3://{BUCKET}/uploads/else/f/a.mp3"}})
    assert foreign[0] == 400 and "input.audio_url" in foreign[1]["detail"]


def test_an_upload_without_a_name_is_recognized_as_zip_by_content(cloud: Cloud, behaviour: Behaviour) -> None:
    cloud.put(f"uploads/{OWNER}/f3/file", b"PK\x03\x04")
    task_id = answer("POST", "/apps/run", {"input": {"html": f"s3://{BUCKET}/uploads/{OWNER}/f3/file"}})[1]["data"][
        "id"
    ]
    assert run_workflow(task_id)["status"] == 10


def test_an_unchanged_file_is_not_uploaded_again(cloud: Cloud) -> None:
    digest = hashlib.sha256(HTML.encode()).hexdigest()
    file = {"filename": "a.html", "content_type": "text/html", "size": len(HTML), "sha256": digest}
    (first,) = answer("POST", "/files", {"files": [file]})[1]["data"]
    assert first["upload_headers"]["x-amz-checksum-sha256"] and not first["uploaded"]
    (unsent,) = answer("POST", "/files", {"files": [file]})[1]["data"]
    assert unsent["uri"] != first["uri"] and unsent["upload_url"], "nothing lies there yet"
    cloud.put(unsent["uri"].partition(f"{BUCKET}/")[2], HTML)
    (again,) = answer("POST", "/files", {"files": [file]})[1]["data"]
    assert again["uri"] == unsent["uri"] and again["uploaded"] and again["upload_url"] is None
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record("other key", "other"))
    (theirs,) = answer("POST", "/files", {"files": [file]}, key="other key")[1]["data"]
    assert theirs["upload_url"], "contents are known again within one key alone"


BAD_FILES: dict[str, tuple[Any, int, str]] = {
    "no object": ([], 400, "files"),
    "no files": ({"files": []}, 400, "files"),
    "too many": ({"files": [{"filename": "a"}] * 21}, 413, "files"),
    "not an object": ({"files": ["a"]}, 400, "files[0]"),
    "unknown field": ({"files": [{"filname": "a"}]}, 400, "filname"),
    "size": ({"files": [{"filename": "a", "size": 0}]}, 400, "files[0].size"),
    "size too large": ({"files": [{"filename": "a", "size": 10**13}]}, 413, "files[0].size"),
    "size true": ({"files": [{"filename": "a", "size": True}]}, 400, "files[0].size"),
    "type": ({"files": [{"content_type": "text/html\r\nX: y"}]}, 400, "content_type"),
    "sha256": ({"files": [{"sha256": "abc"}]}, 400, "sha256"),
    "filename": ({"files": [{"filename": 5}]}, 400, "filename"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_invalid_file_fields_are_named(cloud: Cloud, name: str) -> None:
    body, status, said = BAD_FILES[name]
    got, problem, _ = answer("POST", "/files", body)
    assert got == status and said in problem["detail"], problem


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b\\c.html", ".html", "ü ☃.zip", "x" * 500 + ".mp3", "a\x00b.html"]
)
def test_a_file_name_cannot_leave_its_folder(cloud: Cloud, name: str) -> None:
    (made,) = answer("POST", "/files", {"files": [{"filename": name, "content_type": "text/html"}]})[1]["data"]
    key = made["uri"].partition(f"{BUCKET}/")[2]
    assert re.fullmatch(rf"uploads/{OWNER}/[0-9a-f]{{24}}/[A-Za-z0-9._-]{{1,100}}", key) and ".." not in key


def test_a_dry_run_plans_and_renders_nothing(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit(dry_run=True)
    planned = call("plan", {"task_id": task_id})
    assert planned["chunks"] == 0
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 10
    output = answer("GET", f"/tasks/{task_id}")[1]["data"]["output"]
    assert output["dry_run"] is True and output["frames"] == 50 and output["duration"] == 2
    assert output["estimate"]["usd"] > 0 and output["estimate"]["seconds"] > 0 and output["chunks"] == 2
    assert "video" not in output and not [key for key in cloud.keys("outbox/") if "video" in key]
