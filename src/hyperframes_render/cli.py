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
        work = Workload.of_plan(plan, seen.seconds_per_frame)
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
    return await _with_driver(
        "hyperframes_render.render.snapshot",
        lambda still, driver: still.take_snapshot(source, output, request, times, driver=driver),
    )


@main.command()
@click.argument("source", metavar="INPUT")
@click.option("--url", help="The API. Default: HYPERFRAMES_RENDER_URL, else the server on this machine.")
@click.option("--key", help="The API key. Default: HYPERFRAMES_RENDER_KEY or INFERENCE_API_KEY.")
@click.option("--wait", is_flag=True, help="Wait for the end, and show progress.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save the video here; waits for it.")
@click.option("--webhook", metavar="URL", help="An https address that is told of the end.")
@click.option("--rows", type=click.Path(path_type=Path), help="A .jsonl of variables: one task for each row.")
@click.option("--json", "as_json", is_flag=True, help="Print the task as JSON.")
@render_input_options()
def submit(
    source: str,
    url: str | None,
    key: str | None,
    wait: bool,
    output: Path | None,
    webhook: str | None,
    rows: Path | None,
    as_json: bool,
    **fields: str | bool | None,
) -> None:
    """Send INPUT (a file, a project folder, or an address) to the API of a stack."""
    from hyperframes_render import submit as client

    with _readable_errors(as_json):
        given = {name: value for name, value in fields.items() if value is not None}
        request = parse_render_input(given)
        asked = request.model_dump(mode="json", by_alias=True, include=set(given))
        target = client.target_of(url, key)
        with _progress_line() as say:
            submitter = client.Submitter(target, say, asked, webhook)
            if rows is not None:
                _submit_rows(client.submit_rows(submitter, source, rows, wait))
                return
            task = submitter.submit(source)
            if wait or output is not None:
                task = submitter.wait(task)
        _answer_task(task, output, as_json)


def _submit_rows(entries: Any) -> None:
    """One line of JSON for each row."""
    failed = 0
    for entry in entries:
        failed += entry.get("status") in (11, 12, 13)
        click.echo(json.dumps(entry))
    if failed:
        click.echo(f"error: {failed} of the rows came to no video; run the same command again to retry them.", err=True)
        sys.exit(1)


def _answer_task(task: dict[str, Any], output: Path | None, as_json: bool) -> None:
    """Print what became of the task; save its video."""
    from hyperframes_render.submit import SubmitFailed

    if task["status"] in (11, 12, 13):
        raise SubmitFailed(f"The task {task['id']} is {task.get('status_text', 'over')}: {task.get('error')}")
    if output is not None:
        import urllib.request

        part = output.with_name(f".{output.name}.part")
        output.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(task["output"]["video"]["uri"], timeout=60) as video, part.open("wb") as file:
            while block := video.read(1024 * 1024):
                file.write(block)
        part.replace(output)
    if as_json:
        click.echo(json.dumps(task))
    elif output is not None:
        click.echo(str(output))
    else:
        video = (task.get("output") or {}).get("video")
        click.echo(video["uri"] if video else task["id"])


class _progress_line:
    """Progress on stderr: one line that is written over where somebody looks, whole lines elsewhere."""

    def __init__(self) -> None:
        self._shown = ""
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Callable[[str], None]:
        return self._say

    def __exit__(self, *_: object) -> None:
        if self._live and self._shown:
            click.echo(err=True)

    def _say(self, text: str) -> None:
        if text and text != self._shown:
            click.echo(f"\r\x1b[2K{text}" if self._live else text, err=True, nl=not self._live)
            self._shown = text


@main.group()
def keys() -> None:
    """API keys: of the server on this machine (--data), or of a stack in AWS (--stack)."""


def _where(command: Command) -> Command:
    data = click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder of a running `serve`."
    )
    stack = click.option("--stack", default="hyperframes-render", show_default=True, help="The stack's name in AWS.")
    return data(stack(command))


