"""The command line, one module a command. Options of `render` are made from RenderInput: one truth about input."""

from __future__ import annotations

import click

from hyperframes_render import __version__
from hyperframes_render.cli import check, estimate, keys, render, serve, snapshot, submit


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Render HyperFrames compositions to video."""


for _command in (
    render.render,
    snapshot.snapshot,
    check.check,
    estimate.estimate,
    serve.serve,
    submit.submit,
    keys.keys,
):
    main.add_command(_command)
