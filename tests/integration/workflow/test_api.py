"""The API through the deployed gateway and functions with their roles. Streams run through AWS's RIE."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from inferencesh import inference

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.tasks.keys import make_record
from tests.integration.workflow.gateway import streaming_gateway
from tests.integration.workflow.stack import KEY, Stack, composition
from tests.serving import QuietHandler, serving

APP = "infsh/hyperframes-render"


def test_an_upload_must_match_its_signature(stack: Stack) -> None:
    html = composition("uploaded").encode()
    wanted = {"filename": "page.html", "content_type": "text/html", "size": len(html)}
    status, answer = stack.gateway("POST", "/files", {"files": [wanted]})
    assert status == 200, answer
    (file,) = answer["data"]
    headers = {"Content-Type": "text/html"}
    other = httpx.put(file["upload_url"], content=html + b"more", headers=headers)
    assert other.status_code == 403, "another length"
    assert httpx.put(file["upload_url"], content=html, headers={"Content-Type": "text/plain"}).status_code == 403
    assert httpx.put(file["upload_url"], content=html, headers=headers).status_code == 200
    task_id = stack.submit(file["uri"])
    assert stack.final(task_id)["status"]["N"] == "10"
    # Variables may refer to uploads, too. Deleting a task with its files deletes them.
    named = stack.gateway("POST", "/apps/run", {"input": {"html": file["uri"], "variables": {"page": file["uri"]}}})
    assert stack.final(named[1]["data"]["id"])["status"]["N"] == "10"
    assert stack.gateway("DELETE", f"/tasks/{task_id}?files=true")[0] == 200
    assert not stack.keys(file["uri"].partition(f"{stack.bucket}/")[2])


def test_a_page_reaches_only_signed_urls_of_the_emulator(stack: Stack) -> None:
    html = composition("uploaded by a page").encode()
    wanted = {"filename": "page.html", "content_type": "text/html", "size": len(html)}
    (file,) = stack.gateway("POST", "/files", {"files": [wanted]})[1]["data"]
    page = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    preflight = httpx.options(file["upload_url"], headers={**page, **asked})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
    put = httpx.put(file["upload_url"], content=html, headers={"Content-Type": "text/html", **page})
    assert (put.status_code, put.headers["access-control-allow-origin"]) == (200, "*")
    task_id = stack.submit(file["uri"])
    assert stack.final(task_id)["status"]["N"] == "10"
    (result,) = stack.gateway("GET", f"/tasks/{task_id}/files?role=output")[1]["data"]
    assert httpx.get(result["uri"], headers=page).content == b"[whole]"

    made_up = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20260101/us-east-1/sqs/aws4_request"
    made_up += "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    listing = f"{stack.endpoint}/?Action=ListQueues&Version=2012-11-05&{made_up}"
    assert "ListQueuesResult" in (found := httpx.get(listing).text), found
    port = stack.emulator.settings.port
    for refused in (
        httpx.get(listing, headers=page),
        httpx.get(listing, headers={"Host": f"rebound.example:{port}"}),
        httpx.post(f"{stack.endpoint}/_ministack/reset"),
        httpx.put(f"{stack.endpoint}/{stack.bucket}/inbox/page.html", content=html, headers=page),
    ):
        assert refused.status_code == 403 and refused.headers["content-type"].startswith("text/plain"), refused.text
    assert stack.task(task_id), "nothing was reset"


def test_lists_cancel_delete_and_files_through_the_gateway(stack: Stack) -> None:
    done, running = stack.submit(composition("done")), stack.submit(composition("running", seconds_per_frame=1))
    stack.final(done)
    ids = [task["id"] for task in stack.gateway("GET", "/tasks")[1]["data"]["items"]]
    assert {done, running} <= set(ids)
    files = stack.gateway("GET", f"/tasks/{done}/files")[1]["data"]
    assert httpx.get(files[0]["uri"]).content == b"[whole]"
    assert stack.gateway("POST", f"/tasks/{running}/cancel")[1]["data"]["status"] == 8
    assert stack.final(running)["status"]["N"] == "12"
    assert stack.gateway("DELETE", f"/tasks/{done}")[0] == 200
    assert not stack.keys(f"outbox/tasks/{done}/")
    # A task whose source still exists, to check that its source is deleted, too.
    queued = stack.submit(composition("deleted at work", seconds_per_frame=1))
    assert stack.gateway("DELETE", f"/v1/tasks/{queued}")[0] == 200
    assert stack.gateway("GET", f"/tasks/{queued}")[0] == 404


def test_a_dry_run_goes_through_the_workflow_without_rendering(stack: Stack) -> None:
    html = composition("dry", chunks=3)
    status, answer = stack.gateway("POST", "/apps/run", {"input": {"html": html, "dry_run": True}})
    assert status == 200
    task_id = answer["data"]["id"]
    assert stack.final(task_id)["status"]["N"] == "10"
    assert stack.gateway("GET", f"/tasks/{task_id}")[1]["data"]["output"]["chunks"] == 3
    assert stack.engine_calls(html, "render_chunk 0") == 0


@pytest.mark.parametrize(("path", "method"), [("/apps/run", "POST"), ("/v1/files", "POST"), ("/tasks/x/stream", "GET")])
def test_the_gateway_passes_a_preflight_to_the_function(stack: Stack, path: str, method: str) -> None:
    """Uses the gateway's host name, because the emulator itself answers preflights for the gateway's path."""
    port = stack.emulator.settings.port
    headers = {
        "Host": f"{stack.outputs['ApiId']}.execute-api.localhost:{port}",
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
    }
    answer = httpx.options(f"{stack.endpoint}/live{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-max-age"] == "3600"
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_the_emulators_gateway_returns_a_stream_as_one_response(stack: Stack) -> None:
    # The function's first call takes seconds on a busy machine. A short task would end before its stream takes a lease.
    assert stack.gateway("GET", "/tasks/none/stream")[0] == 404
    task_id = stack.submit(composition("streamed whole", frames=10, seconds_per_frame=0.3))
    url = f"{stack.endpoint}/restapis/{stack.outputs['ApiId']}/live/_user_request_/tasks/{task_id}/stream"
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/x-ndjson"}
    lines = httpx.get(url, headers=headers, timeout=60).text.splitlines()
    last = json.loads(lines[-1])
    assert last["status"] == 10
    # Signed with the role of the stream function.
    assert httpx.get(last["output"]["video"]["uri"]).content == b"[whole]"


def test_the_unchanged_client_sees_progress_while_it_renders(stack: Stack, tmp_path: Path) -> None:
    with streaming_gateway(stack, tmp_path) as url:
        # The function's first call takes seconds on a busy machine. A short render would end during this time.
        assert httpx.get(f"{url}/tasks/none/stream", headers={"Authorization": f"Bearer {KEY}"}).status_code == 404
        client = inference(api_key=KEY, base_url=url)
        html = composition("watched", frames=60, seconds_per_frame=0.2)
        seen: list[tuple[float, Any]] = []
        for update in client.run({"app": APP, "input": {"html": html}}, stream=True):
            seen.append((time.monotonic(), update))
    progress = [u["output"]["progress"] for _, u in seen if (u.get("output") or {}).get("progress")]
    moving = {entry["frames_done"] for entry in progress if entry["phase"] == "render"}
    assert len(moving) >= 10, progress
    assert seen[-1][1]["status"] == 10
    assert seen[-1][0] - seen[0][0] > 8, "the lines came one after the other, not at the end"


class AccountOfTen(QuietHandler):
    """GetAccountSettings of an account with a concurrency of ten, which the emulator does not limit."""

    def do_GET(self) -> None:
        """Answer GetAccountSettings."""
        body = json.dumps({"AccountLimit": {"UnreservedConcurrentExecutions": 10}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.slow
def test_with_a_limit_of_ten_each_client_finishes_or_gets_429(stack: Stack, tmp_path: Path) -> None:
    """Ten clients stream at once. Two streams open, one for each key; the other clients get 429. Every render ends."""
    keys = (KEY, f"{KEY}_other")
    DynamoKeys(stack.table, stack.client("dynamodb")).put(make_record(keys[1], "other tests"))
    ends: list[int] = []
    refusals: list[str] = []

    def wait(number: int) -> None:
        html = composition(f"one of ten {number}", frames=10, seconds_per_frame=0.1)
        key = keys[number % 2]
        client = inference(api_key=key, base_url=url)
        task = client.run({"app": APP, "input": {"html": html}}, wait=False)
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/x-ndjson"}
        answer = httpx.get(f"{url}/tasks/{task['id']}/stream", headers=headers, timeout=120)
        if answer.status_code == 429:
            refusals.append(answer.headers["retry-after"])
        else:
            ends.append(json.loads(answer.text.splitlines()[-1])["status"])
        assert stack.final(task["id"], seconds=120)["status"]["N"] == "10"

    with (
        serving(AccountOfTen) as account,
        streaming_gateway(stack, tmp_path, environments=3, AWS_ENDPOINT_URL_LAMBDA=account) as url,
    ):
        threads = [threading.Thread(target=wait, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(ends) + len(refusals) == 10 and set(ends) == {10} and len(ends) >= 2
    assert set(refusals) <= {"10"}


def test_without_live_streaming_the_request_is_held_and_redirected(stack: Stack, tmp_path: Path) -> None:
    html = composition("held", frames=20, seconds_per_frame=0.1)
    with streaming_gateway(stack, tmp_path, LIVE_STREAMING="false") as url:
        result = inference(api_key=KEY, base_url=url).run({"app": APP, "input": {"html": html}})
    assert result["status"] == 10 and result["output"]["video"]["uri"]
