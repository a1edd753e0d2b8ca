"""The memory of a render's processes is added up; a render over the limit ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hyperframes_render.errors import BrowserFailed, MemoryExceeded
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.watchdog import watched
from hyperframes_render.sandbox.memory import CEILING_SHARE, MemoryMeter, memory_ceiling

_MB = 1024**2


@pytest.fixture
def eater() -> Iterator[int]:
    """A child that holds 100 MB. Yields the bytes of other children, which other tests may have left running."""
    before = MemoryMeter(1)
    before.exceeded()
    code = "data = bytearray(b'x') * (100 * 1024**2); print('full', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield before.peak
        process.kill()


def test_the_ceiling_is_a_share_of_the_functions_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory_ceiling()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "100")
    assert memory_ceiling() == 100 * _MB * CEILING_SHARE < whole
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much")
    assert memory_ceiling() == whole


def lambda_memory(ceiling: int) -> str:
    """The memory in megabytes of a function whose ceiling is `ceiling` bytes."""
    return str(int(ceiling / CEILING_SHARE / _MB))


def test_the_memory_of_children_is_added_up(eater: int) -> None:
    meter = MemoryMeter(60 * _MB)
    assert meter.exceeded()
    assert meter.peak > eater + 90 * _MB
    assert not MemoryMeter(eater + 1000 * _MB).exceeded()


def test_a_render_over_the_ceiling_is_ended(eater: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "80")
    with pytest.raises(MemoryExceeded, match="a render may take 60 MB"):
        asyncio.run(watched(asyncio.sleep(60), ProgressMeter()))


def test_a_browser_that_dies_near_the_ceiling_raises_memory_exceeded(
    eater: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dying() -> None:
        await asyncio.sleep(2)
        raise BrowserFailed("The browser died.")

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", lambda_memory(eater + 180 * _MB))
    with pytest.raises(MemoryExceeded):
        asyncio.run(watched(dying(), ProgressMeter()))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", lambda_memory(10 * eater + 1800 * _MB))
    with pytest.raises(BrowserFailed):
        asyncio.run(watched(dying(), ProgressMeter()))
