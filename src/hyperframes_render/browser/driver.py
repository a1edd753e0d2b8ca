"""Playwright's driver: a separate process that takes 0.3 seconds to start and 0.1 to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import playwright
from playwright.async_api import Playwright, async_playwright

from hyperframes_render.sandbox import confine
from hyperframes_render.sandbox.confine import PID_FILE, SHARED
from hyperframes_render.sandbox.memory import memory_ceiling
from hyperframes_render.sandbox.private_memory import keep_memory_private
from hyperframes_render.sandbox.processes import end_tree, reap_adopted

#: Started in place of the driver: it drops privileges, then executes the driver (confine.py).
_LAUNCHER = str(Path(confine.__file__).with_name("confined-node"))
#: Seconds for the driver to end by itself. It takes 0.1, or longer if a page keeps it busy.
_STOP_TIMEOUT = 5.0


class BrowserDriver:
    """A driver that starts in the background and may be stopped before it is ready."""

    def __init__(self) -> None:
        keep_memory_private()
        #: The driver's files and the browsers' profiles. `stop` removes them.
        self._folder = Path(tempfile.mkdtemp(prefix="hyperframes-driver-"))
        _confine_next(self._folder)
        self._starting = asyncio.ensure_future(async_playwright().start())

    async def ready(self) -> Playwright:
        """Wait until the driver has started and return it."""
        return await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End the driver; may be called again. Waits for a driver that is starting: only a started one can be ended."""
        try:
            await asyncio.wait({self._starting})
            if not self._starting.cancelled() and self._starting.exception() is None:
                with contextlib.suppress(Exception):  # the driver was killed
                    await asyncio.wait_for(self._starting.result().stop(), _STOP_TIMEOUT)
        finally:
            self._forget()

    def _forget(self) -> None:
        """Kill the processes that did not end, and remove the driver's files."""
        with contextlib.suppress(OSError, ValueError):
            end_tree(int((self._folder / PID_FILE).read_text()))
        reap_adopted()
        _restore_environment(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def _confine_next(folder: Path) -> None:
    """Set the environment variables that make Playwright start the launcher, and those that the launcher reads."""
    if os.environ.get("PLAYWRIGHT_NODEJS_PATH") != _LAUNCHER:
        own = Path(playwright.__file__).with_name("driver") / "node"
        os.environ["HYPERFRAMES_RENDER_NODE"] = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or str(own)
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = _LAUNCHER
    os.environ["HYPERFRAMES_RENDER_PYTHON"] = sys.executable
    os.environ["HYPERFRAMES_RENDER_COMPILED_DRIVER"] = str(SHARED)
    os.environ["HYPERFRAMES_RENDER_DRIVER_FOLDER"] = str(folder)
    os.environ["HYPERFRAMES_RENDER_MEMORY"] = str(memory_ceiling())


def _restore_environment(folder: Path) -> None:
    """Undo `_confine_next`, unless a later driver has called it: other code in this process may use Playwright."""
    if os.environ.get("HYPERFRAMES_RENDER_DRIVER_FOLDER") != str(folder):
        return
    del os.environ["HYPERFRAMES_RENDER_DRIVER_FOLDER"]
    own = str(Path(playwright.__file__).with_name("driver") / "node")
    node = os.environ.pop("HYPERFRAMES_RENDER_NODE", own)
    if node == own:
        os.environ.pop("PLAYWRIGHT_NODEJS_PATH", None)
    else:
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = node
