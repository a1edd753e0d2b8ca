"""The command line, one module a command. Options of `render` are made from RenderInput: one truth about input."""

from __future__ import annotations

import sys

import click

from hyperframes_render import __version__
from hyperframes_render.cli import check, estimate, keys, render, serve, snapshot, submit


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def commands() -> None:
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
    commands.add_command(_command)


def main() -> None:
    """The program. It ends with its command, also where a thread of the command does not."""
    try:
        commands()
    except SystemExit as end:
        # Only where it was imported: commands that render nothing do without.
        threads = sys.modules.get("hyperframes_render.render.threads")
        if threads is not None:
            threads.end_if_outlived(end.code if isinstance(end.code, int) else bool(end.code))
        raise
