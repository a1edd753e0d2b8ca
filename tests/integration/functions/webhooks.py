"""A webhook receiver, and tasks and messages for tests of the function `notify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.integration.functions.cloud import run_workflow, sample, submit
from tests.serving import QuietHandler, serving

FINE: dict[str, Any] = {"batchItemFailures": []}


@dataclass
class Receiver:
    """A webhook receiver: answers with `status` and `headers`, and records requests (headers, body) in `got`."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback interface."""
    receiver = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"thanks")

    with serving(Handler) as address:
        receiver.url = f"{address}/hook"
        yield receiver


def message(task_id: str, attempt: int = 1) -> dict[str, Any]:
    """The event of SQS that delivers the task's webhook for the `attempt`-th time."""
    event = sample("notify")
    record = event["Records"][0]
    record["body"] = json.dumps({**json.loads(record["body"]), "id": task_id})
    record["attributes"]["ApproximateReceiveCount"] = str(attempt)
    return dict(event)


def ended_task(receiver: Receiver, **fields: Any) -> str:
    """Submit a task with a webhook and run it to its end. Returns its id."""
    task_id = submit(webhook=receiver.url, **fields)
    run_workflow(task_id)
    return task_id


def verify(secret: str, headers: dict[str, str], body: bytes) -> Any:
    """Verify the signature with the public library. Returns the JSON body; raises if it is invalid."""
    return Webhook(secret).verify(body, headers)
