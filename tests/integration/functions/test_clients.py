"""Behaviour that the public client libraries expect beyond the API convention."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.ports import KeyLimits, Scope
from tests.integration.functions.cloud import BUCKET, HTML, OWNER, TABLE, Cloud, answer, ask, run_workflow, submit
from tests.integration.functions.engine import Behaviour
from tests.integration.functions.streaming import NDJSON, Streaming, lines

JAVASCRIPT = {"X-Client-Source": "inference-sdk-js/0.5.13"}
KEY = "a key with limits"


def make_key(cloud: Cloud, **facts: Any) -> None:
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record(KEY, "limited", **facts))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JAVASCRIPT, 11),
        ({"User-Agent": "inference-sdk-py/0.6.32"}, 11),
        ({"User-Agent": "inference-sdk-py/0.36.0"}, 13),
        ({"User-Agent": "curl/8"}, 13),
    ],
)
def test_clients_without_the_status_rejected_get_failed(cloud: Cloud, headers: dict[str, str], status: int) -> None:
    make_key(cloud, limits=KeyLimits(tasks_at_once=1))
    body = {"input": {"html": HTML}}
    answer("POST", "/apps/run", body, key=KEY)
    rejected = answer("POST", "/apps/run", body, key=KEY, **headers)[1]["data"]
    assert rejected["status"] == status and rejected["error_code"] == "over_quota"
    for path in ("", "/status"):
        assert answer("GET", f"/tasks/{rejected['id']}{path}", key=KEY, **headers)[1]["data"]["status"] == status


def test_a_stream_cut_off_early_fails_the_client(cloud: Cloud, streaming: Streaming) -> None:
    task_id = submit()
    client = streaming.client(longest=0.1)
    text = client.get(f"/tasks/{task_id}/stream", headers={**NDJSON, **JAVASCRIPT}).text
    assert text.splitlines()[-1].startswith("The stream has ended before its task")
    assert all("id" in line for line in lines(client.get(f"/tasks/{task_id}/stream", headers=NDJSON).text))


def test_an_upload_of_the_javascript_client_may_have_any_type(cloud: Cloud) -> None:
    file = {"filename": "a.mp3", "content_type": "audio/mpeg", "size": 5}
    (made,) = answer("POST", "/files", {"files": [file]}, **JAVASCRIPT)[1]["data"]
    assert "content-type" not in made["upload_url"] and "content-length" in made["upload_url"]


def test_tasks_are_listed_for_the_javascript_client(cloud: Cloud) -> None:
    made = {submit() for _ in range(3)}
    seen: set[str] = set()
    cursor = ""
    while True:
        body = {"limit": 2, "cursor": cursor, "filters": []}
        status, said, _ = answer("POST", "/tasks/list", body)
        assert status == 200
        seen |= {task["id"] for task in said["data"]["items"]}
        if not said["data"]["has_next"]:
            break
        cursor = said["data"]["next_cursor"]
    assert seen == made
    assert answer("POST", "/tasks/list", {"limit": "many"})[0] == 400


def uploaded(cloud: Cloud, name: str, data: bytes | str, kind: str = "application/octet-stream") -> str:
    key = f"uploads/{OWNER}/{name}"
    cloud.s3.put_object(
        Bucket=BUCKET, Key=key, Body=data if isinstance(data, bytes) else data.encode(), ContentType=kind
    )
    return f"s3://{BUCKET}/{key}"


@pytest.mark.parametrize("chunks", [1, 2])
def test_an_upload_in_variables_is_stored_beside_the_composition(
    cloud: Cloud, behaviour: Behaviour, chunks: int
) -> None:
    behaviour.chunks = chunks
    photo = uploaded(cloud, "f1/photo.png", b"[a picture]", "image/png")
    task_id = submit(variables={"cards": [{"photo": photo}], "title": "Hello"})
    assert run_workflow(task_id)["status"] == 10
    seen = behaviour.seen
    assert seen and all(one.variables["cards"][0]["photo"] == "uploads/f1/photo.png" for one in seen)
    assert all(one.variables["title"] == "Hello" for one in seen)
    assert all(one.beside.get("uploads/f1/photo.png") == b"[a picture]" for one in seen)
    assert answer("GET", f"/tasks/{task_id}")[1]["data"]["input"]["variables"]["cards"][0]["photo"] == photo


def test_an_upload_in_variables_is_added_to_an_archives_folder(cloud: Cloud, behaviour: Behaviour) -> None:
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("project/index.html", HTML)
        archive.writestr("project/a.css", "p{}")
    html = uploaded(cloud, "f1/project.zip", packed.getvalue(), "application/zip")
    photo = uploaded(cloud, "f2/photo.png", b"[a picture]", "image/png")
    task_id = answer("POST", "/apps/run", {"input": {"html": html, "variables": {"photo": photo}}})[1]["data"]["id"]
    assert run_workflow(task_id)["status"] == 10
    assert behaviour.seen
    assert all(set(one.beside) == {"index.html", "a.css", "uploads/f2/photo.png"} for one in behaviour.seen)


def test_text_uploaded_as_base64_by_mistake_is_restored(cloud: Cloud, behaviour: Behaviour) -> None:
    mistaken = uploaded(cloud, "f3/file", base64.b64decode("RESPONSIBILITIES"))
    task_id = submit(variables={"title": mistaken})
    task = answer("GET", f"/tasks/{task_id}")[1]["data"]
    assert task["input"]["variables"]["title"] == "RESPONSIBILITIES"
    assert "input.variables.title" in task["warnings"][0]["message"]


def test_a_missing_upload_in_variables_is_refused_by_its_path(cloud: Cloud) -> None:
    for uri in (f"s3://{BUCKET}/uploads/{OWNER}/gone/a.png", f"s3://{BUCKET}/uploads/another/f/a.png"):
        status, problem, _ = answer("POST", "/apps/run", {"input": {"html": HTML, "variables": {"a": ["b", uri]}}})
        assert status == 400 and "input.variables.a[1]" in problem["detail"]
    assert not cloud.all_tasks()


def test_too_many_files_in_a_request_are_refused(cloud: Cloud) -> None:
    uris = [uploaded(cloud, f"f{number}/a.png", b"[a picture]") for number in range(21)]
    status, problem, _ = answer("POST", "/apps/run", {"input": {"html": HTML, "variables": {"all": uris}}})
    assert status == 413 and "more than 20 files" in problem["detail"]


def test_an_idempotency_key_is_free_after_its_task_was_deleted(cloud: Cloud) -> None:
    body, headers = {"input": {"html": HTML}}, {"Idempotency-Key": "order 7"}
    first = answer("POST", "/apps/run", body, **headers)[1]["data"]["id"]
    assert answer("DELETE", f"/tasks/{first}")[0] == 200
    second = answer("POST", "/apps/run", body, **headers)[1]["data"]["id"]
    assert second != first and second in cloud.executions()
    assert answer("POST", "/apps/run", body, **headers)[1]["data"]["id"] == second


def test_files_are_deleted_by_role_and_the_task_stays(cloud: Cloud, behaviour: Behaviour) -> None:
    html = uploaded(cloud, "f1/page.html", HTML, "text/html")
    task_id = answer("POST", "/apps/run", {"input": {"html": html}})[1]["data"]["id"]
    assert answer("DELETE", f"/tasks/{task_id}/files")[0] == 409
    run_workflow(task_id)
    files = ask("GET", f"/tasks/{task_id}/files")[1]["data"]
    assert {file["id"] for file in files} == {f"{task_id}.html", f"{task_id}.video"}
    status, said = ask("DELETE", f"/tasks/{task_id}/files", {"role": "output"})
    assert status == 200 and said["data"] == {"deleted": [f"{task_id}.video"], "skipped": []}
    assert not [key for key in cloud.keys(f"outbox/tasks/{task_id}/") if "video" in key]
    output = answer("GET", f"/tasks/{task_id}")[1]["data"]["output"]
    assert "video" not in output and "expired" in output
    assert cloud.keys(f"uploads/{OWNER}/")
    assert ask("DELETE", f"/tasks/{task_id}/files", {"role": "input"})[0] == 200
    assert not cloud.keys(f"uploads/{OWNER}/")


def test_deleting_a_task_keeps_its_uploads_by_default(cloud: Cloud, behaviour: Behaviour) -> None:
    for files, left in (("false", 1), ("true", 0)):
        html = uploaded(cloud, "f1/page.html", HTML, "text/html")
        task_id = answer("POST", "/apps/run", {"input": {"html": html}})[1]["data"]["id"]
        run_workflow(task_id)
        assert ask("DELETE", f"/tasks/{task_id}", {"files": files})[0] == 200
        assert len(cloud.keys(f"uploads/{OWNER}/")) == left


def test_a_key_without_the_read_scope_gets_no_results(cloud: Cloud, behaviour: Behaviour) -> None:
    make_key(cloud, scopes=(Scope.RUN,))
    task_id = answer("POST", "/apps/run", {"input": {"html": HTML}}, key=KEY)[1]["data"]["id"]
    run_workflow(task_id)
    task = answer("POST", f"/tasks/{task_id}/cancel", key=KEY)[1]["data"]
    assert task["status"] == 10 and task["output"] is None


def test_urls_and_host_names_have_a_maximum_length(cloud: Cloud) -> None:
    long = "https://example.com/" + "x" * 5000
    for given in ({"html": long}, {"html": HTML, "audio_url": long}, {"html": HTML, "network": ["a.example"] * 101}):
        assert answer("POST", "/apps/run", {"input": given})[0] in (400, 413)


def test_trailing_slashes_match_and_405_lists_allowed_methods(cloud: Cloud) -> None:
    task_id = submit()
    assert answer("GET", f"/tasks/{task_id}/")[0] == 200
    status, _, headers = answer("PUT", f"/tasks/{task_id}")
    assert status == 405 and headers["allow"]


def test_refused_requests_have_rate_limit_headers(cloud: Cloud) -> None:
    status, _, headers = answer("POST", "/apps/run", {"input": {"htlm": HTML}})
    assert status == 400 and headers["x-ratelimit-remaining"] == "99"
    assert answer("POST", "/apps/run", {"app_id": "x", "input": {"html": HTML}})[0] == 200
