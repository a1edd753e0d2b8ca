"""Starts the emulator. SIGTERM stops it gracefully; SIGUSR1 saves the state of all services.

The settings are read from one environment variable (settings.py).
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence

from hyperframes_render.local.emulator import shims
from hyperframes_render.local.emulator.environments import Environments
from hyperframes_render.local.emulator.guard import Asgi, with_access_guard
from hyperframes_render.local.emulator.saving import Journal, StateSaver
from hyperframes_render.local.emulator.settings import EmulatorSettings


def with_change_tracking(application: Asgi, saver: StateSaver) -> Asgi:
    """Wrap `application`: mark the state as changed after each request that can change it."""

    async def tracked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await application(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            saver.mark_changed()

    return tracked


def with_journal(application: Asgi, journal: Journal) -> Asgi:
    """Wrap `application`: write each PutItem and DeleteItem to the journal before its response is sent."""

    async def journaled(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        operation = headers.get(b"x-amz-target", b"").decode().removeprefix("DynamoDB_20120810.")
        if operation not in ("PutItem", "DeleteItem"):
            await application(scope, receive, send)
            return
        body = bytearray()

        async def receive_and_copy() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def send_after_write(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                journal.add(operation, bytes(body))
            await send(message)

        await application(scope, receive_and_copy, send_after_write)

    return journaled


def save_everything() -> None:
    """Save the state of all services, so that the deployed stack survives a kill -9."""
    persistence.save_all(ministack_app._build_persistence_save_dict())


def main() -> None:
    """Run until SIGTERM."""
    settings = EmulatorSettings.from_environment()
    for name in ("tmp", "logs", "functions"):
        (settings.folder / name).mkdir(parents=True, exist_ok=True)
    journal = Journal(settings.folder / "state")
    saver = StateSaver(settings.folder / "state", journal)
    environments = Environments(Path(settings.rie), settings.folder / "logs", settings.limit, settings.wait_seconds)
    shims.run_functions_under_rie(settings, environments, saver)
    shims.keep_message_attributes()
    shims.support_streamed_routes()
    shims.provide_leading_keys()
    shims.support_max_concurrency_path()
    shims.support_retry_delays()
    shims.cache_condition_checks()
    shims.treat_loopback_as_tls()
    shims.replay_journal(journal)
    shims.delete_ended_executions()
    if settings.record_calls:
        shims.record_role_calls(Path(settings.record_calls))
    ministack_app.app = with_access_guard(with_change_tracking(with_journal(ministack_app.app, journal), saver))
    # A terminal sends Ctrl-C to the whole process group. The server decides when this process stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=save_everything).start())
    saver.start()
    try:
        ministack_app.main()
    finally:
        environments.close()


if __name__ == "__main__":
    main()
