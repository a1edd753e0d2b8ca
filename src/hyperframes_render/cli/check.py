"""check: what a composition declares, and what would be wrong with it."""

from __future__ import annotations

import json
import sys

import click

from hyperframes_render.cli.options import given_fields, render_input_options
from hyperframes_render.cli.running import readable_errors, run
from hyperframes_render.composition.source import named_source
from hyperframes_render.input import parse_render_input

#: What RenderInput holds that changes nothing of what a composition is.
_OF_THE_FILE = {"codec", "quality", "scale_factor", "transparent", "audio_url", "from_time", "to_time"}


@click.command()
@click.argument("source", metavar="INPUT")
@render_input_options(without=_OF_THE_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(source: str, as_json: bool, **fields: str | bool | None) -> None:
    """Open INPUT without rendering: what it declares, its timeline, and what would be wrong. Exit 1 on errors."""
    from hyperframes_render.render.check import as_text
    from hyperframes_render.render.check import check as look

    with readable_errors(as_json):
        report = run(look(named_source(source), parse_render_input(given_fields(fields))))
    click.echo(json.dumps(report.as_dict()) if as_json else as_text(report))
    sys.exit(0 if report.ok else 1)
