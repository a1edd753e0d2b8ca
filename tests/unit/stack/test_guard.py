"""The emulator answers the stack's programs. Web pages may use only URLs that the API signed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hyperframes_render.local.emulator.guard import with_access_guard

SIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20261128%2Fs3&X-Amz-Signature=0a"
UPLOAD, RESULT = "/hyperframes-render-bucket-1a2b/uploads/k/page.html", "/hyperframes-render-bucket-1a2b/outbox/a.mp4"
PAGE = {"origin": "https://shop.example"}
API = {**PAGE, "host": "0123abcd.execute-api.localhost:4566"}


async def _application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})


def ask(method: str = "GET", path: str = "/", query: str = "", kind: str = "http", **headers: str) -> tuple[int, str]:
    """Status (of a web socket: its close code) and text of the response."""
    given = {"host": "127.0.0.1:4566", **headers}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await with_access_guard(_application)(scope, receive, send)

    asyncio.run(run())
    text = b"".join(message.get("body", b"") for message in sent).decode()
    return sent[0].get("status") or sent[0]["code"], text


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4566", "localhost", "LOCALHOST:80", "[::1]:4566", "bucket.localhost:4566", "a.s3.localhost"]
)
def test_programs_reach_the_emulator_by_every_local_name(host: str) -> None:
    assert ask("POST", host=host) == (200, "answered")
    assert ask("PUT", UPLOAD, host=host, x_amz_copy_source="/a/b", authorization="AWS4-HMAC-SHA256 x")[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:4566", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", ""),
        *("192.168.0.7:4566", "127.0.0.1:4566@evil.example", "localhost:4566.evil.example", "0.0.0.0:4566"),
    ],
)
def test_other_host_names_are_refused(host: str) -> None:
    status, text = ask(host=host)
    assert status == 403
    assert text == "This is the emulator of `hyperframes-render serve`: it answers to 127.0.0.1 and localhost only.\n"


def test_only_the_emulators_health_route_is_open() -> None:
    assert ask("GET", "/_ministack/health")[0] == 200
    for path in ("reset", "config", "lambda-code/x", "sqs/messages", "rds/iam-auth", "ready", "health/"):
        assert ask("POST", f"/_ministack/{path}")[0] == ask("GET", f"/_ministack/{path}")[0] == 403
    assert ask("POST", "/_ministack/reset", **API)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4566"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "same-origin"},
    ],
)
def test_a_web_page_is_refused(headers: dict[str, str]) -> None:
    status, text = ask("POST", **headers)
    assert status == 403 and text.count("\n") == 1 and "web pages" in text
    assert ask("GET", "/", "Action=DeleteQueue&QueueUrl=x", **headers)[0] == 403
    assert ask("GET", "/hyperframes-render-bucket-1a2b", "list-type=2", **headers)[0] == 403
    assert ask("GET", "/_ministack/health", **headers)[0] == 403


def test_a_url_typed_in_the_browser_is_answered() -> None:
    assert ask("GET", RESULT, SIGNED, sec_fetch_site="none")[0] == 200


@pytest.mark.parametrize("headers", [PAGE, {"sec_fetch_site": "cross-site"}])
def test_a_page_uploads_and_reads_by_signed_urls(headers: dict[str, str]) -> None:
    disposition = SIGNED + "&response-content-disposition=inline"
    assert ask("PUT", UPLOAD, SIGNED, content_type="text/html", x_amz_checksum_sha256="aa", **headers)[0] == 200
    assert ask("OPTIONS", UPLOAD, SIGNED, access_control_request_method="PUT", **headers)[0] == 200
    for method in ("GET", "HEAD"):
        assert ask(method, RESULT, disposition, **headers)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "query", "more"),
    [
        ("PUT", UPLOAD, "", {}),
        ("POST", UPLOAD, SIGNED, {}),
        ("DELETE", UPLOAD, SIGNED, {}),
        ("PUT", RESULT, SIGNED, {}),
        ("PUT", UPLOAD.replace("uploads", "inbox"), SIGNED, {}),
        ("GET", "/hyperframes-render-bucket-1a2b/uploads/", SIGNED, {}),
        ("PUT", UPLOAD, SIGNED + "&Action=DeleteQueue", {}),
        ("PUT", UPLOAD, SIGNED + "&acl=", {}),
        ("PUT", UPLOAD, SIGNED, {"x_amz_target": "DynamoDB_20120810.DeleteTable"}),
        ("PUT", UPLOAD, SIGNED, {"x_amz_copy_source": "/hyperframes-render-bucket-1a2b/inbox/a.html"}),
        ("PUT", UPLOAD, SIGNED, {"content_type": "application/x-www-form-urlencoded"}),
        ("PUT", UPLOAD, SIGNED, {"authorization": "AWS4-HMAC-SHA256 Credential=test/1/us-east-1/sqs/aws4_request"}),
        ("GET", RESULT, SIGNED, {"host": "sqs.localhost:4566"}),
        ("OPTIONS", UPLOAD, SIGNED, {"access_control_request_method": "DELETE"}),
        ("OPTIONS", "/", "", {"access_control_request_method": "POST"}),
    ],
)
def test_a_page_makes_no_other_call_with_a_signed_url(method: str, path: str, query: str, more: dict[str, str]) -> None:
    assert ask(method, path, query, **PAGE, **more)[0] == 403
    assert ask(method, path, query, **more)[0] == 200


def test_a_page_reaches_only_the_api_by_the_apis_host_name() -> None:
    assert ask("OPTIONS", "/live/apps/run", **API)[0] == 200
    assert ask("POST", "/live/apps/run", authorization="Bearer key", **API)[0] == 200
    for path in ("/v20180820/tags/x", "/iceberg/v1/config", "/Execute", "/lively"):
        assert ask("POST", path, **API)[0] == 403


def test_there_are_no_web_sockets() -> None:
    assert ask(path="/_aws/execute-api/0123abcd/live", kind="websocket")[0] == 1008
    assert ask(path="/live", kind="websocket", **API)[0] == 1008


def test_lifespan_messages_are_passed_through() -> None:
    seen: list[str] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def run() -> None:
        await with_access_guard(application)({"type": "lifespan"}, None, None)

    asyncio.run(run())
    assert seen == ["lifespan"]
