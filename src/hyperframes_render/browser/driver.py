"""Playwright's driver: a process of its own that takes a third of a second to start and a tenth to end."""

from __future__ import annotations

import asyncio
import contextlib

from playwright.async_api import Playwright, async_playwright


class BrowserDriver:
    """A driver that starts at once and may be stopped early; both happen beside other work."""

    def __init__(self) -> None:
        self._starting = asyncio.ensure_future(async_playwright().start())

    async def ready(self) -> Playwright:
        """The driver, once it is up."""
        return await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End it; harmless when repeated. One that is still starting is waited for: only then can it be ended."""
        await asyncio.wait({self._starting})
        if not self._starting.cancelled() and self._starting.exception() is None:
            with contextlib.suppress(Exception):  # a driver that was killed cannot say goodbye
                await self._starting.result().stop()
