"""Webhook receivers of different behaviour in one server. The first part of the path selects one."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from tests.serving import QuietHandler, serving

#: Share of the tasks for each behaviour. "hangs" is rare, since it holds each try until its timeout.
BEHAVIOURS = {
    "accepts": 0.55,
    "answers 500 twice": 0.1,
    "answers 500": 0.05,
    "answers 410": 0.05,
    "answers 429 once": 0.1,
    "redirects": 0.05,
    "cuts twice": 0.09,
    "hangs": 0.01,
}
#: Receivers that accept no webhook until `healed`.
NEVER = ("answers 500", "redirects", "hangs")
_HANG_SECONDS = 20.0


@dataclass
class Receivers:
    """Received webhooks: tries and deliveries by webhook-id, ids by task. With `healed`, all webhooks are accepted."""

    url: str = ""
    healed: bool = False
    tries: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    gone: set[str] = field(default_factory=set)
    ids: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self, behaviour: str) -> str:
        """The URL of the receiver with this behaviour."""
        return f"{self.url}/{behaviour.replace(' ', '-')}"

    def take(self, path: str, webhook_id: str, task_id: str) -> str:
        """Count a try, and choose the response: a status, "hang", "cut" or "redirect"."""
        behaviour = path.strip("/").replace("-", " ")
        with self._lock:
            self.ids[task_id].add(webhook_id)
            self.tries[webhook_id] += 1
            number = self.tries[webhook_id]
            does = {
                "answers 500": "500",
                "answers 410": "410",
                "redirects": "redirect",
                "hangs": "hang",
                "answers 500 twice": "500" if number < 3 else "200",
                "answers 429 once": "429" if number < 2 else "200",
                "cuts twice": "cut" if number < 3 else "200",
            }.get(behaviour, "200")
            does = "200" if self.healed else does
            if does == "200":
                self.delivered[webhook_id] += 1
            elif does == "410":
                self.gone.add(webhook_id)
            return does


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Start all receivers on one free port of the loopback interface."""
    kept = Receivers()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            does = kept.take(self.path, self.headers["webhook-id"], body["id"])
            if does == "hang":
                time.sleep(_HANG_SECONDS)
            if does in ("hang", "cut"):
                self.close_connection = True
                return
            self.send_response(302 if does == "redirect" else int(does))
            if does == "redirect":
                self.send_header("Location", f"{kept.url}/accepts")
            if does == "429":
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            pass  # notify was killed during its request

    with serving(Handler, Server) as kept.url:
        yield kept
