"""Starts Chromium, and makes the DevTools calls that capture needs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession, Error, Page, Playwright

from hyperframes_render.browser.flags import chromium_flags
from hyperframes_render.errors import BrowserFailed, PageUnresponsive, SetupIncomplete
from hyperframes_render.sandbox.confine import NICENESS, SHARED, preload_variables
from hyperframes_render.sandbox.processes import end_tree, tree_seconds

#: Debian's package installs a shell wrapper for the desktop and the program itself; only the program is needed.
_CHROMIUM_PATHS = ("/usr/lib/chromium/chromium-headless-shell", "/usr/bin/chromium-headless-shell")

#: Seconds for the browser process to answer after start: 0.3-0.6 measured, cold container disks are slower.
LAUNCH_TIMEOUT = 60.0
#: Seconds for a started browser to open its blank page; it takes 0.1. If the browser is killed meanwhile, the driver
#: may never answer.
FIRST_PAGE_TIMEOUT = 20.0
#: Seconds for the driver to notice that a browser has ended.
CLOSE_TIMEOUT = 10.0
#: The frame clock at the start of loading, in milliseconds. It is later than any machine's uptime: for transitions the
#: browser uses the later of both clocks, so a smaller value would make them follow the machine's clock, or stop.
LOAD_CLOCK_START = 10_000_000_000.0
#: Seconds to seek or draw one frame before the page counts as unresponsive. A heavy 4K blur takes about 3.
FRAME_TIMEOUT = 45.0
#: Multiples of a timeout: one measurement of the browser's CPU share, and the longest wait. The watchdog ends a render
#: without progress after 120 s.
PATIENCE_STEP, MOST_PATIENCE = 1 / 9, 2.5
#: CPU share (1: one processor) up to which a browser counts as idle.
IDLE_SHARE = 0.1


def chromium_path() -> str:
    """Chromium's headless shell. Raises SetupIncomplete where it is not installed."""
    override = os.environ.get("HYPERFRAMES_RENDER_CHROMIUM")
    candidates = [override] if override else [*_CHROMIUM_PATHS, shutil.which("chromium-headless-shell") or ""]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise SetupIncomplete(
        f"Chromium's headless shell is missing (looked for {', '.join(c for c in candidates if c)}).",
        'Run "make setup", or install the Debian package chromium-headless-shell.',
    )


def child_environment(home: Path) -> dict[str, str]:
    """The whole environment of a child process. Nothing is inherited, so it has no credentials."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


@dataclass
class Chromium:
    """One running browser with one page, and the frame clock that drives it."""

    browser: Browser
    context: BrowserContext
    page: Page
    devtools: CDPSession
    browser_pid: int | None
    display_pid: int | None
    #: The frame clock that was last sent to the browser, in milliseconds.
    ticks: float = LOAD_CLOCK_START
    #: The DevTools object id of the page's window, set at the first use.
    _window: str | None = None

    async def close(self) -> None:
        """Kill the browser and all its processes: its profile is not kept."""
        if self.browser_pid is not None:
            await asyncio.to_thread(end_tree, self.browser_pid)
        await _close(self.browser)

    async def evaluate(self, expression: str, *, timeout: float | None = None) -> Any:
        """The JSON value of a JavaScript expression in the page, its promise awaited `timeout` seconds at most."""
        answer = await self._ask(
            self.devtools.send(
                "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
            ),
            timeout or FRAME_TIMEOUT,
        )
        return _value(answer)

    async def call(self, function: str, *arguments: object) -> Any:
        """The JSON value of a JavaScript function called in the page, its promise awaited.

        For large arguments: the browser keeps the text of every expression that is evaluated.
        """
        if self._window is None:
            answer = await self._ask(self.devtools.send("Runtime.evaluate", {"expression": "window"}), FRAME_TIMEOUT)
            self._window = str(answer["result"]["objectId"])
        parameters = {
            "functionDeclaration": function,
            "objectId": self._window,
            "arguments": [{"value": argument} for argument in arguments],
            "returnByValue": True,
            "awaitPromise": True,
        }
        return _value(await self._ask(self.devtools.send("Runtime.callFunctionOn", parameters), FRAME_TIMEOUT))

    async def begin_frame(
        self, ticks: float, interval_ms: float = 33.0, *, screenshot: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Draw one frame at `ticks` milliseconds. Answers `hasDamage` and, if asked, `screenshotData`."""
        self.ticks = ticks
        arguments: dict[str, Any] = {"frameTimeTicks": ticks, "interval": interval_ms}
        if screenshot is not None:
            arguments["screenshot"] = screenshot
        try:
            return await self._ask(self.devtools.send("HeadlessExperimental.beginFrame", arguments), FRAME_TIMEOUT)
        except Error as error:  # e.g. "another frame is pending": a frame from the loading never ended
            raise PageUnresponsive(f"The page cannot be drawn: {error.message[:120]}.") from error

    async def tick(self, milliseconds: float) -> None:
        """Advance the page's frame clock without drawing: the page gets a frame, and the browser sends its events."""
        self.ticks += milliseconds
        await self.devtools.send(
            "HeadlessExperimental.beginFrame",
            {"frameTimeTicks": self.ticks, "interval": 33.0, "noDisplayUpdates": True},
        )

    async def check_alive(self) -> None:
        """Raise BrowserFailed where the browser or the page's process is gone."""
        await self.evaluate("0")

    async def _ask(self, call: Awaitable[dict[str, Any]], timeout: float) -> dict[str, Any]:
        answer = asyncio.ensure_future(call)
        try:
            await asyncio.wait({answer}, timeout=timeout)
            if not answer.done():
                await self._wait_longer(answer, timeout)
            if not answer.done():
                raise PageUnresponsive(f"The page did not respond within {timeout:g} s.")
            return answer.result()
        except Error as error:
            if not self.browser.is_connected() or reports_dead_browser(error):
                raise BrowserFailed("The browser died.", "Try again.") from error
            raise
        finally:
            answer.cancel()

    async def _wait_longer(self, answer: asyncio.Future[dict[str, Any]], timeout: float) -> None:
        """Wait until the browser has used `timeout` seconds of CPU time, estimated from its current share.

        A busy machine gives the browser less than one processor. Returns early if the browser has a whole processor or
        is idle.
        """
        step, waited = timeout * PATIENCE_STEP, timeout
        while self.browser_pid is not None and waited < MOST_PATIENCE * timeout:
            before = await asyncio.to_thread(tree_seconds, self.browser_pid)
            await asyncio.wait({answer}, timeout=step)
            share = (await asyncio.to_thread(tree_seconds, self.browser_pid) - before) / step
            waited += step
            if answer.done() or not IDLE_SHARE < share < 1 or share * waited >= timeout:
                return


