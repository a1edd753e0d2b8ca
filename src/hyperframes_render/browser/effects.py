"""Effects on sounds: the official renderer's graph of Web Audio nodes, run in a separate page."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, Error, Page, Route

from hyperframes_render.browser.scripts import script_text
from hyperframes_render.media.sound_clip import Effects
from hyperframes_render.media.sound_effects import CHANNELS, SAMPLE_RATE, EffectsFailed, Samples

#: The script that applies effects, below the packages' folder: part of the official CLI (setup/30-packages.sh).
RUNTIME = Path("hyperframes/dist/sound-effects.js")
#: A secure origin: audio worklets need one. Nothing is fetched from it.
_ADDRESS = "https://effects.local/"
#: Samples in one message to or from the browser: 2 MB as text.
_PIECE = 384 * 1024
#: Seconds for one window. Effects are computed 20 to 200 times faster than real time.
_TIMEOUT = 100.0


class EffectsPage:
    """Applies effects for the mixing thread. Create it in the event loop's thread; its page opens at first use."""

    def __init__(self, browser: Browser, packages: Path, heartbeat: Callable[[], None]) -> None:
        """`heartbeat` is called after each window, to report progress."""
        self._browser, self._packages, self._heartbeat = browser, packages, heartbeat
        self._loop = asyncio.get_running_loop()
        self._page: Page | None = None

    def __call__(self, samples: Samples, effects: Effects, elapsed: float) -> Samples:
        """See Processor. Called from another thread than the event loop's."""
        work = asyncio.run_coroutine_threadsafe(self._process(samples, effects, elapsed), self._loop)
        return work.result()

    async def _process(self, samples: Samples, effects: Effects, elapsed: float) -> Samples:
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._apply(await self._opened(), samples, effects, elapsed)
        except TimeoutError:
            raise EffectsFailed(f"they took longer than {_TIMEOUT:g} s") from None
        except Error as error:
            raise EffectsFailed(error.message.splitlines()[0].removeprefix("Page.evaluate: ")[:200]) from None

    async def _opened(self) -> Page:
        if self._page is None:
            context = await self._browser.new_context(service_workers="block", accept_downloads=False)
            await context.route("**/*", _answer)
            page = await context.new_page()
            await page.goto(_ADDRESS, wait_until="domcontentloaded")
            await page.evaluate((self._packages / RUNTIME).read_text("utf-8"))
            await page.evaluate(script_text("effects.js"))
            self._page = page
        return self._page

    async def _apply(self, page: Page, samples: Samples, effects: Effects, elapsed: float) -> Samples:
        await page.evaluate("(channels) => hyperframesRenderEffects.begin(channels)", CHANNELS)
        for channel in range(CHANNELS):
            for at in range(0, len(samples), _PIECE):
                piece = np.ascontiguousarray(samples[at : at + _PIECE, channel], "<f4")
                text = base64.b64encode(piece.tobytes()).decode("ascii")
                await page.evaluate(
                    "([channel, text]) => hyperframesRenderEffects.give(channel, text)", [channel, text]
                )
        count = await page.evaluate(
            "(given) => hyperframesRenderEffects.apply(...given)",
            [SAMPLE_RATE, effects.chain, effects.automation, elapsed],
        )
        made = np.empty((int(count), CHANNELS), np.float32)
        for channel in range(CHANNELS):
            for at in range(0, len(made), _PIECE):
                end = min(at + _PIECE, len(made))
                text = await page.evaluate("(given) => hyperframesRenderEffects.take(...given)", [channel, at, end])
                made[at:end, channel] = np.frombuffer(base64.b64decode(text), "<f4")
        self._heartbeat()
        return made


async def _answer(route: Route) -> None:
    if route.request.url == _ADDRESS:
        await route.fulfill(body="<!doctype html><title>effects</title>", content_type="text/html")
    else:
        await route.abort("blockedbyclient")
