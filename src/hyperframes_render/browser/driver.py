"""Playwright's driver: a process of its own that takes a third of a second to start and a tenth to end."""

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

#: What is started in place of the driver, gives up what it must not have, and becomes it (confine.py).
_LAUNCHER = str(Path(confine.__file__).with_name("confined-node"))
#: Seconds for the driver to end by itself: a tenth of one, unless a page kept it busy.
_STOP_TIMEOUT = 5.0


class BrowserDriver:
    """A driver that starts at once and may be stopped early; both happen beside other work."""

    def __init__(self) -> None:
        keep_memory_private()
        #: Its files, browsers' profiles among them: none outlives it.
        self._folder = Path(tempfile.mkdtemp(prefix="hyperframes-driver-"))
        _confine_next(self._folder)
        self._starting = asyncio.ensure_future(async_playwright().start())

    async def ready(self) -> Playwright:
        """The driver, once it is up."""
        return await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End it; harmless when repeated. One that is still starting is waited for: only then can it be ended."""
        try:
            await asyncio.wait({self._starting})
            if not self._starting.cancelled() and self._starting.exception() is None:
                with contextlib.suppress(Exception):  # a driver that was killed cannot say goodbye
                    await asyncio.wait_for(self._starting.result().stop(), _STOP_TIMEOUT)
        finally:
            self._forget()

    def _forget(self) -> None:
        """Kill what did not end, and remove its files."""
        with contextlib.suppress(OSError, ValueError):
            end_tree(int((self._folder / PID_FILE).read_text()))
        reap_adopted()
        _confine_no_more(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def _confine_next(folder: Path) -> None:
    """Tell Playwright, which reads its environment when it starts a driver, and the launcher what to start."""
    if os.environ.get("PLAYWRIGHT_NODEJS_PATH") != _LAUNCHER:
        own = Path(playwright.__file__).with_name("driver") / "node"
        os.environ["HYPERFRAMES_RENDER_NODE"] = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or str(own)
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = _LAUNCHER
    os.environ["HYPERFRAMES_RENDER_PYTHON"] = sys.executable
    os.environ["HYPERFRAMES_RENDER_COMPILED_DRIVER"] = str(SHARED)
    os.environ["HYPERFRAMES_RENDER_DRIVER_FOLDER"] = str(folder)
    os.environ["HYPERFRAMES_RENDER_MEMORY"] = str(memory_ceiling())


def _confine_no_more(folder: Path) -> None:
    """Take back what `_confine_next` set, unless for a later driver: Playwright works for others in this process."""
    if os.environ.get("HYPERFRAMES_RENDER_DRIVER_FOLDER") != str(folder):
        return
    del os.environ["HYPERFRAMES_RENDER_DRIVER_FOLDER"]
    own = str(Path(playwright.__file__).with_name("driver") / "node")
    node = os.environ.pop("HYPERFRAMES_RENDER_NODE", own)
    if node == own:
        os.environ.pop("PLAYWRIGHT_NODEJS_PATH", None)
    else:
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = node
