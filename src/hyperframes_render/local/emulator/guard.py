"""Who may ask the emulator: programs of this machine, and of web pages those that use what the API gave them.

Every page that a browser on this machine has open may send requests to loopback, and one whose name is made to point
there ("DNS rebinding") reads the answers as well. The emulator takes its owner's key without a signature, so that such
a page could do whatever the owner can. Browsers say which name they were told, and that a page is asking.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

Asgi = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

#: The names that nobody else can make point to this machine.
_PLAIN_HOST = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?", re.IGNORECASE)
_HOST_BELOW = re.compile(r"[a-z0-9.-]+\.localhost(?::\d{1,5})?", re.IGNORECASE)
#: The deployed API by its own host name: it wants a key, and says itself whose pages may ask.
_API_HOST = re.compile(r"[a-z0-9]+\.execute-api\.localhost(?::\d{1,5})?", re.IGNORECASE)
_API_PATH = re.compile(r"/live(?:/.*)?", re.DOTALL)
#: What is said of the emulator itself; its other routes of that kind change it or give code away.
_HEALTH = "/_ministack/health"
_OWN_ROUTES = "/_ministack"
#: What the API signs: results to read, uploads to write.
_SIGNED_PATH = re.compile(r"/[a-z0-9][a-z0-9.-]{2,62}/(uploads|outbox)/.+", re.DOTALL)
_SIGNED_QUERY = re.compile(r"x-amz-[a-z0-9-]+|response-[a-z-]+", re.IGNORECASE)
_SIGNED_FOR = {"GET": ("uploads", "outbox"), "HEAD": ("uploads", "outbox"), "PUT": ("uploads",)}
#: Of the headers that say more to a service than its bytes, the ones that an upload may have.
_CHECKSUM = "x-amz-checksum-"
#: A body of this type is read as a call of another service, whatever the address.
_CALL_TYPE = "application/x-www-form-urlencoded"

_FOREIGN_HOST = "This is the emulator of `hyperframes-render serve`: it answers to 127.0.0.1 and localhost alone.\n"
_OWN_ROUTE = f"Of the emulator's own routes only {_HEALTH} is open: stop the server and start it with another folder.\n"
_PAGE = "The emulator takes no requests of web pages, except by addresses that the API signed: ask the API itself.\n"


def with_access_guard(application: Asgi) -> Asgi:
    """`application`, with 403 and one sentence for requests that no program of the stack makes."""

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        reason = refusal(scope)
        if not reason:
            await application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(reason))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": reason.encode()})

    return guarded


def refusal(scope: dict[str, Any]) -> str:
    """Why the request is not answered, in one sentence; empty where it is."""
    if scope["type"] == "lifespan":
        return ""
    given = [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in scope["headers"]]
    hosts = [value for name, value in given if name == "host"]
    if len(hosts) != 1 or not (_PLAIN_HOST.fullmatch(hosts[0]) or _HOST_BELOW.fullmatch(hosts[0])):
        return _FOREIGN_HOST
    if scope["path"].startswith(_OWN_ROUTES) and scope["path"] != _HEALTH:
        return _OWN_ROUTE
    headers = dict(given)
    if scope["type"] == "websocket" or (_is_of_a_page(headers) and not _is_open_to_pages(scope, headers)):
        return _PAGE
    return ""


def _is_of_a_page(headers: dict[str, str]) -> bool:
    """Whether a web page made the browser ask; "none" is an address that somebody typed."""
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


def _is_open_to_pages(scope: dict[str, Any], headers: dict[str, str]) -> bool:
    if _API_HOST.fullmatch(headers["host"]):
        return _API_PATH.fullmatch(scope["path"]) is not None
    return _PLAIN_HOST.fullmatch(headers["host"]) is not None and _is_signed(scope, headers) and _is_plain(headers)


def _is_signed(scope: dict[str, Any], headers: dict[str, str]) -> bool:
    """Whether the address is one that the API signs for S3."""
    path = _SIGNED_PATH.fullmatch(scope["path"])
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    names = {name.lower() for name, _ in query}
    if path is None or "x-amz-signature" not in names or not all(_SIGNED_QUERY.fullmatch(name) for name in names):
        return False
    method = scope["method"]
    if method == "OPTIONS":  # a browser's question before an upload
        method = headers.get("access-control-request-method", "")
    return path[1] in _SIGNED_FOR.get(method, ())


def _is_plain(headers: dict[str, str]) -> bool:
    """Whether nothing in the headers makes another call of a request: a copy, an action, another service."""
    if "authorization" in headers or headers.get("content-type", "").lower().startswith(_CALL_TYPE):
        return False
    return not any(name.startswith("x-amz-") and not name.startswith(_CHECKSUM) for name in headers)
