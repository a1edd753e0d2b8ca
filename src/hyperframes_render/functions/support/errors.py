"""Passes errors from a Lambda function to its workflow, which sees only the class name and one text."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

from hyperframes_render.errors import MachineError, RenderError
from hyperframes_render.functions.support.observability import logger

Result = TypeVar("Result")


def report_to_workflow(handler: Callable[..., Result]) -> Callable[..., Result]:
    """Wrap `handler`: a RenderError becomes an exception of the same class name whose text is JSON.

    The workflow's Retry and Catch match the class name. `record` reads code, message and action from the text.
    """

    @functools.wraps(handler)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        try:
            return handler(*args, **kwargs)
        except RenderError as error:
            # Errors that the caller can fix need no traceback.
            trace = error if isinstance(error, MachineError) else None
            logger.warning("failed with %s: %s", type(error).__name__, error, exc_info=trace)
            reported = type(type(error).__name__, (_WorkflowError,), {})
            raise reported(json.dumps(error.as_dict(), ensure_ascii=False)) from error

    return wrapped


class _WorkflowError(Exception):
    """Base of the exceptions that the workflow receives."""
