"""The response to a request that is running when the server stops."""

from __future__ import annotations

import threading
import time

import httpx
import uvicorn

from hyperframes_render.api.app import create_app
from hyperframes_render.local.ports import free_port


def test_a_request_to_a_stopping_server_gets_503_with_retry_after() -> None:
    called, released = threading.Event(), threading.Event()

    def hangs() -> None:
        called.set()
        released.wait(20)

    port = free_port()
    app = create_app(hangs, hangs, hangs)  # type: ignore[arg-type]  # like an AWS service that does not respond
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
    )
    running = threading.Thread(target=server.run)
    running.start()
    try:
        while not server.started:
            time.sleep(0.05)
        answers: list[httpx.Response] = []
        headers = {"Authorization": "Bearer key"}
        request = threading.Thread(
            target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/tasks", headers=headers, timeout=15))
        )
        request.start()
        assert called.wait(10)
        server.should_exit = True
        request.join(15)
    finally:
        released.set()
        server.should_exit = True
        running.join(15)
    (answer,) = answers
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["error"]["code"] == "service_failed"
