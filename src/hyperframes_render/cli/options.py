"""The input options that commands share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

from hyperframes_render.input import RenderInput

Command = Callable[..., Any]


def render_input_options(without: Collection[str] = ()) -> Callable[[Command], Command]:
    """A decorator that adds one option for each field of RenderInput, except the fields in `without`.

    The model checks the values, not click.
    """

    def decorate(command: Command) -> Command:
        for name, field in reversed(RenderInput.model_fields.items()):
            if name in without:
                continue
            public = field.serialization_alias or name
            flag = f"--{public.replace('_', '-')}"
            if field.annotation is bool:
                option = click.option(flag, name, is_flag=True, default=None, help=field.description)
            else:
                option = click.option(flag, name, default=None, metavar=public.upper(), help=field.description)
            command = option(command)
        return command

    return decorate


def present_fields(fields: Mapping[str, str | bool | None]) -> dict[str, str | bool]:
    """The options that are set on the command line."""
    return {name: value for name, value in fields.items() if value is not None}
