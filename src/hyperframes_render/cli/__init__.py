"""The command line, one module for each command. RenderInput defines the input options that commands share."""

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
    """Run the program. It exits when the command ends, even if a thread of the command still runs."""
    try:
        commands()
    except SystemExit as end:
        # Only if it was imported: commands that do not render skip the import.
        threads = sys.modules.get("hyperframes_render.render.threads")
        if threads is not None:
            threads.end_if_outlived(end.code if isinstance(end.code, int) else bool(end.code))
        raise
