"""Webhooks: signatures, public addresses, and retries by the schedule with an unchanged body."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from hyperframes_render.aws.events import SqsQueue
from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.errors import ServiceFailed
from hyperframes_render.network.post import Answer, post
from tests.integration.functions.cloud import OWNER, Cloud, answer, call, dropped, run_workflow, submit
from tests.integration.functions.conftest import clear_caches
from tests.integration.functions.engine import Behaviour
from tests.integration.functions.webhooks import FINE, Receiver, ended_task, message, verify


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds for which each failed message was hidden."""
    seconds: list[int] = []
    monkeypatch.setattr(SqsQueue, "postpone", lambda self, receipt, wait: seconds.append(wait))
    return seconds


def test_a_webhook_is_flat_signed_and_has_a_fresh_video_address(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = ended_task(receiver)
    assert call("notify", message(task_id)) == FINE
    ((headers, body),) = receiver.got
    payload = verify(KmsSecrets(cloud.secret, kms=cloud.kms).secrets(OWNER)[0], headers, body)
    assert set(payload) == {"id", "status", "output", "error", "session_id", "created_at", "updated_at"}
    assert (payload["id"], payload["status"], payload["error"]) == (task_id, 10, None)
    assert "X-Amz-Signature" in payload["output"]["video"]["uri"] and payload["output"]["uris_expire_at"]
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == f"evt_{task_id}_10"
    assert "authorization" not in headers


def test_a_failure_is_reported_in_one_sentence(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    behaviour.duration = 5000.0
    task_id = ended_task(receiver)
    assert call("notify", message(task_id)) == FINE
    payload = json.loads(receiver.got[0][1])
    assert payload["status"] == 11 and "MaxDurationSeconds" in payload["error"] and payload["output"] is None


def test_dropped_files_are_signed_with_the_stacks_own_secret(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    cloud.put("inbox/a.render.json", json.dumps({"webhook": receiver.url}))
    assert call("drop", dropped(cloud, "inbox/a.html", '<div data-composition-id="a"></div>')) == FINE
    (task_id,) = cloud.all_tasks()
    run_workflow(task_id)
    assert call("notify", message(task_id)) == FINE
    vault = KmsSecrets(cloud.secret, kms=cloud.kms)
    assert verify(vault.secrets("drop")[0], *receiver.got[0])["id"] == task_id
    assert vault.secrets("drop") != vault.secrets(OWNER)


def test_after_a_rotation_both_secrets_verify_until_the_overlap_ends(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = ended_task(receiver)
    vault = KmsSecrets(cloud.secret, cloud.tasks.secret_versions, cloud.kms)
    (old,) = vault.secrets(OWNER)
    assert cloud.tasks.rotate_secret(OWNER, overlap=86400) == 2
    new = vault.secrets(OWNER)[0]
    assert new != old
    assert call("notify", message(task_id)) == FINE
    for secret in (old, new):
        assert verify(secret, *receiver.got[0])["id"] == task_id
    assert cloud.tasks.rotate_secret(OWNER, overlap=0) == 3
    assert len(vault.secrets(OWNER)) == 1


def test_no_webhook_is_sent_for_deleted_tasks_or_without_one(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    run_workflow(task_id)
    assert call("notify", message(task_id)) == FINE
    assert call("notify", message("gone")) == FINE


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 502, 503])
def test_only_2xx_counts_and_a_redirect_is_not_followed(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int], status: int
) -> None:
    task_id = ended_task(receiver)
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    answered = call("notify", message(task_id))
    assert [item["itemIdentifier"] for item in answered["batchItemFailures"]] == [
        message("")["Records"][0]["messageId"]
    ]
    assert len(receiver.got) == 1
    assert 4 <= waits[0] <= 6, "five seconds, a fifth more or less"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_counts(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int], status: int
) -> None:
    task_id = ended_task(receiver)
    receiver.status = status
    assert call("notify", message(task_id)) == FINE and waits == []


def test_status_410_ends_the_retries(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int]
) -> None:
    task_id = ended_task(receiver)
    receiver.status = 410
    assert call("notify", message(task_id)) == FINE and waits == []


def test_retry_after_is_honoured_up_to_the_limit_of_sqs(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int]
) -> None:
    task_id = ended_task(receiver)
    receiver.status = 503
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for value in ("120", in_an_hour, "999999999", "soon", "-5"):
        receiver.headers = {"Retry-After": value}
        call("notify", message(task_id))
    assert waits[0] == 120 and 3500 < waits[1] <= 3600 and waits[2] == 43_000
    assert all(4 <= wait <= 6 for wait in waits[3:])


