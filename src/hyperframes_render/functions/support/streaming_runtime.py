"""A Lambda runtime that streams the responses of an ASGI application.

It gets the next request from the Lambda Runtime API, runs the application and posts the response with chunked transfer
encoding: a JSON head, eight zero bytes, the body. An error before the first byte is reported as an invocation error, a
later error in trailers.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import socket
import time
from typing import Any

from mangum.handlers import APIGateway
from mangum.types import LambdaConfig
from starlette.types import ASGIApp, Message

from hyperframes_render.functions.support.observability import logger

_VERSION = "2018-06-01"
_CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
_SEPARATOR = b"\0" * 8
#: Seconds before the function's time limit at which a response is ended cleanly.
_LAST_SECONDS = 5.0
#: Settings with which mangum parses a request. Its other settings concern responses.
_MANGUM: LambdaConfig = {"api_gateway_base_path": "/", "text_mime_types": [], "exclude_headers": []}


def serve_invocations(application: ASGIApp, address: str | None = None) -> None:
    """Answer requests until the execution environment ends. `address`: host and port of the Runtime API."""
    runtime_api = address or os.environ["AWS_LAMBDA_RUNTIME_API"]
    while True:
        serve_one(application, runtime_api)


def serve_one(application: ASGIApp, address: str) -> None:
    """Wait for one request and answer it."""
    request_id, deadline, event = _next(address)
    logger.set_correlation_id(request_id)
    response = _StreamedResponse(address, request_id)
    try:
        asyncio.run(_run(application, event, response, deadline))
        response.end()
    except ConnectionError:
        # The client closed the connection.
        logger.info("the client closed the stream")
        response.abandon()
    except Exception as error:
        logger.exception("the request failed")
        response.fail(error)


async def _run(application: ASGIApp, event: dict[str, Any], response: _StreamedResponse, deadline: float) -> None:
    # The same scope and body as with Lambda's Python runtime (functions/api.py).
    context: Any = None
    request = APIGateway(event, context, _MANGUM)
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # No more messages: Lambda does not report that the client disconnected.
        sent = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.begin(message["status"], message.get("headers", []))
        elif piece := message.get("body"):
            await asyncio.to_thread(response.write, piece)

    try:
        async with asyncio.timeout(deadline):
            await application(request.scope, receive, send)
    except TimeoutError:
        if not response.begun:
            raise
        logger.warning("the stream was cut off at the function's time limit")


def _next(address: str) -> tuple[str, float, dict[str, Any]]:
    """The next request: its id, the seconds left for it, and the event."""
    connection = http.client.HTTPConnection(address)
    try:
        connection.request("GET", f"/{_VERSION}/runtime/invocation/next")
        response = connection.getresponse()
        event = json.loads(response.read())
    finally:
        connection.close()
    if trace := response.getheader("Lambda-Runtime-Trace-Id"):
        os.environ["_X_AMZN_TRACE_ID"] = trace
    end = int(response.getheader("Lambda-Runtime-Deadline-Ms") or 0) / 1000
    left = end - time.time() - _LAST_SECONDS if end else 3600.0
    return str(response.getheader("Lambda-Runtime-Aws-Request-Id")), max(1.0, left), event


class _StreamedResponse:
    """One streamed response to the Runtime API."""

    def __init__(self, address: str, request_id: str) -> None:
        self._address, self._path = address, f"/{_VERSION}/runtime/invocation/{request_id}"
        self._connection: http.client.HTTPConnection | None = None

    @property
    def begun(self) -> bool:
        """Whether the head was sent."""
        return self._connection is not None

    def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send status and headers."""
        connection = http.client.HTTPConnection(self._address)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.putrequest("POST", f"{self._path}/response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Content-Type", _CONTENT_TYPE)
        connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        connection.endheaders()
        self._connection = connection
        shown = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        self.write(json.dumps({"statusCode": status, "headers": shown}).encode() + _SEPARATOR)

    def write(self, piece: bytes) -> None:
        """Send one piece of the body."""
        assert self._connection is not None
        self._connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def end(self) -> None:
        """End the response."""
        self._finish(b"0\r\n\r\n")

    def fail(self, error: Exception) -> None:
        """Report an error without details, which only the log has."""
        report = {"errorType": type(error).__name__, "errorMessage": "Something went wrong on our side."}
        if self.begun:
            body = base64.b64encode(json.dumps(report).encode()).decode()
            kind = f"Lambda-Runtime-Function-Error-Type: {report['errorType']}\r\n"
            trailers = f"0\r\n{kind}Lambda-Runtime-Function-Error-Body: {body}\r\n\r\n"
            self._finish(trailers.encode())
            return
        connection = http.client.HTTPConnection(self._address)
        try:
            connection.request("POST", f"{self._path}/error", json.dumps(report))
            connection.getresponse().read()
        finally:
            connection.close()

    def abandon(self) -> None:
        """Close the connection without an end: the client has disconnected."""
        if self._connection is not None:
            self._connection.close()

    def _finish(self, last: bytes) -> None:
        assert self._connection is not None
        try:
            self._connection.send(last)
            self._connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            logger.info("the end of the stream could not be sent")
        finally:
            self._connection.close()