@keys.command("create")
@click.option("--name", required=True, help="Whose key it is.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(["run", "read", "upload"]), help="Repeat; default: all three."
)
@click.option("--expires-in", metavar="TIME", help="12h, 90d, 52w. Default: never.")
@click.option("--runs-a-minute", type=click.IntRange(0, 100_000), default=100, show_default=True, help="0: any number.")
@click.option("--uploads-a-minute", type=click.IntRange(0, 100_000), default=50, show_default=True, help="0: any.")
@click.option("--tasks-at-once", type=click.IntRange(0, 2000), default=0, show_default=True, help="0: any number.")
@click.option("--frames-a-day", type=click.IntRange(0), default=0, show_default=True, help="0: any number.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@_where
def create_key(
    name: str,
    scopes: tuple[str, ...],
    expires_in: str | None,
    as_json: bool,
    data: Path | None,
    stack: str,
    **limits: int,
) -> None:
    """Make a key. It is shown once."""
    from hyperframes_render.api.ports import KeyLimits
    from hyperframes_render.local.keys import open_keys

    with _readable_errors(as_json):
        made = open_keys(data, stack).create(name, scopes, expires_in, KeyLimits(**limits))
    if as_json:
        facts = {"key": made.key, "id": made.record.owner, "name": name, "webhook_secret": made.webhook_secret}
        click.echo(json.dumps({**facts, "scopes": made.record.scopes, "expires_at": made.record.expires_at}))
        return
    click.echo(f"key:            {made.key}\nid:             {made.record.owner}")
    click.echo(f"webhook secret: {made.webhook_secret}\nKeep both: they are not shown again.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@_where
def list_keys(as_json: bool, data: Path | None, stack: str) -> None:
    """Show the keys, without what is secret."""
    from dataclasses import asdict

    from hyperframes_render.local.keys import open_keys

    with _readable_errors(as_json):
        records = open_keys(data, stack).all()
    shown = [{name: value for name, value in asdict(record).items() if name != "hash"} for record in records]
    if as_json:
        click.echo(json.dumps(shown))
        return
    for record in records:
        state = "revoked" if record.revoked else f"until {record.expires_at}" if record.expires_at else "valid"
        limits = ", ".join(f"{name} {value}" for name, value in asdict(record.limits).items() if value)
        scopes = ",".join(record.scopes)
        click.echo(f"{record.owner}  {record.prefix}…  {state:8}  {scopes}  {record.name}  ({limits or 'no limits'})")


@keys.command("revoke")
@click.argument("which", metavar="KEY")
@_where
def revoke_key(which: str, data: Path | None, stack: str) -> None:
    """Let KEY (its id, prefix or name) be of no use any more; it works for half a minute at most."""
    from hyperframes_render.local.keys import open_keys

    with _readable_errors(as_json=False):
        record = open_keys(data, stack).revoke(which)
    click.echo(f"{record.owner} ({record.name}) is revoked")


@keys.command("rotate-webhook-secret")
@click.argument("which", metavar="KEY")
@_where
def rotate_webhook_secret(which: str, data: Path | None, stack: str) -> None:
    """Make a new webhook secret for KEY; webhooks carry signatures of both for a day."""
    from hyperframes_render.local.keys import open_keys

    with _readable_errors(as_json=False):
        record, secret = open_keys(data, stack).rotate_webhook_secret(which)
    click.echo(f"webhook secret of {record.owner} ({record.name}): {secret}")


async def _render_here(
    source: Path, output: Path, request: RenderInput, workers: int | None, chunks: int, listener: Any
) -> Any:
    def work(job: Any, driver: Any) -> Any:
        options = job.LocalOptions(workers, chunks, _local_file(request.audio_url))
        return job.render(source, output, request, options, listener, driver)

    return await _with_driver("hyperframes_render.render.job", work)


async def _with_driver(module: str, work: Callable[[Any, Any], Any]) -> Any:
    """Start the browser driver while `module`, and with it the rest of the program, is imported; then do `work`."""
    from hyperframes_render.browser.driver import BrowserDriver

    driver = BrowserDriver()
    try:
        return await work(await asyncio.to_thread(importlib.import_module, module), driver)
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
