"""The three ways in which a function tells its operator what it does. POWERTOOLS_* and LOG_LEVEL configure them."""

from __future__ import annotations

import logging

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

logger = Logger()
#: Patched by name: the client's calls show up in a trace, and nothing else is imported for it.
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics()

# The domain's modules use plain logging; their lines get the same shape and the same ids.
logging.getLogger("hyperframes_render").setLevel(logger.log_level)
copy_config_to_registered_loggers(source_logger=logger, include={"hyperframes_render"})
