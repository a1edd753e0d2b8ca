"""Writes docs/reference/cli.md from the commands of the program: python -m tools.cli_reference."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import click

from hyperframes_render.cli import commands
from hyperframes_render.input import RenderInput

PAGE = Path(__file__).resolve().parents[1] / "docs/reference/cli.md"
PROGRAM = "hyperframes-render"
_HEAD = """# Command line

For users of `hyperframes-render`: every command, its options and their defaults. Errors are one line on stderr
([error codes](errors.md)). `--help` or `-h` prints help for any command.
`python -m tools.cli_reference` writes this page.

## Exit statuses

| status | meaning |
|---|---|
| 0 | The command succeeded. |
| 1 | The command failed: stderr says why. `check`: the composition has errors. `submit --rows`: a row has no video. |
| 2 | The command line is wrong: an unknown option, a missing argument, or a value outside its range. |
| 130 | Ctrl-C or SIGTERM ended `render`, `snapshot` or `check`. No output was written. |
"""
_DEFAULT = re.compile(r"\s*\bDefault: (?P<default>.+)\.$", re.IGNORECASE)


def page() -> str:
    """The page as Markdown. It depends on the commands only, not on the terminal."""
    root = click.Context(commands, info_name=PROGRAM, **commands.context_settings)
    return _HEAD + "".join(map(_section, _leaves(root)))


def _leaves(context: click.Context) -> Iterator[click.Context]:
    """A context for each command that is not a group, in alphabetical order."""
    group = context.command
    if not isinstance(group, click.Group):
        yield context
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from _leaves(click.Context(command, parent=context, info_name=name))


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = "".join(_row(option, context) for option in command.params if isinstance(option, click.Option))
    return (
        f"\n## {context.command_path.removeprefix(PROGRAM).strip()}\n\n{inspect.cleandoc(command.help or '')}\n\n"
        f"```\n{usage}\n```\n\n| option | default | meaning |\n|---|---|---|\n{rows}"
    )


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
    value = "" if option.is_flag or option.count else f" `{option.make_metavar(context).removesuffix(' RANGE')}`"
    meaning, default = _meaning_and_default(option, context)
    return "| " + " | ".join(_cell(text) for text in (names + value, default, meaning)) + " |\n"


def _meaning_and_default(option: click.Option, context: click.Context) -> tuple[str, str]:
    """The help text, and the default: the one in the help text, else the option's, else the input field's."""
    meaning = option.help or ""
    if isinstance(option.type, click.IntRange):
        low, high = option.type.min, option.type.max
        meaning = f"{meaning.rstrip('.')} ({low} or more)." if high is None else f"{meaning} From {low} to {high}."
    if option.required:
        return meaning, "required"
    if found := _DEFAULT.search(option.help or ""):
        return meaning.replace(found[0], "", 1), found["default"]
    if option.is_flag:
        return meaning, ""
    default: object = option.get_default(context, call=False)
    field = RenderInput.model_fields.get(option.name or "")
    if field is not None and field.description == option.help:
        default = field.get_default(call_default_factory=True, validated_data={})
    return meaning, _shown(default)


def _shown(default: object) -> str:
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{default}`" if isinstance(default, (str, int, dict)) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
