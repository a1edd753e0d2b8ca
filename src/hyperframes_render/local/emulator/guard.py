"""Access control of the emulator: only programs on this machine, and web pages with URLs that the API signed.

Threat: any page that is open in a browser on this machine can send requests to loopback. With DNS rebinding it can also
read the responses. The emulator accepts its owner's key without a signature, so such a page could do everything that
the owner can. Browsers send the host name (Host) and mark requests of pages (Origin, Sec-Fetch-Site).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

Asgi = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

#: Host names that always resolve to this machine.
_PLAIN_HOST = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?", re.IGNORECASE)
_HOST_BELOW = re.compile(r"[a-z0-9.-]+\.localhost(?::\d{1,5})?", re.IGNORECASE)
#: Host names of the deployed API. It requires a key and has its own CORS rules.
_API_HOST = re.compile(r"[a-z0-9]+\.execute-api\.localhost(?::\d{1,5})?", re.IGNORECASE)
_API_PATH = re.compile(r"/live(?:/.*)?", re.DOTALL)
#: The only open route of MiniStack's admin routes: the others change the emulator or return code.
_HEALTH = "/_ministack/health"
_ADMIN_ROUTES = "/_ministack"
#: Paths of the URLs that the API signs: results and uploads. Methods and folders are in _SIGNED_FOR.
_SIGNED_PATH = re.compile(r"/[a-z0-9][a-z0-9.-]{2,62}/(uploads|outbox)/.+", re.DOTALL)
_SIGNED_QUERY = re.compile(r"x-amz-[a-z0-9-]+|response-[a-z-]+", re.IGNORECASE)
_SIGNED_FOR = {"GET": ("uploads", "outbox"), "HEAD": ("uploads", "outbox"), "PUT": ("uploads",)}
#: The only x-amz-* headers that an upload may have.
_CHECKSUM = "x-amz-checksum-"
#: MiniStack reads a body of this type as a call of another service, for any URL.
_CALL_TYPE = "application/x-www-form-urlencoded"

_FOREIGN_HOST = "This is the emulator of `hyperframes-render serve`: it answers to 127.0.0.1 and localhost only.\n"
_ADMIN_REFUSED = f"Only {_HEALTH} is open. To start with an empty stack, restart the server with another data folder.\n"
_PAGE = "The emulator refuses requests of web pages, except to URLs that the API signed. Use the API.\n"


def with_access_guard(application: Asgi) -> Asgi:
    """Wrap `application`: answer refused requests with status 403 and one sentence (`refusal`)."""

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
    """The reason to refuse a request, in one sentence; empty if it is allowed."""
    if scope["type"] == "lifespan":
        return ""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in scope["headers"]]
    hosts = [value for name, value in pairs if name == "host"]
    if len(hosts) != 1 or not (_PLAIN_HOST.fullmatch(hosts[0]) or _HOST_BELOW.fullmatch(hosts[0])):
        return _FOREIGN_HOST
    if scope["path"].startswith(_ADMIN_ROUTES) and scope["path"] != _HEALTH:
        return _ADMIN_REFUSED
    headers = dict(pairs)
    if scope["type"] == "websocket" or (_is_of_a_page(headers) and not _is_open_to_pages(scope, headers)):
        return _PAGE
    return ""


def _is_of_a_page(headers: dict[str, str]) -> bool:
    """Whether a web page caused the request. Sec-Fetch-Site is "none" if the user typed the URL."""
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


def _is_open_to_pages(scope: dict[str, Any], headers: dict[str, str]) -> bool:
    if _API_HOST.fullmatch(headers["host"]):
        return _API_PATH.fullmatch(scope["path"]) is not None
    return _PLAIN_HOST.fullmatch(headers["host"]) is not None and _is_signed(scope, headers) and _is_plain(headers)


def _is_signed(scope: dict[str, Any], headers: dict[str, str]) -> bool:
    """Whether the URL has the form of those that the API signs for S3. The signature is checked later."""
    path = _SIGNED_PATH.fullmatch(scope["path"])
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    names = {name.lower() for name, _ in query}
    if path is None or "x-amz-signature" not in names or not all(_SIGNED_QUERY.fullmatch(name) for name in names):
        return False
    method = scope["method"]
    if method == "OPTIONS":  # the CORS preflight of an upload
        method = headers.get("access-control-request-method", "")
    return path[1] in _SIGNED_FOR.get(method, ())


def _is_plain(headers: dict[str, str]) -> bool:
    """Whether no header turns the request into another call: a copy, an action, or another service."""
    if "authorization" in headers or headers.get("content-type", "").lower().startswith(_CALL_TYPE):
        return False
    return not any(name.startswith("x-amz-") and not name.startswith(_CHECKSUM) for name in headers)