def test_a_retry_has_the_same_id_and_body_and_a_new_signature(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int]
) -> None:
    task_id = ended_task(receiver)
    receiver.status = 500
    for attempt in (1, 2):
        call("notify", message(task_id, attempt))
    (first, one), (second, other) = receiver.got
    assert first["webhook-id"] == second["webhook-id"]
    assert json.loads(one)["updated_at"] == json.loads(other)["updated_at"]
    secret = KmsSecrets(cloud.secret, kms=cloud.kms).secrets(OWNER)[0]
    assert verify(secret, first, one) and verify(secret, second, other)


def test_after_the_last_attempt_the_message_is_dead_lettered_at_once(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int]
) -> None:
    task_id = ended_task(receiver)
    receiver.status = 500
    for attempt in (1, 2, 3):
        assert call("notify", message(task_id, attempt)) != FINE
    assert 4 <= waits[0] <= 6 and 48 <= waits[1] <= 72 and waits[2] == 0


def test_one_bad_receiver_does_not_repeat_the_webhooks_of_the_others(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver, waits: list[int]
) -> None:
    good = ended_task(receiver)
    bad = submit(webhook="http://127.0.0.1:1/closed")
    run_workflow(bad)
    both = {"Records": [message(bad)["Records"][0], {**message(good)["Records"][0], "messageId": "good"}]}
    both["Records"].append({**message(good)["Records"][0], "messageId": "poison", "body": "{"})
    answered = call("notify", both)
    failed = {item["itemIdentifier"] for item in answered["batchItemFailures"]}
    assert failed == {"poison", message(bad)["Records"][0]["messageId"]}
    assert len(receiver.got) == 1


def test_the_message_is_hidden_in_the_real_queue(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = ended_task(receiver)
    receiver.status = 500
    cloud.sqs.send_message(QueueUrl=cloud.webhook_queue, MessageBody=message(task_id)["Records"][0]["body"])
    (held,) = cloud.sqs.receive_message(QueueUrl=cloud.webhook_queue, VisibilityTimeout=0)["Messages"]
    event = message(task_id)
    event["Records"][0]["receiptHandle"] = held["ReceiptHandle"]
    assert call("notify", event) != FINE
    assert "Messages" not in cloud.sqs.receive_message(QueueUrl=cloud.webhook_queue)


def test_private_addresses_are_also_refused_at_delivery(
    cloud: Cloud, behaviour: Behaviour, receiver: Receiver, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    clear_caches()
    task_id = ended_task(receiver)  # accepted while private addresses were allowed
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "false")
    clear_caches()
    assert call("notify", message(task_id)) != FINE
    assert receiver.got == [] and waits


def test_a_host_name_that_changed_to_a_private_address_is_refused(
    cloud: Cloud, behaviour: Behaviour, waits: list[int], public_names: dict[str, str]
) -> None:
    task_id = submit(webhook="https://rebinding.example.com/hook")
    run_workflow(task_id)
    public_names["rebinding.example.com"] = "127.0.0.1"
    assert call("notify", message(task_id)) != FINE
    assert waits


def test_a_failed_aws_call_is_retried_like_a_failed_receiver(
    cloud: Cloud,
    behaviour: Behaviour,
    private: None,
    receiver: Receiver,
    waits: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise ServiceFailed("Making a webhook secret failed: KMSInternalException.")

    task_id = ended_task(receiver)
    monkeypatch.setattr(KmsSecrets, "secrets", fail)
    assert call("notify", message(task_id, attempt=2)) != FINE
    assert receiver.got == [] and 48 <= waits[0] <= 72


def test_a_public_host_name_with_a_private_address_is_refused(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    answered = post(f"http://localhost:{port}/hook", b"{}", {})
    assert answered == Answer(0, '"localhost" is not a public address') and receiver.got == []


def test_a_receiver_that_never_answers_times_out() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answered = post(url, b"{}", {}, allow_private=True, timeout=0.3)
    assert answered.status == 0 and "no answer within 0.3 s" in answered.reason


@pytest.mark.parametrize("url", ["ftp://example.com/", "https://", "http://[::1", "http://127.0.0.1:99999/"])
def test_a_bad_webhook_address_raises_no_exception(url: str) -> None:
    assert post(url, b"{}", {}, allow_private=True).status == 0


def test_metadata_and_secrets_stay_out_of_a_webhooks_body(
    cloud: Cloud, behaviour: Behaviour, private: None, receiver: Receiver
) -> None:
    task_id = ended_task(receiver)
    call("notify", message(task_id))
    assert "whsec_" not in receiver.got[0][1].decode()
    assert "whsec_" not in json.dumps(answer("GET", f"/tasks/{task_id}")[1])
