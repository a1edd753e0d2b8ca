"""render: a composition becomes a video on this machine."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import click

from hyperframes_render.cli.options import given_fields, render_input_options
from hyperframes_render.cli.running import readable_errors, run, with_driver
from hyperframes_render.composition.source import named_source
from hyperframes_render.input import RenderInput, parse_render_input


@click.command()
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
    """Render INPUT (an .html file, a project folder, a .zip of one, or the address of a page) to a video."""
    from hyperframes_render.cli.progress import progress_output

    with readable_errors(as_json), progress_output(as_json) as listener:
        request = parse_render_input(given_fields(fields))
        result = run(_render_here(named_source(source), output, request, workers, chunks, listener))
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


async def _render_here(
    source: Any, output: Path, request: RenderInput, workers: int | None, chunks: int, listener: Any
) -> Any:
    def work(job: Any, driver: Any) -> Any:
        options = job.LocalOptions(workers, chunks, _local_file(request.audio_url))
        return job.render(source, output, request, options, listener, driver)

    return await with_driver("hyperframes_render.render.job", work)


def _local_file(address: str | None) -> Path | None:
    """The file of this machine that an address names, for whoever runs the command may read it."""
    return Path(address) if address is not None and Path(address).exists() else None
