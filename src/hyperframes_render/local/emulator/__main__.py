"""Start the emulator: settings come in one variable, SIGTERM stops it in order, SIGUSR1 saves everything at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import persistence

from hyperframes_render.local.emulator import shims
from hyperframes_render.local.emulator.environments import Environments
from hyperframes_render.local.emulator.saving import StateSaver
from hyperframes_render.local.emulator.settings import EmulatorSettings

Asgi = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def noting_changes(application: Asgi, saver: StateSaver) -> Asgi:
    """`application`, telling the saver of each request that can change something."""

    async def noted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await application(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            saver.note_change()

    return noted


def save_everything() -> None:
    """All services' state as it is now, so that a kill -9 keeps the deployed stack."""
    persistence.save_all(ministack_app._build_persistence_save_dict())


def main() -> None:
    """Run until SIGTERM."""
    settings = EmulatorSettings.from_environment()
    for name in ("tmp", "logs", "functions"):
        (settings.folder / name).mkdir(parents=True, exist_ok=True)
    saver = StateSaver(settings.folder / "state")
    environments = Environments(Path(settings.rie), settings.folder / "logs", settings.limit, settings.wait_seconds)
    shims.run_functions_under_rie(settings, environments, saver)
    shims.keep_message_attributes()
    shims.accept_streamed_routes()
    shims.limit_chunks_at_once()
    shims.count_loopback_as_tls()
    if settings.record_calls:
        shims.record_denials_and_calls(Path(settings.record_calls))
    ministack_app.app = noting_changes(ministack_app.app, saver)
    # A terminal sends Ctrl-C to the whole group: the launcher decides when this process stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=save_everything).start())
    saver.start()
    try:
        ministack_app.main()
    finally:
        environments.close()


if __name__ == "__main__":
    main()
