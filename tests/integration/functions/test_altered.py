"""Effects of a compromised renderer that writes any values into its task's item and draft.

tests/integration/workflow/test_grant.py shows that it can write nothing else. These tests run the functions that read
the altered item.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import boto3
import pytest

from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.aws.tasks import DynamoKeys, DynamoTasks
from hyperframes_render.tasks.ids import DROP_OWNER
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.model import Task
from tests.integration.functions.cloud import (
    BUCKET,
    HTML,
    OWNER,
    REGION,
    TABLE,
    Cloud,
    answer,
    ask,
    call,
    dropped,
    run_workflow,
    submit,
)
from tests.integration.functions.engine import Behaviour
from tests.integration.functions.webhooks import FINE, Receiver, ended_task, message, verify

OTHER_KEY = "other key"
OTHER = make_record(OTHER_KEY, "other").owner
HOOK = "https://attacker.example/hook"
#: Changes of an item that could make a function act for, or on, another owner.
ALTERED: dict[str, dict[str, Any]] = {
    "owner": {"owner": OTHER},
    "webhook": {"webhook": HOOK},
    "dropped name": {"drop_key": "inbox/victim.html"},
    "dropped name and owner": {"drop_key": "inbox/victim.html", "owner": DROP_OWNER},
    "all": {"drop_key": "inbox/victim.html", "owner": DROP_OWNER, "webhook": HOOK, "input": {"codec": "gif"}},
    "codec": {"input": {"codec": "prores"}},
}


def alter(cloud: Cloud, task_id: str, changes: dict[str, Any]) -> None:
    """Write `changes` to the task's item, as a session for the task may."""
    with contextlib.suppress(ValueError):  # the written item may be unreadable
        assert cloud.tasks.update_if_unchanged(cloud.task(task_id), changes) is not None


def delete_grant(cloud: Cloud, task_id: str) -> None:
    """Delete the record of the task's grant, as its expiry would."""
    cloud.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": f"access#{task_id}"}})


def rendered(task_id: str) -> str:
    """Plan and render the task up to its last step. Returns its id."""
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    return task_id


def drop(cloud: Cloud, key: str, **options: Any) -> str:
    before = set(cloud.all_tasks())
    assert call("drop", dropped(cloud, key, HTML, **options)) == FINE
    (task_id,) = set(cloud.all_tasks()) - before
    return task_id


@pytest.fixture
def other(cloud: Cloud) -> str:
    """The API key of another owner."""
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record(OTHER_KEY, "other"))
    return OTHER_KEY


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_task_fails_without_effect_on_other_owners(cloud: Cloud, behaviour: Behaviour, name: str) -> None:
    task_id = rendered(submit(webhook="https://example.com/hook"))
    cloud.events_seen()
    alter(cloud, task_id, ALTERED[name])
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 11
    assert cloud.keys("outbox/") == [f"outbox/tasks/{task_id}/error.json"]
    assert cloud.json(f"outbox/tasks/{task_id}/error.json")["details"]["code"] == "task_altered"
    task = cloud.task(task_id)
    assert (task.owner, task.webhook, task.drop_key) == (OWNER, "https://example.com/hook", None)
    ((event),) = cloud.events_seen()
    assert (event["status"], event["owner"], event["_attributes"]["owner"]) == (11, OWNER, OWNER)
    assert "drop_key" not in event and event["output"] is None


