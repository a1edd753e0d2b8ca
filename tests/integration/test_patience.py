"""A page on a busy machine gets more time; a page that hangs does not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hyperframes_render.browser import chromium
from hyperframes_render.errors import PageUnresponsive

TIMEOUT = 0.18  # seconds; measuring processor time takes a ninth of it


def browser(monkeypatch: pytest.MonkeyPatch, shares: Iterator[float]) -> chromium.Chromium:
    """A browser whose processor use is one of `shares` after the other at each measurement."""
    spent = itertools.count()
    step = TIMEOUT * chromium.PATIENCE_STEP
    seconds: Iterator[float] = (share * step if odd else 0.0 for share in shares for odd in (False, True))
    monkeypatch.setattr(chromium, "tree_seconds", lambda pid: (next(spent), next(seconds))[1])
    fake: Any = SimpleNamespace(is_connected=lambda: True)
    return chromium.Chromium(fake, fake, fake, fake, browser_pid=1, display_pid=None)


async def wait(asked: chromium.Chromium, answer_after: float) -> float:
    """The time until the answer or the error, in multiples of TIMEOUT."""

    async def answer() -> dict[str, Any]:
        await asyncio.sleep(answer_after * TIMEOUT)
        return {"result": {"value": 7}}

    started = asyncio.get_running_loop().time()
    try:
        assert await asked._ask(answer(), TIMEOUT) == {"result": {"value": 7}}
    finally:
        elapsed = (asyncio.get_running_loop().time() - started) / TIMEOUT
    return elapsed


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_browser_with_little_processor_time_gets_more_time(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(wait(browser(monkeypatch, itertools.repeat(share)), 1.3)) > 1.2


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0, 1.9], ids=["idle", "nearly idle", "one processor", "two"])
def test_an_idle_or_a_busy_browser_gets_no_more_time(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(wait(browser(monkeypatch, itertools.repeat(share)), 3))


def test_more_time_ends_at_the_limit_of_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(wait(browser(monkeypatch, itertools.repeat(0.5)), 3))


def test_more_time_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(wait(browser(monkeypatch, itertools.repeat(0.11)), 20))
