"""The three ways in which a function tells its operator what it does. POWERTOOLS_* and LOG_LEVEL configure them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

logger = Logger()
metrics = Metrics()

# The domain's modules use plain logging; their lines get the same shape and the same ids.
logging.getLogger("hyperframes_render").setLevel(logger.log_level)
copy_config_to_registered_loggers(source_logger=logger, include={"hyperframes_render"})

Handler = Callable[..., Any]


def traced(handler: Handler) -> Handler:
    """`handler` with its calls to AWS in a trace, unless POWERTOOLS_TRACE_DISABLED says that nobody looks at traces.

    Then the tracer is not even imported: it makes a client of its own, which takes 0.15 s of every cold start.
    """
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "").lower() in ("1", "true", "yes", "on"):
        return handler
    from aws_lambda_powertools import Tracer

    # Patched by name: nothing else is imported for it.
    tracer = Tracer(patch_modules=("botocore",))
    return tracer.capture_lambda_handler(handler, capture_response=False)