def test_an_altered_dropped_file_gets_its_error_under_its_own_name(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = rendered(drop(cloud, "inbox/mine.html"))
    alter(cloud, task_id, {"drop_key": "inbox/victim.html", "webhook": HOOK})
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 11
    assert "outbox/mine.error.json" in cloud.keys("outbox/")
    assert not [key for key in cloud.keys("outbox/") if "victim" in key or key == "outbox/mine.json"]


@pytest.mark.parametrize("name", ["owner", "dropped name and owner"])
def test_a_task_altered_while_it_ends_publishes_for_its_owner_only(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A direct write to an item need not change its version, by which other writers detect changes."""
    real = DynamoTasks.update_if_unchanged

    def update_if_unchanged(self: DynamoTasks, task: Task, changes: Any) -> Task | None:
        for field, value in ALTERED[name].items():
            cloud.dynamodb.update_item(
                TableName=TABLE,
                Key={"id": {"S": task.id}},
                UpdateExpression="SET #field = :value",
                ExpressionAttributeNames={"#field": field},
                ExpressionAttributeValues={":value": {"S": value}},
            )
        return real(self, task, changes)

    task_id = rendered(submit())
    cloud.events_seen()
    with monkeypatch.context() as patched:
        patched.setattr(DynamoTasks, "update_if_unchanged", update_if_unchanged)
        assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 11
    assert cloud.keys("outbox/") == [f"outbox/tasks/{task_id}/error.json"]
    assert [(event["status"], event["owner"]) for event in cloud.events_seen()] == [(11, OWNER)]


@pytest.mark.parametrize("has_grant", [True, False])
@pytest.mark.parametrize("name", ["dropped name and owner", "all"])
def test_a_final_state_forged_by_a_renderer_is_not_published_for_others(
    cloud: Cloud, behaviour: Behaviour, name: str, has_grant: bool
) -> None:
    """Without a grant: the task was delayed for longer than grants are kept."""
    task_id = rendered(submit(webhook="https://example.com/hook"))
    cloud.events_seen()
    output = {"key": "outbox/tasks/other/video.mp4", "bucket": "another"}
    end = {"status": 10, "output": output, "attention": "announce", "attention_at": "2020-01-01T00:00:00.000Z"}
    alter(cloud, task_id, {**ALTERED[name], **end})
    if not has_grant:
        delete_grant(cloud, task_id)
    assert call("sweep", {})["announced"] == 1
    assert not [key for key in cloud.keys("outbox/") if "victim" in key]
    assert cloud.task(task_id).status == 11
    assert [event["output"] for event in cloud.events_seen()] == [None]
    assert cloud.task(task_id).webhook == ("https://example.com/hook" if has_grant else None)


def test_a_forged_final_state_is_published_with_its_owners_files_only(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = rendered(submit())
    cloud.events_seen()
    others = {"key": "outbox/tasks/other/video.mp4", "bucket": "another", "filename": "x", "size": "1"}
    end = {"output": {**others, "poster": others}, "attention": "announce"}
    alter(cloud, task_id, {"status": 10, "attention_at": "2020-01-01T00:00:00.000Z", **end})
    assert call("sweep", {})["announced"] == 1
    (event,) = cloud.events_seen()
    record = cloud.json(f"outbox/tasks/{task_id}/result.json")
    for output in (event["output"], record["output"]):
        assert (output["key"], output["bucket"]) == (f"outbox/tasks/{task_id}/video.mp4", BUCKET)
        assert output["poster"]["key"] == f"outbox/tasks/{task_id}/poster.jpg" and output["size"] == 0


def test_object_keys_in_an_altered_draft_are_not_used(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = rendered(submit())
    cloud.put(f"outbox/tasks/{task_id}/poster.jpg", b"[a poster]")
    draft = cloud.json(f"work/{task_id}/result.json")
    others = {"key": "uploads/other/a.html", "bucket": "another", "filename": "x.exe", "content_type": "text/html"}
    draft |= {**others, "output": others["key"], "size": "many", "poster": {**others, "size": 10**12}}
    cloud.put(f"work/{task_id}/result.json", json.dumps(draft))
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 10
    output = answer("GET", f"/tasks/{task_id}")[1]["data"]["output"]
    assert f"/outbox/tasks/{task_id}/video.mp4?" in output["video"]["uri"]
    assert f"/outbox/tasks/{task_id}/poster.jpg?" in output["poster"]["uri"]
    assert (output["video"]["size"], output["poster"]["size"]) == (len(b"[whole]"), len(b"[a poster]"))
    assert (output["poster"]["content_type"], output["poster"]["filename"]) == ("image/jpeg", "poster.jpg")
    record = cloud.get(f"outbox/tasks/{task_id}/result.json").decode()
    assert "uploads/other" not in record and "another" not in record and "x.exe" not in record


def test_a_missing_poster_is_not_shown(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = rendered(submit())
    cloud.s3.delete_object(Bucket=BUCKET, Key=f"outbox/tasks/{task_id}/poster.jpg")
    draft = cloud.json(f"work/{task_id}/result.json")
    cloud.put(f"work/{task_id}/result.json", json.dumps({**draft, "poster": {"key": "outbox/a.jpg", "size": 5}}))
    call("record", {"task_id": task_id, "outcome": "completed"})
    assert "poster" not in answer("GET", f"/tasks/{task_id}")[1]["data"]["output"]


@pytest.mark.parametrize("value", ["outbox/tasks/other/video.mp4", {"key": "outbox/tasks/other/video.mp4"}, 5])
def test_file_keys_in_an_altered_item_are_not_signed(cloud: Cloud, behaviour: Behaviour, value: Any) -> None:
    task_id = submit()
    run_workflow(task_id)
    output = cloud.task(task_id).output or {}
    for field in ("key", "bucket", "filename", "content_type", "size", "poster", "expires_at"):
        alter(cloud, task_id, {"output": {**output, field: value}})
        for path in (f"/tasks/{task_id}", f"/tasks/{task_id}/files", "/tasks"):
            status, body, _ = answer("GET", path)
            assert status == 200
            assert "tasks/other" not in json.dumps(uris(body))


def uris(value: Any) -> list[str]:
    """Every `uri` in a JSON response."""
    if isinstance(value, dict):
        own = [value["uri"]] if isinstance(value.get("uri"), str) else []
        return own + [uri for inner in value.values() for uri in uris(inner)]
    return [uri for inner in value for uri in uris(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("final", [False, True])
def test_a_task_moved_to_another_owner_stays_with_its_owner(
    cloud: Cloud, behaviour: Behaviour, other: str, final: bool
) -> None:
    task_id = submit()
    theirs = answer("POST", "/apps/run", {"input": {"html": HTML}}, key=other)[1]["data"]["id"]
    if final:
        run_workflow(task_id)
    alter(cloud, task_id, {"owner": OTHER})
    for method, path in (("GET", ""), ("GET", "/files"), ("GET", "/status"), ("POST", "/cancel"), ("DELETE", "")):
        assert answer(method, f"/tasks/{task_id}{path}", key=other)[0] == 404, path
    assert [one["id"] for one in answer("GET", "/tasks", key=other)[1]["data"]["items"]] == [theirs]
    assert answer("GET", f"/tasks/{task_id}")[0] == 200
    assert answer("DELETE", f"/tasks/{task_id}")[0] == 200


@pytest.mark.parametrize("created_at", ["2999-01-01T00:00:00.000Z", "~", "0"])
def test_an_unreadable_task_under_another_owner_does_not_break_its_list(
    cloud: Cloud, other: str, created_at: str
) -> None:
    theirs = [answer("POST", "/apps/run", {"input": {"html": HTML}}, key=other)[1]["data"]["id"] for _ in range(3)]
    for nonsense in ({}, {"frames_total": "many"}, {"warnings": "x"}):
        alter(cloud, submit(), {"owner": OTHER, "created_at": created_at, **nonsense})
    seen, cursor = list[str](), ""
    for _ in range(10):
        path = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        status, body, _ = answer("POST", "/tasks/list", path, key=other)
        assert status == 200
        seen += [one["id"] for one in body["data"]["items"]]
        if not (cursor := body["data"]["next_cursor"]):
            break
    assert seen == theirs[::-1]


def test_deleting_a_task_with_uploads_deletes_no_foreign_uploads(cloud: Cloud, behaviour: Behaviour) -> None:
    for key in (f"uploads/{OWNER}/1/mine.html", f"uploads/{OWNER}/2/kept.html", f"uploads/{OTHER}/3/theirs.mp3"):
        cloud.put(key, HTML)
    for way in ("delete", "delete files"):
        cloud.put(f"uploads/{OWNER}/1/mine.html", HTML)
        task_id = submit(html=f"s3://{BUCKET}/uploads/{OWNER}/1/mine.html")
        run_workflow(task_id)
        named = {"source_key": f"uploads/{OWNER}/2/kept.html", "audio_key": f"uploads/{OTHER}/3/theirs.mp3"}
        alter(cloud, task_id, named)
        assert delete(task_id, way) == 200
        assert cloud.keys("uploads/") == sorted(named.values()), way


def test_deleting_a_task_without_a_grant_deletes_no_foreign_uploads(cloud: Cloud, behaviour: Behaviour) -> None:
    for key in (f"uploads/{OWNER}/1/mine.html", f"uploads/{OTHER}/3/theirs.mp3"):
        cloud.put(key, HTML)
    task_id = submit(html=f"s3://{BUCKET}/uploads/{OWNER}/1/mine.html")
    run_workflow(task_id)
    alter(cloud, task_id, {"audio_key": f"uploads/{OTHER}/3/theirs.mp3", "owner": OTHER})
    delete_grant(cloud, task_id)
    assert delete(task_id, "delete") == 200
    assert cloud.keys("uploads/") == [f"uploads/{OTHER}/3/theirs.mp3"]


def delete(task_id: str, way: str) -> int:
    if way == "delete":
        return ask("DELETE", f"/tasks/{task_id}", {"files": "true"})[0]
    return ask("DELETE", f"/tasks/{task_id}/files")[0]


def test_deleting_results_keeps_the_results_of_dropped_files(cloud: Cloud, behaviour: Behaviour) -> None:
    run_workflow(drop(cloud, "inbox/victim.html"))
    results = cloud.keys("outbox/victim")
    assert len(results) == 2
    for way in ("delete files", "delete"):
        task_id = submit()
        run_workflow(task_id)
        alter(cloud, task_id, ALTERED["dropped name"])
        assert delete(task_id, way) == 200
        assert cloud.keys("outbox/victim") == results and not cloud.keys(f"outbox/tasks/{task_id}/video")


@pytest.mark.parametrize("name", ALTERED)
def test_the_webhook_of_an_altered_task_reports_failure_to_its_owner(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, name: str
) -> None:
    """The task is altered after `record`, while its function still runs."""
    task_id = ended_task(receiver)
    alter(cloud, task_id, ALTERED[name])
    assert call("notify", message(task_id)) == FINE
    ((headers, body),) = receiver.got
    payload = verify(KmsSecrets(cloud.secret, kms=cloud.kms).secrets(OWNER)[0], headers, body)
    assert (payload["status"], payload["output"]) == (11, None)
    assert "cannot be trusted" in payload["error"] and "victim" not in body.decode()


def test_a_webhook_added_to_a_task_is_not_delivered(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = submit()
    run_workflow(task_id)
    alter(cloud, task_id, {"webhook": receiver.url, "owner": OTHER})
    assert call("notify", message(task_id)) == FINE
    assert receiver.got == []


def test_a_webhook_of_a_task_without_a_grant_is_not_delivered(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = ended_task(receiver)
    delete_grant(cloud, task_id)
    assert call("notify", message(task_id)) == FINE
    assert receiver.got == []


def test_a_task_without_a_grant_is_shown_as_before(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit(webhook="https://example.com/hook")
    run_workflow(task_id)
    before = answer("GET", f"/tasks/{task_id}")[1]["data"]
    delete_grant(cloud, task_id)
    after = answer("GET", f"/tasks/{task_id}")[1]["data"]
    assert after["status"] == 10 and after["webhook"] == "https://example.com/hook"
    assert after["output"]["video"]["filename"] == before["output"]["video"]["filename"]
    assert call("sweep", {}) == {"cleaned": 1}
    assert answer("GET", f"/tasks/{task_id}")[1]["data"]["status"] == 10


def test_showing_and_streaming_a_task_reads_only_its_item(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = submit()
    run_workflow(task_id)
    read: list[str] = []
    dynamodb = boto3.client("dynamodb", REGION)
    real = dynamodb.get_item

    def get_item(**given: Any) -> Any:
        read.append(given["Key"]["id"]["S"])
        return real(**given)

    monkeypatch.setattr(dynamodb, "get_item", get_item)
    for path in (f"/tasks/{task_id}", f"/tasks/{task_id}/status", "/tasks"):
        assert answer("GET", path)[0] == 200
    assert not [one for one in read if one.startswith("access#")]


@pytest.mark.parametrize(
    "address", ["file:///proc/self/environ", "chrome://version", "javascript:1", "composition.html"]
)
def test_a_page_is_opened_only_at_a_web_address(cloud: Cloud, behaviour: Behaviour, address: str) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    alter(cloud, task_id, {"source_address": address})
    seen = len(behaviour.seen)
    for event in ({"whole": True}, {"index": 0, "first": 0, "count": 1}):
        with pytest.raises(Exception, match="no web address"):
            call("render_chunk", {"task_id": task_id, **event})
    assert len(behaviour.seen) == seen
