"""The `keys` commands: create, list and revoke API keys."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hyperframes_render.cli.options import Command
from hyperframes_render.cli.running import readable_errors


@click.group()
def keys() -> None:
    """Manage the API keys of a local server (--data) or of a stack in AWS (--stack)."""


def _where(command: Command) -> Command:
    data = click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Data folder of a running `serve`. Default: use the stack in AWS.",
    )
    stack = click.option("--stack", default="hyperframes-render", show_default=True, help="Name of the stack in AWS.")
    return data(stack(command))


@keys.command("create")
@click.option("--name", required=True, help="Name of the key's owner.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["run", "read", "upload"]),
    help="What the key may do; can be repeated. Default: all three.",
)
@click.option("--expires-in", metavar="TIME", help="Lifetime, such as 12h, 90d or 52w. Default: no end.")
@click.option(
    "--runs-a-minute",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="Limit of new tasks a minute; 0 = no limit.",
)
@click.option(
    "--uploads-a-minute",
    type=click.IntRange(0, 100_000),
    default=50,
    show_default=True,
    help="Limit of uploads a minute; 0 = no limit.",
)
@click.option(
    "--tasks-at-once",
    type=click.IntRange(0, 2000),
    default=0,
    show_default=True,
    help="Limit of unfinished tasks; 0 = no limit.",
)
@click.option(
    "--frames-a-day",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Limit of frames a day; 0 = no limit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@_where
def create_key(
    name: str,
    scopes: tuple[str, ...],
    expires_in: str | None,
    as_json: bool,
    data: Path | None,
    stack: str,
    **limits: int,
) -> None:
    """Create a key. The key is shown only once."""
    from hyperframes_render.local.keys import open_keys
    from hyperframes_render.tasks.ports import KeyLimits

    with readable_errors(as_json):
        made = open_keys(data, stack).create(name, scopes, expires_in, KeyLimits(**limits))
    if as_json:
        facts = {"key": made.key, "id": made.record.owner, "name": name, "webhook_secret": made.webhook_secret}
        click.echo(json.dumps({**facts, "scopes": made.record.scopes, "expires_at": made.record.expires_at}))
        return
    click.echo(f"key:            {made.key}\nid:             {made.record.owner}")
    click.echo(f"webhook secret: {made.webhook_secret}\nStore both: they are not shown again.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@_where
def list_keys(as_json: bool, data: Path | None, stack: str) -> None:
    """List the keys, without their secrets."""
    from dataclasses import asdict

    from hyperframes_render.local.keys import open_keys

    with readable_errors(as_json):
        records = open_keys(data, stack).all()
    shown = [{name: value for name, value in asdict(record).items() if name != "hash"} for record in records]
    if as_json:
        click.echo(json.dumps(shown))
        return
    for record in records:
        state = "revoked" if record.revoked else f"until {record.expires_at}" if record.expires_at else "valid"
        limits = ", ".join(f"{name} {value}" for name, value in asdict(record.limits).items() if value)
        scopes = ",".join(record.scopes)
        click.echo(f"{record.owner}  {record.prefix}…  {state:8}  {scopes}  {record.name}  ({limits or 'no limits'})")


@keys.command("revoke")
@click.argument("which", metavar="KEY")
@_where
def revoke_key(which: str, data: Path | None, stack: str) -> None:
    """Revoke KEY (its id, prefix or name). It stops working within half a minute."""
    from hyperframes_render.local.keys import open_keys

    with readable_errors(as_json=False):
        record = open_keys(data, stack).revoke(which)
    click.echo(f"{record.owner} ({record.name}) is revoked")


@keys.command("rotate-webhook-secret")
@click.argument("which", metavar="KEY")
@_where
def rotate_webhook_secret(which: str, data: Path | None, stack: str) -> None:
    """Create a new webhook secret for KEY (its id, prefix or name).

    Webhooks are signed with both the old and the new secret for a day.
    """
    from hyperframes_render.local.keys import open_keys

    with readable_errors(as_json=False):
        record, secret = open_keys(data, stack).rotate_webhook_secret(which)
    click.echo(f"webhook secret of {record.owner} ({record.name}): {secret}")
