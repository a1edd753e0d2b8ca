"""Lambda function `api`: passes requests of API Gateway to the FastAPI application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from fastapi import FastAPI
from mangum import Mangum

from hyperframes_render.api.app import create_app
from hyperframes_render.api.streams import StreamPolicy, StreamService
from hyperframes_render.functions.support.adapters import key_checker, settings, stream_service, task_service
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.settings import ApiSettings, OriginSettings, read_settings
from hyperframes_render.tasks.keys import KeyChecker
from hyperframes_render.tasks.service import TaskService


def _service() -> TaskService:
    return task_service(settings(ApiSettings))


def _key_checker() -> KeyChecker:
    return key_checker(settings(ApiSettings).task_table)


def _streams() -> StreamService:
    """Streams without a limit: if this process answers them, it runs as a server and not in Lambda."""
    return stream_service(settings(ApiSettings), StreamPolicy())


def _base_url(scope: Mapping[str, Any]) -> str:
    """The base URL of the API with the stage or the domain's base path; "/" if the request did not pass the gateway."""
    context = (scope.get("aws.event") or {}).get("requestContext") or {}
    domain, path = context.get("domainName"), context.get("path")
    if not isinstance(domain, str) or not isinstance(path, str):
        return "/"
    return f"https://{domain}{path.rstrip('/').removesuffix('/openapi.json')}"


def build_application() -> FastAPI:
    """The application with the adapters that the environment configures. The first request creates them."""
    return create_app(_service, _key_checker, _streams, read_settings(OriginSettings).allowed_origins, _base_url)


#: Media types of text. The application returns nothing else; mangum encodes other types in Base64.
_TEXT = ["text/", "application/json", "application/problem+json"]
_asgi = Mangum(build_application(), lifespan="off", text_mime_types=_TEXT)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return _asgi(event, context)  # type: ignore[arg-type]  # mangum defines another context type
