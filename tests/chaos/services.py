"""A proxy in front of the emulator that makes AWS services fail.

Without a fault, requests and answers pass unchanged. A fault affects a share of the requests of one service.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

#: Seconds of a hanging service, longer than the timeout of the product's clients.
_HANG_SECONDS = 22.0
_LIMIT = 16 * 1024**2
_LENGTH = re.compile(rb"\r\ncontent-length:[ ]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ ]*chunked", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[^\r]*", re.IGNORECASE)
#: The signature contains the service: Credential=KEY/20261124/us-east-1/s3/aws4_request
_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([^/]+)/")


@dataclass(frozen=True)
class ServiceFault:
    """The fault of requests of `service` ("" for all), limited to `method` if it is set.

    answer: `status` and `body` instead of the service's. slow: a delay of seconds. hang: no answer.
    refuse: the connection closes before the service gets the request. lose: it closes after the service has done the
    request. cut: it closes in the middle of the answer.
    """

    service: str
    does: Literal["answer", "slow", "hang", "refuse", "lose", "cut"]
    method: str = ""
    status: int = 500
    body: str = ""


def _xml(code: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Made to fail.</Message></Error>"


def _json(kind: str) -> str:
    return f'{{"__type": "{kind}", "message": "Made to fail."}}'


FAULTS = {
    "S3 answers 500": ServiceFault("s3", "answer", status=500, body=_xml("InternalError")),
    "S3 asks to slow down": ServiceFault("s3", "answer", status=503, body=_xml("SlowDown")),
    "S3 cuts bodies": ServiceFault("s3", "cut", method="GET"),
    "S3 is slow": ServiceFault("s3", "slow"),
    "S3 loses answers": ServiceFault("s3", "lose"),
    "DynamoDB throttles": ServiceFault(
        "dynamodb", "answer", status=400, body=_json("ProvisionedThroughputExceededException")
    ),
    "DynamoDB loses answers": ServiceFault("dynamodb", "lose"),
    "SNS loses answers": ServiceFault("sns", "lose"),
    "STS throttles": ServiceFault("sts", "answer", status=400, body=_xml("Throttling")),
    "Step Functions throttles": ServiceFault("states", "answer", status=400, body=_json("ThrottlingException")),
    "connections are refused": ServiceFault("", "refuse"),
    "a service hangs": ServiceFault("", "hang"),
}


class Services:
    """The proxy. `done` counts the failed requests by fault."""

    def __init__(self, upstream: int, seed: int) -> None:
        self._upstream, self._chance = upstream, random.Random(seed)
        self._on: dict[str, float] = {}
        self.done: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready: threading.Event = threading.Event()
        self.port = 0
        threading.Thread(target=self._run, name="services", daemon=True).start()
        self._ready.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def failing(self, name: str, share: float) -> Iterator[None]:
        """Apply the fault `name` to a share of the requests during the block."""
        self._on = {**self._on, name: share}
        try:
            yield
        finally:
            self._on = {other: of for other, of in self._on.items() if other != name}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LIMIT))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    def _choose(self, head: bytes) -> tuple[str, ServiceFault] | None:
        """The fault for the request with this head, if any."""
        found = _SERVICE.search(head)
        service, method = (found.group(1).decode() if found else ""), head.partition(b" ")[0].decode()
        for name, share in self._on.items():
            fault = FAULTS[name]
            if fault.service in ("", service) and fault.method in ("", method) and self._chance.random() < share:
                return name, fault
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._pass_on(reader, writer):
                pass
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handle one request and its answer. Returns whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        if _EXPECT.search(head):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = _EXPECT.sub(b"", head)
        body = await _body(reader, head)
        name, fault = self._choose(head) or ("", None)
        if fault is not None:
            self.done[name] += 1
            if fault.does == "refuse":
                return False
            if fault.does == "hang":
                await asyncio.sleep(_HANG_SECONDS)
                return False
            if fault.does == "slow":
                await asyncio.sleep(self._chance.uniform(0.5, 3))
            if fault.does == "answer":
                empty = head.startswith(b"HEAD ")
                writer.write(_answer(fault.status, b"" if empty else fault.body.encode()))
                await writer.drain()
                return True
        answer, rest = await self._ask(head, body)
        if fault is not None and fault.does == "lose":
            return False
        if fault is not None and fault.does == "cut" and rest:
            writer.write(answer + rest[: len(rest) // 2])
            await writer.drain()
            return False
        writer.write(answer + rest)
        await writer.drain()
        return b"\r\nconnection: close" not in answer.lower()

    async def _ask(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Send a request to the emulator. Returns the head and the raw body of its answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=_LIMIT)
        try:
            writer.write(head + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            while answer.startswith((b"HTTP/1.1 100", b"HTTP/1.0 100")):
                answer = await reader.readuntil(b"\r\n\r\n")
            bodiless = head.startswith(b"HEAD ") or answer.split(b" ", 2)[1] in (b"204", b"304")
            return answer, b"" if bodiless else await _body(reader, answer)
        finally:
            writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if found := _LENGTH.search(head):
        return await reader.readexactly(int(found.group(1)))
    if not _CHUNKED.search(head):
        return b""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if not size:
            return body


def _answer(status: int, body: bytes) -> bytes:
    kind = "application/xml" if body.startswith(b"<") else "application/x-amz-json-1.0"
    head = f"HTTP/1.1 {status} Made to fail\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
