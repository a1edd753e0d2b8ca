"""The `render` command: renders a composition to a video on this machine."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from hyperframes_render.cli.options import present_fields, render_input_options
from hyperframes_render.cli.problems import problem_lines
from hyperframes_render.cli.running import readable_errors, run, with_driver
from hyperframes_render.composition.source import Source, named_source
from hyperframes_render.input import RenderInput, parse_render_input


@click.command()
@click.argument("source", metavar="INPUT")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write. Its suffix must match the codec.",
)
@render_input_options()
@click.option("--workers", type=click.IntRange(1, 16), help="Browsers that feed one encoder. Default: automatic.")
@click.option(
    "--chunks",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Chunks that are encoded separately and joined.",
)
@click.option("--strict", is_flag=True, help="Exit with status 1 if there are errors or warnings.")
@click.option("--poster", type=click.Path(path_type=Path), help="Write a poster image (.jpg) of the video.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and progress as JSON lines on stderr.")
def render(
    source: str,
    output: Path,
    workers: int | None,
    chunks: int,
    strict: bool,
    poster: Path | None,
    as_json: bool,
    **fields: str | bool | None,
) -> None:
    """Render INPUT to a video. INPUT is an .html file, a project folder, a .zip of one, or the URL of a page."""
    from hyperframes_render.cli.progress import progress_output

    with readable_errors(as_json), progress_output(as_json) as listener:
        request = parse_render_input(present_fields(fields))
        if strict:
            _end_on_problems(named_source(source), request, as_json)
        result = run(_render_here(named_source(source), output, request, workers, chunks, listener))
        if poster is not None:
            importlib.import_module("hyperframes_render.media.stills").make_poster(output, poster)
    failed = strict and any(warning.severity != "notice" for warning in result.warnings)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        sys.exit(1 if failed else 0)
    for line in problem_lines([warning.as_dict() for warning in result.warnings], None) if result.warnings else ():
        click.echo(line, err=True)
    click.echo(
        f"{result.output}: {result.width}x{result.height}, {result.frames} frames at {result.fps} fps, "
        f"{result.duration:g} s, {result.size / 1e6:.2f} MB in {result.timings['total']:.1f} s"
    )
    sys.exit(1 if failed else 0)


def _end_on_problems(source: Source, request: RenderInput, as_json: bool) -> None:
    """Exit with status 1 before a frame is drawn if the files have errors or warnings that are not repaired."""
    static = importlib.import_module("hyperframes_render.render.static")
    found = [p for p in static.static_problems(source, request) if p.severity != "notice"]
    found = [problem for problem in found if not (request.repair and problem.patch)]
    if not found:
        return
    records = [problem.as_dict() for problem in found]
    if as_json:
        click.echo(json.dumps({"warnings": records}))
    for line in problem_lines(records, None):
        click.echo(line, err=True)
    sys.exit(1)


async def _render_here(
    source: Any, output: Path, request: RenderInput, workers: int | None, chunks: int, listener: Any
) -> Any:
    def work(job: Any, driver: Any) -> Any:
        options = job.LocalOptions(workers, chunks, _local_file(request.audio_url))
        return job.render(source, output, request, options, listener, driver)

    return await with_driver("hyperframes_render.render.job", work)


def _local_file(address: str | None) -> Path | None:
    """The local file that `address` names, if it exists. Only the command line may name local files."""
    return Path(address) if address is not None and Path(address).exists() else None
