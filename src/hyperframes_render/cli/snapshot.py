"""The `snapshot` command: still images and contact sheets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from hyperframes_render.cli.options import present_fields, render_input_options
from hyperframes_render.cli.problems import problem_lines
from hyperframes_render.cli.running import readable_errors, run, with_driver
from hyperframes_render.composition.source import named_source
from hyperframes_render.errors import InvalidOption
from hyperframes_render.formats import Codec
from hyperframes_render.input import RenderInput, parse_render_input

#: Fields of RenderInput that do not apply to still images.
_NOT_FOR_STILLS = {"codec", "quality", "audio_url"}


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Image file to write.")
@click.option(
    "--at",
    metavar="TIMES",
    help=(
        "Times in seconds, separated by commas; or clips (just after each starts), or tweens (where each ends). "
        "Default: nine, evenly spaced."
    ),
)
@render_input_options(without=_NOT_FOR_STILLS)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def snapshot(source: str, output: Path, at: str | None, as_json: bool, **fields: str | bool | None) -> None:
    """Capture INPUT at some times, without rendering a video.

    Write one image, or a contact sheet if there are several times.
    """
    with readable_errors(as_json):
        request = parse_render_input({**present_fields(fields), "codec": Codec.PNG})
        taken = run(_snapshot_here(named_source(source), output, request, _times(at)))
    if as_json:
        click.echo(json.dumps(taken.as_dict()))
        return
    for line in problem_lines([warning.as_dict() for warning in taken.warnings], None) if taken.warnings else ():
        click.echo(line, err=True)
    click.echo(f"{taken.output}: {taken.width}x{taken.height}, at {', '.join(f'{t:g}' for t in taken.times)} s")


def _times(text: str | None) -> list[float] | str:
    if text in ("clips", "tweens"):
        return text
    try:
        times = [float(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        raise InvalidOption(f'at: "{text}" is not a list of seconds such as 1,2.5.') from None
    if text is not None and not (times and all(math.isfinite(time) for time in times)):
        raise InvalidOption(f'at: "{text}" is not a list of seconds such as 1,2.5.')
    return times


async def _snapshot_here(source: Any, output: Path, request: RenderInput, times: list[float] | str) -> Any:
    return await with_driver(
        "hyperframes_render.render.snapshot",
        lambda still, driver: still.take_snapshot(source, output, request, times, driver=driver),
    )
