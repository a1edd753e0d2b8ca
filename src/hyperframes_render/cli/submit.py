"""The `submit` command: a client of the API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hyperframes_render.cli.options import present_fields, render_input_options
from hyperframes_render.cli.running import readable_errors
from hyperframes_render.input import parse_render_input


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("--url", help="URL of the API. Default: HYPERFRAMES_RENDER_URL, else http://127.0.0.1:8080.")
@click.option("--key", help="API key. Default: HYPERFRAMES_RENDER_KEY, else INFERENCE_API_KEY.")
@click.option("--wait", is_flag=True, help="Wait until the task has ended, and show progress.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Wait for the video and save it to this file.")
@click.option("--webhook", metavar="URL", help="https URL that receives a signed request when the task ends.")
@click.option("--rows", type=click.Path(path_type=Path), help="A .jsonl file of variables: one task for each row.")
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
    """Submit INPUT (a file, a project folder, or a URL) to the API of a stack."""
    from hyperframes_render.cli import client as client

    with readable_errors(as_json):
        options = present_fields(fields)
        request = parse_render_input(options)
        task_input = request.model_dump(mode="json", by_alias=True, include=set(options))
        target = client.target_of(url, key)
        with progress_line() as say:
            submitter = client.Submitter(target, say, task_input, webhook)
            if rows is not None:
                _submit_rows(client.submit_rows(submitter, source, rows, wait))
                return
            task = submitter.submit(source)
            if wait or output is not None:
                task = submitter.wait(task)
        _print_task(task, output, as_json)


def _submit_rows(entries: Any) -> None:
    """Print one line of JSON for each row. Exit with status 1 if a row has no video."""
    from hyperframes_render.cli.client import WITHOUT_VIDEO

    failed = 0
    for entry in entries:
        failed += entry.get("status") in WITHOUT_VIDEO
        click.echo(json.dumps(entry))
    if failed:
        click.echo(f"error: {failed} rows have no video; run the same command again to retry them.", err=True)
        sys.exit(1)


def _print_task(task: dict[str, Any], output: Path | None, as_json: bool) -> None:
    """Print the result of the task, and save its video to `output`. Raises SubmitFailed if it has no video."""
    from hyperframes_render.cli.client import WITHOUT_VIDEO, SubmitFailed

    if task["status"] in WITHOUT_VIDEO:
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


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """A function that shows progress on stderr: one line, overwritten, on a terminal; else one line for each text."""
    shown, live = "", sys.stderr.isatty()

    def say(text: str) -> None:
        nonlocal shown
        if text and text != shown:
            click.echo(f"\r\x1b[2K{text}" if live else text, err=True, nl=not live)
            shown = text

    try:
        yield say
    finally:
        if live and shown:
            click.echo(err=True)
