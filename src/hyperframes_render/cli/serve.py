"""serve: the whole stack on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from hyperframes_render.cli.running import readable_errors


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port to answer on.")
@click.option("--api-key", metavar="KEY", help="The key that callers send. Default: a new one, which is printed.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for all that is kept, with the drop folder's inbox/ and outbox/. Default: a temporary one.",
)
@click.option("--allow-private-webhooks", is_flag=True, help="Let webhooks go to private addresses and plain http.")
def serve(port: int, api_key: str | None, data: Path | None, allow_private_webhooks: bool) -> None:
    """Run the whole stack on this machine and answer the API until Ctrl-C."""
    from hyperframes_render.local.serve import ServeOptions
    from hyperframes_render.local.serve import serve as run

    with readable_errors(as_json=False), suppress(KeyboardInterrupt):
        run(ServeOptions(port, api_key, data, allow_private_webhooks), lambda text: click.echo(text, err=True))
