"""How commands run: signals, error output, and the browser driver."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from hyperframes_render.cli.problems import problem_lines
from hyperframes_render.errors import RenderError, cut

#: The exit status after Ctrl-C, by the convention of shells.
_INTERRUPTED = 128 + signal.SIGINT


def run(work: Any) -> Any:
    """Run a coroutine and return its result.

    Ctrl-C and SIGTERM cancel it, so that it ends its child processes and removes its files. The program then exits with
    status 130.
    """

    # Imports and messages make few cycles and many objects: the default thresholds would collect a hundred times.
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
        click.echo("Interrupted. No output was written.", err=True)
        sys.exit(_INTERRUPTED)
    finally:
        # The process is about to exit: skip the last garbage collection, which takes a tenth of a second.
        gc.freeze()


async def with_driver(module: str, work: Callable[[Any, Any], Any]) -> Any:
    """Start the browser driver while `module` is imported (both take long), then await `work(module, driver)`."""
    from hyperframes_render.browser.driver import BrowserDriver

    driver = BrowserDriver()
    try:
        return await work(await asyncio.to_thread(importlib.import_module, module), driver)
    finally:
        await driver.stop()


def _other_problems(error: RenderError) -> list[str]:
    """The lines of the problems that the composition's files show besides the error itself."""
    others = [p for p in error.problems if f"{p['file']}:{p['line']}:" not in error.message]
    return list(problem_lines(others, None)) if others else []


@contextmanager
def readable_errors(as_json: bool) -> Iterator[None]:
    """Turn a RenderError into one line on stderr, plus JSON on stdout if `as_json`, and exit status 1."""
    try:
        yield
    except RenderError as error:
        if as_json:
            click.echo(json.dumps({"error": error.as_dict()}))
        for line in _other_problems(error) if not as_json else ():
            click.echo(line, err=True)
        click.echo(cut(f"error: {error}", 390), err=True)
        sys.exit(1)
