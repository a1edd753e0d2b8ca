"""How a command runs: what ends it, what it says where it fails, and the browser driver that it needs."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from hyperframes_render.errors import RenderError

#: What a shell expects of a program that Ctrl-C ended.
_INTERRUPTED = 128 + signal.SIGINT


def run(work: Any) -> Any:
    """Run a coroutine; Ctrl-C and SIGTERM cancel it, so that it ends its children and removes its files."""

    # Imports and messages make few cycles and many objects: the default would search them a hundred times.
    gc.set_threshold(100_000, 20, 20)

    async def supervised() -> Any:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(supervised())
    except asyncio.CancelledError:
        click.echo("Interrupted: nothing was written.", err=True)
        sys.exit(_INTERRUPTED)
    finally:
        # The process is about to end: a last search for cycles among its objects takes a tenth of a second.
        gc.freeze()


async def with_driver(module: str, work: Callable[[Any, Any], Any]) -> Any:
    """Start the browser driver while `module`, and with it the rest of the program, is imported; then do `work`."""
    from hyperframes_render.browser.driver import BrowserDriver

    driver = BrowserDriver()
    try:
        return await work(await asyncio.to_thread(importlib.import_module, module), driver)
    finally:
        await driver.stop()


class readable_errors:
    """Turns a RenderError into one line on stderr (or JSON on stdout) and exit status 1."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RenderError):
            if self._as_json:
                click.echo(json.dumps({"error": error.as_dict()}))
            text = f"error: {error}"
            click.echo(text if len(text) <= 390 else text[:387] + "...", err=True)
            sys.exit(1)