def reports_dead_browser(error: Error) -> bool:
    """Whether `error` means that the browser or the page has ended."""
    return "closed" in str(error).lower() or "crash" in str(error).lower()


def _value(answer: dict[str, Any]) -> Any:
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        text = details.get("exception", {}).get("description") or details.get("text", "error")
        raise Error(str(text))
    return answer["result"].get("value")


async def launch_chromium(
    playwright: Playwright, *, width: int, height: int, scale_factor: float, transparent: bool, job: Path
) -> Chromium:
    """Start Chromium with one blank page of `width` by `height` CSS pixels, each `scale_factor` device pixels.

    `transparent`: nothing is painted below the page, and a PNG screenshot has alpha.

    `job` is a writable folder that becomes the browser's home. Raises BrowserFailed or SetupIncomplete.
    """
    executable = chromium_path()
    home = job / "browser-home"
    home.mkdir(exist_ok=True)
    try:
        browser = await playwright.chromium.launch(
            executable_path=executable,
            args=chromium_flags(width, height, scale_factor),
            env={**child_environment(home), **preload_variables(SHARED)},
            timeout=LAUNCH_TIMEOUT * 1000,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
    except Error as error:
        reason = _last_lines(str(error))
        raise BrowserFailed(f"Chromium did not start: {reason}", "See docs/reference/limits.md.") from error
    try:
        async with asyncio.timeout(FIRST_PAGE_TIMEOUT):
            return await _open_blank(browser, width, height, scale_factor, transparent=transparent)
    except (Error, TimeoutError) as error:
        await _close(browser)
        raise BrowserFailed("The browser died while it was starting.", "Try again.") from error


async def _close(browser: Browser) -> None:
    """Close the browser through the driver. A browser that has ended already is no error."""
    with contextlib.suppress(Error, TimeoutError):
        await asyncio.wait_for(browser.close(), CLOSE_TIMEOUT)


async def _open_blank(browser: Browser, width: int, height: int, scale_factor: float, *, transparent: bool) -> Chromium:
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale_factor,
        service_workers="block",
        accept_downloads=False,
        locale="en-US",
        timezone_id="UTC",
    )
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    # Playwright sets generic families of its own; the official renderer has the browser's: "monospace" differs.
    await devtools.send("Page.setFontFamilies", {"fontFamilies": {"fixed": "Courier New"}})
    if transparent:
        nothing = {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        await devtools.send("Emulation.setDefaultBackgroundColorOverride", nothing)
    processes = await _processes(browser)
    if "browser" in processes:
        _yield_to_encoder(processes["browser"])
    # The display process draws the final frame. Chromium calls it the GPU process, even without a GPU.
    return Chromium(browser, context, page, devtools, processes.get("browser"), processes.get("GPU"))


def _yield_to_encoder(browser_pid: int) -> None:
    """Lower the browser's autogroup priority: kernels with autogroups ignore niceness between sessions."""
    with contextlib.suppress(OSError):  # no such kernel
        Path(f"/proc/{browser_pid}/autogroup").write_text(str(NICENESS))


async def _processes(browser: Browser) -> dict[str, int]:
    """Process ids by Chromium's names for their kinds."""
    session = await browser.new_browser_cdp_session()
    answer = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return {process["type"]: process["id"] for process in answer["processInfo"]}


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:1] + lines[-1:])[:300]
