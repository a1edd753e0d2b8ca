"""Errors at the edge of a function, where only a class's name and one text get through."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

from hyperframes_render.errors import MachineError, RenderError
from hyperframes_render.functions.support.observability import logger

Result = TypeVar("Result")


def report_to_workflow(handler: Callable[..., Result]) -> Callable[..., Result]:
    """A RenderError of `handler` leaves as an error of the same name whose text is JSON.

    The workflow's Retry and Catch go by the name; `record` takes the parts out of the text.
    """

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        try:
            return handler(*args, **kwargs)
        except RenderError as error:
            # What the caller can mend needs no trace.
            trace = error if isinstance(error, MachineError) else None
            logger.warning("failed with %s: %s", type(error).__name__, error, exc_info=trace)
            told = type(type(error).__name__, (_Told,), {})
            raise told(json.dumps(error.as_dict(), ensure_ascii=False)) from error

    return wrapped


class _Told(Exception):
    """Base of the errors that a workflow sees."""
