"""A browser that fails while it starts raises a coded error in bounded time, and leaves no process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.async_api import Browser, async_playwright

from hyperframes_render.browser import chromium
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.errors import BrowserFailed


async def _hang(browser: Browser, *arguments: Any, **options: Any) -> None:
    """Wait for a page that is never opened."""
    await asyncio.Event().wait()


async def _kill_browser(browser: Browser, *arguments: Any, **options: Any) -> Any:
    for process in _browsers():
        process.kill()
    return await _open_blank(browser, *arguments, **options)


_open_blank = chromium._open_blank


def _browsers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [
        child for child in children if child.name().startswith("chromium") and child.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("open_blank", [_hang, _kill_browser])
def test_a_browser_that_fails_while_it_starts_is_a_coded_error(
    open_blank: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "_open_blank", open_blank)
    monkeypatch.setattr(chromium, "FIRST_PAGE_TIMEOUT", 2.0)

    async def launch() -> None:
        driver = BrowserDriver()
        try:
            with pytest.raises(BrowserFailed):
                await chromium.launch_chromium(
                    await driver.ready(), width=64, height=36, scale_factor=1, transparent=False, job=tmp_path
                )
        finally:
            await driver.stop()

    asyncio.run(asyncio.wait_for(launch(), 30))
    assert not _browsers()


def test_playwright_starts_in_this_process_after_a_driver_has_ended() -> None:
    async def start_both() -> str:
        driver = BrowserDriver()
        await driver.ready()
        await driver.stop()
        async with async_playwright() as plain:
            return plain.chromium.name

    assert asyncio.run(start_both()) == "chromium"
