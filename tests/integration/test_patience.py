"""A page that is slow because the machine does other things is waited for; one that hangs is not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hyperframes_render.browser import chromium
from hyperframes_render.errors import PageUnresponsive

TIMEOUT = 0.18  # seconds, of which a look at the processors takes a ninth


def browser(monkeypatch: pytest.MonkeyPatch, shares: Iterator[float]) -> chromium.Chromium:
    """A browser that takes these shares of a processor, one after the other as it is looked at."""
    spent = itertools.count()
    step = TIMEOUT * chromium.PATIENCE_STEP
    seconds: Iterator[float] = (share * step if odd else 0.0 for share in shares for odd in (False, True))
    monkeypatch.setattr(chromium, "tree_seconds", lambda pid: (next(spent), next(seconds))[1])
    fake: Any = SimpleNamespace(is_connected=lambda: True)
    return chromium.Chromium(fake, fake, fake, fake, browser_pid=1, display_pid=None)


async def waited(ask: chromium.Chromium, answer_after: float) -> float:
    """Seconds until the answer or the giving up, in timeouts."""

    async def answer() -> dict[str, Any]:
        await asyncio.sleep(answer_after * TIMEOUT)
        return {"result": {"value": 7}}

    started = asyncio.get_running_loop().time()
    try:
        assert await ask._ask(answer(), TIMEOUT) == {"result": {"value": 7}}
    finally:
        gone = (asyncio.get_running_loop().time() - started) / TIMEOUT
    return gone


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_browser_that_gets_little_of_the_processors_is_waited_for(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asyncio.run(waited(browser(monkeypatch, itertools.repeat(share)), 1.3)) > 1.2


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0, 1.9], ids=["idle", "nearly idle", "one processor", "two"])
def test_a_browser_that_has_what_it_takes_is_given_up(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(waited(browser(monkeypatch, itertools.repeat(share)), 3))


def test_patience_ends_with_the_processor_time_that_a_page_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(waited(browser(monkeypatch, itertools.repeat(0.5)), 3))


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageUnresponsive):
        asyncio.run(waited(browser(monkeypatch, itertools.repeat(0.11)), 20))
