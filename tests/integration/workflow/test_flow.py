"""From a dropped file or a request to the video, its record and its webhook, through the deployed stack."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.aws.tasks import DynamoTasks
from hyperframes_render.local.deploy import local_client
from hyperframes_render.tasks.grants import record_grant
from hyperframes_render.tasks.keys import hash_key, owner_of
from tests.integration.workflow.receiver import receiving
from tests.integration.workflow.stack import KEY, Stack, composition
from tests.waiting import wait_for


def drop(stack: Stack, name: str, body: str) -> None:
    stack.client("s3").put_object(Bucket=stack.bucket, Key=f"inbox/{name}", Body=body.encode())


def queue_length(stack: Stack, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[queue], AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_a_dropped_file_with_a_sidecar_gets_a_video_and_a_webhook(stack: Stack) -> None:
    stem = f"näch ste+1/promo {uuid.uuid4().hex[:6]}"
    with receiving(500, 200) as receiver:
        drop(stack, f"{stem}.html", composition("dropped", frames=25))
        drop(stack, f"{stem}.render.json", json.dumps({"fps": 25, "webhook": receiver.url}))
        record = f"outbox/{stem}.json"
        wait_for(lambda: stack.keys(record), seconds=30, what=record)
        wait_for(lambda: len(receiver.requests) >= 2, seconds=20, what="the webhook's second try")
    assert stack.keys(f"outbox/{stem}.mp4")
    assert stack.read_json(record)["output"]["frames"] == 25
    (first, _), (second, body) = receiver.requests[:2]
    assert first["webhook-id"] == second["webhook-id"]
    kms = local_client("kms", stack.endpoint)
    secret = KmsSecrets(stack.outputs["WebhookSecretKeyArn"], kms=kms).secrets("drop")[0]
    message: Any = Webhook(secret).verify(body, second)
    assert message["status"] == 10
    assert httpx.get(message["output"]["video"]["uri"]).content == b"[whole]"


def test_the_same_event_twice_renders_once(stack: Stack) -> None:
    stem = f"again {uuid.uuid4().hex[:6]}"
    html = composition("event twice")
    drop(stack, f"{stem}.html", html)
    found = stack.client("s3").head_object(Bucket=stack.bucket, Key=f"inbox/{stem}.html")
    wait_for(lambda: stack.keys(f"outbox/{stem}.json"), seconds=30, what="the record")
    task_id = stack.read_json(f"outbox/{stem}.json")["id"]
    before = stack.task(task_id)
    event = {
        "detail": {
            "bucket": {"name": stack.bucket},
            "object": {
                "key": f"inbox/{stem}.html",
                "etag": found["ETag"].strip('"'),
                "size": found["ContentLength"],
                "sequencer": before["drop_order"]["S"] if "drop_order" in before else "0",
            },
        }
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["DropQueueUrl"], MessageBody=json.dumps(event), DelaySeconds=0
    )
    wait_for(lambda: queue_length(stack, "DropQueueUrl") == 0, seconds=30, what="an empty drop queue")
    assert stack.engine_calls(html, "make_plan") == 1


def test_a_bad_file_gets_an_error_record(stack: Stack) -> None:
    stem = f"bad {uuid.uuid4().hex[:6]}"
    drop(stack, f"{stem}.render.json", '{"fps": 25,\n "width": }')
    drop(stack, f"{stem}.html", composition("bad sidecar"))
    wait_for(lambda: stack.keys(f"outbox/{stem}.error.json"), seconds=30, what="the error record")
    assert "line 2" in stack.read_json(f"outbox/{stem}.error.json")["error"]
    assert not stack.keys(f"outbox/{stem}.json")


@pytest.mark.slow
def test_an_unreadable_message_becomes_a_dead_letter_and_blocks_no_other(stack: Stack) -> None:
    sqs = stack.client("sqs")
    url = stack.outputs["DropQueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    try:
        sqs.send_message(QueueUrl=url, MessageBody="{this is no event", DelaySeconds=0)
        stem = f"beside {uuid.uuid4().hex[:6]}"
        drop(stack, f"{stem}.html", composition("beside the poison"))
        wait_for(lambda: stack.keys(f"outbox/{stem}.json"), seconds=30, what="the other file's record")
        wait_for(lambda: queue_length(stack, "DropDeadLettersUrl") == 1, seconds=30, what="the dead letter")
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "360"})
        sqs.purge_queue(QueueUrl=stack.outputs["DropDeadLettersUrl"])


def test_an_undelivered_webhook_becomes_a_dead_letter(stack: Stack) -> None:
    with receiving(500) as receiver:
        task_id = stack.submit(composition("unheard"), webhook=receiver.url)
        wait_for(lambda: queue_length(stack, "WebhookDeadLettersUrl") == 1, seconds=40, what="the dead letter")
    # One attempt more than there are waiting times.
    assert len(receiver.requests) == 4
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {receiver.requests[0][0]["webhook-id"]}
    assert json.loads(receiver.requests[0][1])["id"] == task_id
    stack.client("sqs").purge_queue(QueueUrl=stack.outputs["WebhookDeadLettersUrl"])


def copy_of_a_task(stack: Stack, html: str, **changes: dict[str, str]) -> str:
    """Write a task as the API does, with changed fields and without an execution. Returns its id."""
    item = stack.final(stack.submit(composition("template of a task")))
    fresh = uuid.uuid4().hex[:30]
    work = f"work/{fresh}/source.html"
    stack.client("s3").put_object(Bucket=stack.bucket, Key=work, Body=html.encode())
    kept = ("owner", "created_at", "updated_at", "app", "html", "input", "request")
    facts = {"id": {"S": fresh}, "status": {"N": "2"}, "version": {"N": "1"}, "source_key": {"S": work}}
    due = {"attention_at": {"S": "2026-01-01T00:00:00.000Z"}}
    task = {name: item[name] for name in kept if name in item} | facts | due | changes
    stack.client("dynamodb").put_item(TableName=stack.table, Item=task)
    written = DynamoTasks(stack.table, stack.client("dynamodb")).get(fresh)
    assert written is not None
    record_grant(DynamoExpiringStore(stack.table, stack.client("dynamodb")), written)
    return fresh


def test_sweep_starts_an_accepted_task_that_never_started(stack: Stack) -> None:
    task_id = copy_of_a_task(stack, composition("forgotten"), attention={"S": "start"})
    stack.sweep()
    assert stack.final(task_id)["status"]["N"] == "10"


def test_sweep_fails_a_task_whose_workflow_ends_repeatedly(stack: Stack) -> None:
    task_id = copy_of_a_task(stack, composition("lost"), attention={"S": "run"}, status={"N": "7"}, starts={"N": "3"})
    stack.sweep()
    assert stack.final(task_id)["status"]["N"] == "11"
    assert stack.keys(f"outbox/tasks/{task_id}/") == [f"outbox/tasks/{task_id}/error.json"]
    wait_for(lambda: [e for e in stack.events(task_id) if e["status"] == 11], seconds=10, what="the final event")


@pytest.mark.parametrize("function", ["sweep", "record"])
def test_an_unpublished_final_event_is_published_with_the_same_id(stack: Stack, function: str) -> None:
    """Publishing failed, or the function ended between writing the final state and its event."""
    task_id = stack.submit(composition("untold"))
    stack.final(task_id)
    wait_for(lambda: final_events(stack, task_id), seconds=10, what="the final event")
    wait_for(lambda: stack.task(task_id).get("attention", {}).get("S") == "clean", seconds=10, what="the end of record")
    stack.client("dynamodb").update_item(
        TableName=stack.table,
        Key={"id": {"S": task_id}},
        UpdateExpression="SET attention = :announce, attention_at = :past, version = version + :one",
        ExpressionAttributeValues={
            ":announce": {"S": "announce"},
            ":past": {"S": "2026-01-01T00:00:00.000Z"},
            ":one": {"N": "1"},
        },
    )
    if function == "sweep":
        stack.sweep()
    else:
        event = json.dumps({"task_id": task_id, "outcome": "completed"})
        stack.client("lambda").invoke(FunctionName="hyperframes-render-record", Payload=event)
    wait_for(lambda: len(final_events(stack, task_id)) == 2, seconds=10, what="the final event again")
    assert len({event["event_id"] for event in final_events(stack, task_id)}) == 1
    results = sorted(key.rpartition("/")[2] for key in stack.keys(f"outbox/tasks/{task_id}/"))
    assert results == ["result.json", "video.mp4"]


def final_events(stack: Stack, task_id: str) -> list[dict[str, Any]]:
    return [event for event in stack.events(task_id) if event["status"] == 10]


def test_each_key_has_another_webhook_secret(stack: Stack) -> None:
    vault = KmsSecrets(stack.outputs["WebhookSecretKeyArn"], kms=local_client("kms", stack.endpoint))
    assert vault.secrets("drop") != vault.secrets(owner_of(hash_key(KEY)))
