"""Progress on stderr: a bar on a terminal, or JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from hyperframes_render.render.progress import Listener, Progress

#: Seconds between two JSON lines, and between two updates of the bar.
_INTERVAL_JSON, _INTERVAL_BAR = 0.5, 0.1
_BAR_WIDTH = 30


@contextmanager
def progress_output(as_json: bool) -> Iterator[Listener | None]:
    """A progress listener that writes to stderr; None if stderr is not a terminal and `as_json` is not set.

    The bar is cleared at the end.
    """
    if as_json:
        yield _throttled(lambda progress: click.echo(_json_line(progress), err=True), _INTERVAL_JSON)
    elif sys.stderr.isatty():
        try:
            yield _throttled(
                lambda progress: click.echo(f"\r{_bar(progress)}\x1b[K", err=True, nl=False), _INTERVAL_BAR
            )
        finally:
            click.echo("\r\x1b[K", err=True, nl=False)
    else:
        yield None


def _throttled(write: Listener, interval: float) -> Listener:
    last = ("", 0.0)

    def listener(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.phase != last[0] or now - last[1] >= interval:
            last = (progress.phase, now)
            write(progress)

    return listener


def _json_line(progress: Progress) -> str:
    rounded = {key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(progress).items()}
    return json.dumps({"progress": rounded})


def _bar(progress: Progress) -> str:
    if not progress.frames_total or progress.phase != "render":
        return f"{progress.phase} ..."
    share = progress.frames_done / progress.frames_total
    filled = round(share * _BAR_WIDTH)
    left = "" if progress.remaining is None else f", {progress.remaining:.0f} s left"
    return (
        f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {progress.frames_done}/{progress.frames_total} frames, "
        f"{progress.frames_per_second:.0f} fps{left}"
    )
