"""snapshot: single pictures and contact sheets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from hyperframes_render.cli.options import given_fields, render_input_options
from hyperframes_render.cli.running import readable_errors, run, with_driver
from hyperframes_render.composition.source import named_source
from hyperframes_render.errors import InvalidOption
from hyperframes_render.formats import Codec
from hyperframes_render.input import RenderInput, parse_render_input

#: What RenderInput holds that means nothing for a still picture.
_NOT_FOR_STILLS = {"codec", "quality", "audio_url"}


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The image to write.")
@click.option("--at", metavar="SECONDS", help="Times, separated by commas. Default: nine over the whole length.")
@render_input_options(without=_NOT_FOR_STILLS)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def snapshot(source: str, output: Path, at: str | None, as_json: bool, **fields: str | bool | None) -> None:
    """Draw INPUT at some times without rendering it: one picture, or a sheet of several with their times."""
    with readable_errors(as_json):
        given = given_fields(fields)
        request = parse_render_input({**given, "codec": Codec.PNG})
        drawn = run(_snapshot_here(named_source(source), output, request, _times(at)))
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


async def _snapshot_here(source: Any, output: Path, request: RenderInput, times: list[float]) -> Any:
    return await with_driver(
        "hyperframes_render.render.snapshot",
        lambda still, driver: still.take_snapshot(source, output, request, times, driver=driver),
    )
