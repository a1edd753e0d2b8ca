"""Lambda function `stream`: answers GET /tasks/{task_id}/stream with a streamed response.

Lambda's Python runtime cannot stream. The script `stream-wrapper` beside this file therefore starts
`python -m hyperframes_render.functions.stream` in its place. This program polls the Lambda Runtime API, passes each
request to the FastAPI application and sends each piece of its response as it comes. Without the wrapper, Lambda's
runtime calls `handler`.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from fastapi import FastAPI
from mangum import Mangum

from hyperframes_render.api.app import create_app
from hyperframes_render.api.streams import StreamPolicy, StreamService
from hyperframes_render.errors import NotFound, ServiceFailed
from hyperframes_render.functions.support.adapters import account_concurrency, key_checker, settings, stream_service
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.settings import OriginSettings, StreamSettings, read_settings
from hyperframes_render.tasks.keys import KeyChecker
from hyperframes_render.tasks.service import TaskService

#: An open stream occupies one of the account's concurrent executions. Streams may occupy one in this many.
_SHARE_DIVISOR = 4
#: Concurrency of a new account. Used if the account's limit cannot be read.
_NEW_ACCOUNT_CONCURRENCY = 10
#: Maximum seconds of one stream: a Lambda function may run for 15 minutes.
_MAX_STREAM_SECONDS = 870.0


def _key_checker() -> KeyChecker:
    return key_checker(settings(StreamSettings).task_table)


def _streams() -> StreamService:
    config = settings(StreamSettings)
    return stream_service(
        config, StreamPolicy(live=config.live_streaming, limit=_stream_limit(config), longest=_MAX_STREAM_SECONDS)
    )


def _stream_limit(config: StreamSettings) -> int:
    """The number of streams that may be open at once, at least one."""
    if config.open_streams:
        return config.open_streams
    try:
        limit = account_concurrency()
    except ServiceFailed as error:
        logger.warning("the account's concurrency is unknown, streams are limited as in a new account: %s", error)
        limit = _NEW_ACCOUNT_CONCURRENCY
    return max(1, limit // _SHARE_DIVISOR)


def _no_service() -> TaskService:
    raise NotFound("This function answers only the stream route.", "GET /openapi.json lists the routes.")


def build_application() -> FastAPI:
    """The FastAPI application with only the adapters that streams need."""
    return create_app(_no_service, _key_checker, _streams, read_settings(OriginSettings).allowed_origins)


_TEXT = ["text/", "application/json", "application/problem+json", "application/x-ndjson"]
_asgi = Mangum(build_application(), lifespan="off", text_mime_types=_TEXT)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request with a complete response, where responses cannot be streamed."""
    return _asgi(event, context)  # type: ignore[arg-type]  # mangum defines another context type


if __name__ == "__main__":
    from hyperframes_render.functions.support.streaming_runtime import serve_invocations

    serve_invocations(build_application())
