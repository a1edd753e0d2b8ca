"""A local gateway that streams.

AWS's Runtime Interface Emulator returns a streamed response only at its end. A relay between the function's runtime
and this emulator therefore copies each piece to the client. Stream requests go to the deployed stream function, which
runs as in Lambda. Every other request goes to the emulator's gateway.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from hyperframes_render.local.emulator.environments import Environment, Function, _Spawner
from hyperframes_render.local.emulator.functions import _lambda_variables
from hyperframes_render.local.parts import find_parts
from hyperframes_render.local.ports import free_port
from tests.integration.workflow.stack import Stack

_SEPARATOR = b"\0" * 8


class _Relay:
    """Relays the Runtime API of one environment. Pieces of the current response go to `pieces`; None ends it."""

    def __init__(self, runtime_api: int) -> None:
        self.pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                upstream = http.client.HTTPConnection("127.0.0.1", runtime_api)
                with contextlib.suppress(OSError):
                    upstream.request("GET", self.path)
                    self._answer(upstream.getresponse())

            def do_POST(self) -> None:
                upstream = http.client.HTTPConnection("127.0.0.1", runtime_api)
                upstream.putrequest("POST", self.path)
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                for name, value in self.headers.items():
                    if name.lower() not in ("host", "accept-encoding"):
                        upstream.putheader(name, value)
                upstream.endheaders()
                if not chunked:
                    upstream.send(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                else:
                    while size := int((line := self.rfile.readline()).split(b";")[0], 16):
                        piece = self.rfile.read(size)
                        self.rfile.readline()
                        relay.pieces.put(piece)
                        upstream.send(line + piece + b"\r\n")
                    trailers = b""
                    while (line := self.rfile.readline()) not in (b"\r\n", b""):
                        trailers += line
                    upstream.send(b"0\r\n" + trailers + b"\r\n")
                relay.pieces.put(None)
                self._answer(upstream.getresponse())

            def _answer(self, response: http.client.HTTPResponse) -> None:
                body = response.read()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class _Streams:
    """Environments of the stream function, each with a relay. Each handles one request at a time."""

    def __init__(self, stack: Stack, folder: Path, count: int, variables: dict[str, str]) -> None:
        self._free: queue.Queue[tuple[Environment, _Relay]] = queue.Queue()
        self.opened: list[tuple[Environment, _Relay]] = []
        spawner = _Spawner()
        for number in range(count):
            runtime_api = free_port()
            relay = _Relay(runtime_api)
            function = stream_function(stack, folder, relay.server.server_address[1], variables)
            made = Environment(find_parts().rie, function, number, folder, spawner, runtime_port=runtime_api)
            self.opened.append((made, relay))
            self._free.put((made, relay))

    def answer(self, event: dict[str, Any]) -> Iterator[bytes]:
        """The pieces of the function's response as they are sent."""
        environment, relay = self._free.get(timeout=60)
        try:
            call = threading.Thread(target=environment.call, args=(event, "stream-test"), daemon=True)
            call.start()
            while (piece := relay.pieces.get(timeout=60)) is not None:
                yield piece
            call.join()
        finally:
            self._free.put((environment, relay))


def stream_function(stack: Stack, folder: Path, relay: int, variables: dict[str, str]) -> Function:
    """Start the deployed function with its runtime connected to the relay."""
    client = stack.client("lambda")
    config = client.get_function_configuration(FunctionName="hyperframes-render-stream")
    settings = stack.emulator.settings
    task = next(
        path
        for path in (settings.folder / "functions" / "hyperframes-render-stream").iterdir()
        if (path / "hyperframes_render").is_dir()
    )
    layer = find_parts().layer / "python"
    given = {
        **_lambda_variables(config, settings),
        **config["Environment"]["Variables"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "LAMBDA_TASK_ROOT": str(task),
        "PYTHONPATH": f"{task}:{layer}",
        **variables,
    }
    wrapper = given["AWS_LAMBDA_EXEC_WRAPPER"].replace("/var/task", str(task), 1)
    command = ("/usr/bin/env", f"AWS_LAMBDA_RUNTIME_API=127.0.0.1:{relay}", wrapper, settings.zip_python, "-m", "x")
    return Function("stream-test", "1", command, given, 900.0, folder)


@contextmanager
def streaming_gateway(stack: Stack, folder: Path, *, environments: int = 1, **variables: str) -> Iterator[str]:
    """The base URL of a gateway in front of the deployed stack."""
    # The emulator unpacks a function at its first call.
    stack.gateway("GET", "/tasks/none/stream")
    streams = _Streams(stack, folder, environments, variables)
    plain = f"{stack.endpoint}/restapis/{stack.outputs['ApiId']}/live/_user_request_"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.endswith("/stream"):
                self._stream()
            else:
                self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = ("authorization", "content-type", "idempotency-key")
            headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
            answer = httpx.request(self.command, plain + self.path, content=body, headers=headers, timeout=60)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _stream(self) -> None:
            event = {
                "httpMethod": "GET",
                "path": self.path,
                "headers": dict(self.headers.items()),
                "multiValueHeaders": {name: [value] for name, value in self.headers.items()},
                "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
                "body": None,
            }
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pieces = streams.answer(event)
            head, _, rest = next(pieces).partition(_SEPARATOR)
            parsed = json.loads(head)
            self.send_response(parsed["statusCode"])
            for name, value in parsed["headers"].items():
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                if rest:
                    self._write(rest)
                for piece in pieces:
                    self._write(piece)
                self.wfile.write(b"0\r\n\r\n")
            for _ in pieces:
                pass  # the client has disconnected; the environment is free when the function ends

        def _write(self, piece: bytes) -> None:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with ExitStack() as closing:
        for environment, relay in streams.opened:
            closing.callback(relay.server.shutdown)
            closing.callback(environment.end)
        closing.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
