"""The command line. Options of `render` are made from RenderInput: one truth about input."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import math
import signal
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from hyperframes_render import __version__
from hyperframes_render.errors import InvalidOption, RenderError
from hyperframes_render.formats import Codec
from hyperframes_render.task import RenderInput, parse_render_input

#: What a shell expects of a program that Ctrl-C ended.
_INTERRUPTED = 128 + signal.SIGINT
Command = Callable[..., Any]


def render_input_options(without: Collection[str] = ()) -> Callable[[Command], Command]:
    """One option for each field of RenderInput; its values are checked by the model, not by click."""

    def decorate(command: Command) -> Command:
        for name, field in reversed(RenderInput.model_fields.items()):
            if name in without:
                continue
            public = field.serialization_alias or name
            flag = f"--{public.replace('_', '-')}"
            if field.annotation is bool:
                option = click.option(flag, name, is_flag=True, default=None, help=field.description)
            else:
                option = click.option(flag, name, default=None, metavar=public.upper(), help=field.description)
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Render HyperFrames compositions to video."""


@main.command()
@click.argument("source", metavar="INPUT")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The file to write: its suffix fits the codec.",
)
@render_input_options()
@click.option("--workers", type=click.IntRange(1, 16), help="Browsers that feed one encoder. Default: what pays.")
@click.option("--chunks", type=click.IntRange(1, 1000), default=1, help="Pieces that are encoded apart and joined.")
@click.option("--poster", type=click.Path(path_type=Path), help="A picture (.jpg) that stands for the video.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; progress as JSON lines on stderr.")
def render(
    source: str,
    output: Path,
    workers: int | None,
    chunks: int,
    poster: Path | None,
    as_json: bool,
    **fields: str | bool | None,
) -> None:
    """Render INPUT (an .html file, a project folder or a .zip of one) to a video."""
    from hyperframes_render.progress_output import progress_output

    with _readable_errors(as_json), progress_output(as_json) as listener:
        request = parse_render_input({name: value for name, value in fields.items() if value is not None})
        result = _run(_render_here(Path(source), output, request, workers, chunks, listener))
        if poster is not None:
            importlib.import_module("hyperframes_render.media.stills").make_poster(output, poster)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    for warning in result.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(
        f"{result.output}: {result.width}x{result.height}, {result.frames} frames at {result.fps} fps, "
        f"{result.duration:g} s, {result.size / 1e6:.2f} MB in {result.timings['total']:.1f} s"
    )


@main.command()
@click.argument("source", metavar="INPUT")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(source: str, as_json: bool) -> None:
    """Open INPUT without rendering: what it declares, its timeline, and what would be wrong. Exit 1 on errors."""
    from hyperframes_render.render.check import as_text
    from hyperframes_render.render.check import check as look

    with _readable_errors(as_json):
        report = _run(look(Path(source), parse_render_input({})))
    click.echo(json.dumps(report.as_dict()) if as_json else as_text(report))
    sys.exit(0 if report.ok else 1)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port to answer on.")
@click.option("--api-key", metavar="KEY", help="The key that callers send. Default: a new one, which is printed.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for all that is kept, with the drop folder's inbox/ and outbox/. Default: a temporary one.",
)
@click.option("--allow-private-webhooks", is_flag=True, help="Let webhooks go to private addresses and plain http.")
def serve(port: int, api_key: str | None, data: Path | None, allow_private_webhooks: bool) -> None:
    """Run the whole stack on this machine and answer the API until Ctrl-C."""
    from hyperframes_render.local.serve import ServeOptions
    from hyperframes_render.local.serve import serve as run

    with _readable_errors(as_json=False), suppress(KeyboardInterrupt):
        run(ServeOptions(port, api_key, data, allow_private_webhooks), lambda text: click.echo(text, err=True))


