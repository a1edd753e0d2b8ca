"""Logs, metrics and traces of the functions. POWERTOOLS_* and LOG_LEVEL configure them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

logger = Logger()
metrics = Metrics()

# Other modules use plain logging. Their lines get the same JSON format and the same ids.
logging.getLogger("hyperframes_render").setLevel(logger.log_level)
copy_config_to_registered_loggers(source_logger=logger, include={"hyperframes_render"})

Handler = Callable[..., Any]


def traced(handler: Handler) -> Handler:
    """Trace the calls of `handler` to AWS, unless POWERTOOLS_TRACE_DISABLED is set.

    If it is set, the tracer is not imported: its import creates a client, which takes 0.15 s of every cold start.
    """
    if os.environ.get("POWERTOOLS_TRACE_DISABLED", "").lower() in ("1", "true", "yes", "on"):
        return handler
    from aws_lambda_powertools import Tracer

    # Only botocore is patched, so that no other library is imported.
    tracer = Tracer(patch_modules=("botocore",))
    return tracer.capture_lambda_handler(handler, capture_response=False)
