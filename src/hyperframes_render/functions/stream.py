"""GET /tasks/{task_id}/stream in a function of its own: its answer leaves piece by piece.

Python's managed runtime gives an answer whole. So the wrapper script `stream-wrapper` beside this file starts
`python -m hyperframes_render.functions.stream` instead of it: a loop on the Lambda Runtime API that hands each request
to the FastAPI application and passes on its pieces. Without the wrapper the managed runtime calls `handler`.
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
from hyperframes_render.functions.support.settings import Answering, StreamSettings, read_settings
from hyperframes_render.tasks.keys import KeyChecker
from hyperframes_render.tasks.service import TaskService

#: An open stream holds one of the account's environments: of this many, streams may take one.
_SHARE = 4
#: A new account may run this many functions at once: where the limit cannot be read, it is taken to be that.
_NEW_ACCOUNT = 10
#: Seconds of one stream: Lambda gives a function 15 minutes.
_LONGEST = 870.0


def _key_checker() -> KeyChecker:
    return key_checker(settings(StreamSettings).task_table)


def _streams() -> StreamService:
    config = settings(StreamSettings)
    return stream_service(
        config, StreamPolicy(live=config.live_streaming, limit=_stream_limit(config), longest=_LONGEST)
    )


def _stream_limit(config: StreamSettings) -> int:
    """Streams that may be open at once, at least one."""
    if config.open_streams:
        return config.open_streams
    try:
        limit = account_concurrency()
    except ServiceFailed as error:
        logger.warning("streams are limited as in a new account: %s", error)
        limit = _NEW_ACCOUNT
    return max(1, limit // _SHARE)


def _no_service() -> TaskService:
    raise NotFound("This function answers streams alone.", "GET /openapi.json lists the routes.")


def build_application() -> FastAPI:
    """The same application as everywhere, with no more than a stream needs behind it."""
    return create_app(_no_service, _key_checker, _streams, read_settings(Answering).allowed_origins)


_TEXT = ["text/", "application/json", "application/problem+json", "application/x-ndjson"]
_asgi = Mangum(build_application(), lifespan="off", text_mime_types=_TEXT)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request whole: the held one, where answers cannot be streamed."""
    return _asgi(event, context)  # type: ignore[arg-type]  # mangum has a context type of its own


if __name__ == "__main__":
    from hyperframes_render.functions.support.streaming_runtime import serve_invocations

    serve_invocations(build_application())