@main.command()
@click.argument("source", metavar="INPUT")
@click.option("--memory", type=click.IntRange(1769, 10240), default=3008, show_default=True, help="Megabytes.")
@click.option("--parallel", type=click.IntRange(1, 10_000), default=6, show_default=True, help="Chunks at once.")
@click.option("--architecture", type=click.Choice(["x86_64", "arm64"]), default="x86_64", show_default=True)
@render_input_options(without={"audio_url"})
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def estimate(
    source: str, memory: int, parallel: int, architecture: Any, as_json: bool, **fields: str | bool | None
) -> None:
    """Look at INPUT for some seconds and say what rendering it in AWS will take and cost: a model, see docs/cost.md."""
    with _readable_errors(as_json):
        from hyperframes_render.api.estimate import Stack, Workload, predict_planned
        from hyperframes_render.render.steps import probe

        request = parse_render_input({name: value for name, value in fields.items() if value is not None})
        seen = probe(Path(source), request)
        plan = seen.plan
        work = Workload(plan.frames, float(plan.fps), *plan.coded_size, seen.seconds_per_frame)
        predicted = predict_planned(work, Stack(memory, parallel, architecture))
    if as_json:
        frame = {"frames": plan.frames, "frame_milliseconds": round(1000 * seen.seconds_per_frame, 1)}
        click.echo(json.dumps({**frame, **predicted.as_dict()}))
        return
    click.echo(
        f"{plan.frames} frames at {1000 * seen.seconds_per_frame:.0f} ms here: about {predicted.seconds:.0f} s and "
        f"${predicted.usd:.4f} in {predicted.chunks} chunk{'s' if predicted.chunks > 1 else ''} "
        f"({memory} MB {architecture}, {parallel} at once, all started cold)."
    )


#: What RenderInput holds that means nothing for a still picture.
_NOT_FOR_STILLS = {"codec", "quality", "audio_url"}


@main.command()
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The image to write.")
@click.option("--at", metavar="SECONDS", help="Times, separated by commas. Default: nine over the whole length.")
@render_input_options(without=_NOT_FOR_STILLS)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def snapshot(source: str, output: Path, at: str | None, as_json: bool, **fields: str | bool | None) -> None:
    """Draw INPUT at some times without rendering it: one picture, or a sheet of several with their times."""
    with _readable_errors(as_json):
        given = {name: value for name, value in fields.items() if value is not None}
        request = parse_render_input({**given, "codec": Codec.PNG})
        drawn = _run(_snapshot_here(Path(source), output, request, _times(at)))
    if as_json:
        click.echo(json.dumps(drawn.as_dict()))
        return
    for warning in drawn.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{drawn.output}: {drawn.width}x{drawn.height}, at {', '.join(f'{t:g}' for t in drawn.times)} s")


def _times(text: str | None) -> list[float]:
    try:
        times = [float(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        raise InvalidOption(f'at: "{text}" is no list of seconds such as 1,2.5.') from None
    if text is not None and not (times and all(math.isfinite(time) for time in times)):
        raise InvalidOption(f'at: "{text}" is no list of seconds such as 1,2.5.')
    return times


async def _snapshot_here(source: Path, output: Path, request: RenderInput, times: list[float]) -> Any:
    from hyperframes_render.browser.driver import BrowserDriver

    driver = BrowserDriver()
    try:
        still = await asyncio.to_thread(importlib.import_module, "hyperframes_render.render.snapshot")
        return await still.take_snapshot(source, output, request, times, driver=driver)
    finally:
        await driver.stop()


async def _render_here(
    source: Path, output: Path, request: RenderInput, workers: int | None, chunks: int, listener: Any
) -> Any:
    """Start the browser driver while the rest of the program is imported."""
    from hyperframes_render.browser.driver import BrowserDriver

    driver = BrowserDriver()
    try:
        job = await asyncio.to_thread(importlib.import_module, "hyperframes_render.render.job")
        options = job.LocalOptions(workers, chunks, _local_file(request.audio_url))
        return await job.render(source, output, request, options, listener, driver)
    finally:
        await driver.stop()


def _local_file(address: str | None) -> Path | None:
    """The file of this machine that an address names, for whoever runs the command may read it."""
    return Path(address) if address is not None and Path(address).exists() else None


def _run(work: Any) -> Any:
    """Run a coroutine; Ctrl-C and SIGTERM cancel it, so that it ends its children and removes its files."""

    # Imports and messages make few cycles and many objects: the default would search them a hundred times.
    gc.set_threshold(100_000, 20, 20)

    async def supervised() -> Any:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(supervised())
    except asyncio.CancelledError:
        click.echo("Interrupted: nothing was written.", err=True)
        sys.exit(_INTERRUPTED)
    finally:
        # The process is about to end: a last search for cycles among its objects takes a tenth of a second.
        gc.freeze()


class _readable_errors:
    """Turns a RenderError into one line on stderr (or JSON on stdout) and exit status 1."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RenderError):
            if self._as_json:
                click.echo(json.dumps({"error": error.as_dict()}))
            text = f"error: {error}"
            click.echo(text if len(text) <= 390 else text[:387] + "...", err=True)
            sys.exit(1)
