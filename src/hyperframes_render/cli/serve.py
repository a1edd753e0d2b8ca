"""The `serve` command: runs the whole stack on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from hyperframes_render.cli.running import readable_errors


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of the API; 0 = any free port."
)
@click.option("--api-key", metavar="KEY", help="API key for clients. Default: a new key, which is printed.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for all stored data, and the drop folder's inbox/ and outbox/. Default: a temporary folder.",
)
@click.option("--allow-private-webhooks", is_flag=True, help="Allow webhooks to private addresses and plain http.")
def serve(port: int, api_key: str | None, data: Path | None, allow_private_webhooks: bool) -> None:
    """Run the whole stack on this machine and serve the API until Ctrl-C."""
    from hyperframes_render.local.serve import ServeOptions
    from hyperframes_render.local.serve import serve as run

    with readable_errors(as_json=False), suppress(KeyboardInterrupt):
        run(ServeOptions(port, api_key, data, allow_private_webhooks), lambda text: click.echo(text, err=True))
