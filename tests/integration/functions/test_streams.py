"""GET /tasks/{task_id}/stream: content, timing and the limit of open streams."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from hyperframes_render.api import streams
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.errors import ServiceFailed
from hyperframes_render.functions import stream
from hyperframes_render.functions.support import adapters as wiring
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.model import TaskStatus
from tests.integration.functions.cloud import HTML, KEY, OWNER, TABLE, Cloud, answer, call, run_workflow, submit
from tests.integration.functions.engine import Behaviour
from tests.integration.functions.streaming import NDJSON, SSE, Streaming, lines
from tests.waiting import wait_for


def end_soon(cloud: Cloud, task_id: str, after: float = 0.5) -> threading.Thread:
    """Count frames and then end the task, from another thread, within `after` seconds."""

    def run() -> None:
        for frames in range(1, 6):
            time.sleep(after / 6)
            cloud.tasks.add_frames(task_id, frames)
        time.sleep(after / 6)
        cloud.tasks.update_if_unchanged(cloud.task(task_id), {"status": TaskStatus.CANCELLED})

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_every_change_is_a_line_and_the_last_is_final(cloud: Cloud, behaviour: Behaviour, streaming: Streaming) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    thread = end_soon(cloud, task_id)
    answer = streaming.client().get(f"/tasks/{task_id}/stream", headers=NDJSON)
    thread.join()
    assert answer.headers["content-type"] == "application/x-ndjson"
    seen = lines(answer.text)
    done = [line["output"]["progress"]["frames_done"] for line in seen[:-1]]
    assert done == sorted(done) and len(set(done)) >= 4
    assert seen[-1]["status"] == 12 and all("data" not in line for line in seen)


def test_server_sent_events_are_update_and_done(cloud: Cloud, behaviour: Behaviour, streaming: Streaming) -> None:
    task_id = submit()
    run_workflow(task_id)
    answer = streaming.client().get(f"/v1/tasks/{task_id}/stream", headers=SSE)
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = [line.partition(": ")[2] for line in answer.text.splitlines() if line.startswith("event")]
    assert names == ["update", "done"]
    data = [json.loads(line.partition(": ")[2]) for line in answer.text.splitlines() if line.startswith("data")]
    assert "X-Amz-Signature" in data[-1]["output"]["video"]["uri"]


def test_an_idle_stream_sends_heartbeats_and_repeats_the_task(cloud: Cloud, streaming: Streaming) -> None:
    task_id = submit()
    client = streaming.client(heartbeat=0.1, repeat=0.35, longest=1.0)
    seen = lines(client.get(f"/tasks/{task_id}/stream", headers=NDJSON).text)
    beats = [line for line in seen if line.get("type") == "heartbeat"]
    assert len(beats) >= 3 and len(seen) - len(beats) >= 3


def test_a_failed_task_ends_the_stream_with_its_message(
    cloud: Cloud, behaviour: Behaviour, streaming: Streaming
) -> None:
    task_id = submit()
    call("record", {"task_id": task_id, "outcome": "failed", "error": {"Error": "BrowserFailed", "Cause": "{}"}})
    seen = lines(streaming.client().get(f"/tasks/{task_id}/stream", headers=NDJSON).text)
    assert seen[-1]["status"] == 11 and seen[-1]["error_code"] == "browser_failed"
    assert "event: error" in streaming.client().get(f"/tasks/{task_id}/stream", headers=SSE).text


def test_without_streaming_the_request_is_held_and_redirected(cloud: Cloud, streaming: Streaming) -> None:
    task_id = submit()
    client = streaming.client(live=False, hold=0.3)
    began = time.monotonic()
    answer = client.get(f"/tasks/{task_id}/stream", headers=NDJSON, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "stream")
    assert time.monotonic() - began >= 0.3
    thread = end_soon(cloud, task_id, after=1.0)
    followed = client.get(f"/tasks/{task_id}/stream", headers=NDJSON)
    thread.join()
    assert followed.history and lines(followed.text)[-1]["status"] == 12


OTHER_KEY = "hf_live_other"


def two_keys(cloud: Cloud) -> list[tuple[str, dict[str, str]]]:
    """The path of a stream and the request headers, for each of two keys."""
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record(OTHER_KEY, "other"))
    asked = []
    for key in (KEY, OTHER_KEY):
        status, body, _ = answer("POST", "/apps/run", {"input": {"html": HTML}}, key=key)
        assert status == 200, body
        asked.append((f"/tasks/{body['data']['id']}/stream", {**NDJSON, "Authorization": f"Bearer {key}"}))
    return asked


def all_at_once(client: TestClient, asked: list[tuple[str, dict[str, str]]]) -> list[Any]:
    """The responses to requests that were sent at the same time."""
    answers: list[Any] = [None] * len(asked)

    def ask(number: int) -> None:
        path, headers = asked[number]
        answers[number] = client.get(path, headers=headers)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_streams_beyond_the_limit_get_429(cloud: Cloud, streaming: Streaming) -> None:
    one, other = two_keys(cloud)
    client = streaming.client(limit=2, longest=1.0)
    answers = all_at_once(client, [one, other, one, other, one])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "10" and "GET /tasks/{id}" in refused.json()["detail"]
    for path, headers in (one, other):
        assert client.get(path, headers=headers).status_code == 200, "ended streams make room"


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_a_key_can_open_at_most_half_of_the_streams(cloud: Cloud, streaming: Streaming, limit: int, share: int) -> None:
    one, other = two_keys(cloud)
    client = streaming.client(limit=limit, longest=2.0)
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.extend(all_at_once(client, [one] * (limit + 1))))
    first.start()
    time.sleep(1.0)
    late = client.get(other[0], headers=other[1])
    first.join()
    assert sorted(answer.status_code for answer in answers) == [200] * share + [429] * (limit + 1 - share)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert f"This key has {share} open streams" in refused.json()["detail"]
    assert late.status_code == (200 if limit > 1 else 429)


def test_a_refused_stream_does_not_keep_its_keys_lease(cloud: Cloud, streaming: Streaming) -> None:
    one, other = two_keys(cloud)
    store = DynamoExpiringStore(TABLE, cloud.dynamodb)
    assert store.take_lease("open-streams", "somebody", 1, int(time.time()) + 60)
    client = streaming.client(limit=1, longest=0.2)
    assert client.get(one[0], headers=one[1]).status_code == 429
    store.release_lease("open-streams", "somebody")
    assert client.get(one[0], headers=one[1]).status_code == 200
    assert client.get(other[0], headers=other[1]).status_code == 200


def test_both_leases_of_a_long_stream_are_renewed_and_end_with_it(
    cloud: Cloud, streaming: Streaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_RENEW_SECONDS", 0.1)
    store = DynamoExpiringStore(TABLE, cloud.dynamodb)
    task_id = submit()

    def ends() -> list[int]:
        names = ("open-streams", f"open-streams#{OWNER}")
        return [end for name in names for end in store.lease_holders(name).values()]

    client, path = streaming.client(limit=2), f"/tasks/{task_id}/stream"
    thread = threading.Thread(target=lambda: client.get(path, headers=NDJSON))
    thread.start()
    began = wait_for(lambda: now if len(now := ends()) == 2 else None, seconds=20, what="two leases")
    wait_for(lambda: all(end > max(began) for end in ends()), seconds=20, what="both leases to be renewed")
    cloud.tasks.update_if_unchanged(cloud.task(task_id), {"status": TaskStatus.CANCELLED})
    thread.join()
    assert ends() == []


def test_the_lease_of_a_crashed_environment_expires(cloud: Cloud) -> None:
    store = DynamoExpiringStore(TABLE, cloud.dynamodb)
    now = int(time.time())
    assert store.take_lease("streams", "dead", 1, now - 1)
    assert store.take_lease("streams", "alive", 1, now + 60)
    assert not store.take_lease("streams", "third", 1, now + 60)
    assert store.take_lease("streams", "alive", 1, now + 90), "renewed"
    assert store.lease_holders("streams") == {"alive": now + 90}


def test_a_stream_of_anothers_task_is_404_and_without_a_key_401(cloud: Cloud, streaming: Streaming) -> None:
    DynamoKeys(TABLE, cloud.dynamodb).put(make_record("other key", "other"))
    task_id = submit()
    client = streaming.client()
    path = f"/tasks/{task_id}/stream"
    assert client.get(path, headers={"Authorization": "Bearer other key"}).status_code == 404
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(("account", "open_streams", "limit"), [(1000, 0, 250), (10, 0, 2), (3, 0, 1), (10, 7, 7)])
def test_streams_use_a_quarter_of_the_concurrency_by_default(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, account: int, open_streams: int, limit: int
) -> None:
    monkeypatch.setattr(wiring, "unreserved_concurrency", lambda: account)
    monkeypatch.setenv("OPEN_STREAMS", str(open_streams))
    assert stream._streams().policy.limit == limit


def test_with_an_unknown_limit_streams_are_limited_as_in_a_new_account(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise ServiceFailed("Reading the account's concurrency failed: AccessDenied.")

    monkeypatch.setattr(wiring, "unreserved_concurrency", refused)
    assert stream._streams().policy.limit == 2
