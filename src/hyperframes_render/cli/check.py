"""The `check` command: inspects a composition without rendering it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from hyperframes_render.cli.options import present_fields, render_input_options
from hyperframes_render.cli.problems import problem_lines
from hyperframes_render.cli.running import readable_errors, run
from hyperframes_render.composition.source import Source, WebPage, named_source
from hyperframes_render.input import parse_render_input

#: Fields of RenderInput that affect the output file only, not the composition.
_OUTPUT_FIELDS = {"codec", "quality", "scale_factor", "transparent", "audio_url", "from_time", "to_time"}


@click.command()
@click.argument("source", metavar="INPUT")
@render_input_options(without=_OUTPUT_FIELDS)
@click.option("--fix", is_flag=True, help="Apply the patches of problems to the files, then check them again.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if there are warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(source: str, fix: bool, strict: bool, as_json: bool, **fields: str | bool | None) -> None:
    """Inspect INPUT without rendering it.

    Report its declared properties, its timeline, and problems that a render would have. Exit status 1 if there are
    errors.
    """
    from hyperframes_render.render.check import as_text
    from hyperframes_render.render.check import check as inspect
    from hyperframes_render.render.static import repair

    with readable_errors(as_json):
        named, asked = named_source(source), parse_render_input(present_fields(fields))
        if fix:
            for problem in repair(named, asked):
                click.echo(f"repaired {problem.file}:{problem.line}: {problem.message} {problem.fix}", err=True)
        report = run(inspect(named, asked))
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        click.echo(as_text(report))
        for line in problem_lines(report.as_dict()["problems"], _folder_of(named)):
            click.echo(line)
    sys.exit(0 if report.ok and not (strict and report.has_warnings) else 1)


def _folder_of(source: Source) -> Path | None:
    """The project's folder; None if its files are not on this disk."""
    if isinstance(source, WebPage) or source.suffix.lower() == ".zip":
        return None
    return source if source.is_dir() else source.parent
