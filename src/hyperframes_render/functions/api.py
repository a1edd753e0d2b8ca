"""API Gateway's requests go to the FastAPI application."""

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
from hyperframes_render.functions.support.settings import Answering, ApiSettings, read_settings
from hyperframes_render.tasks.keys import KeyChecker
from hyperframes_render.tasks.service import TaskService


def _service() -> TaskService:
    return task_service(settings(ApiSettings))


def _key_checker() -> KeyChecker:
    return key_checker(settings(ApiSettings).task_table)


def _streams() -> StreamService:
    """As many as ask: where this process answers streams, it is a server of its own and no Lambda environment."""
    return stream_service(settings(ApiSettings), StreamPolicy())


def _address(scope: Mapping[str, Any]) -> str:
    """Where the gateway's routes stand, its stage or a domain's base path included; "/" where no gateway asks."""
    asked = (scope.get("aws.event") or {}).get("requestContext") or {}
    domain, path = asked.get("domainName"), asked.get("path")
    if not isinstance(domain, str) or not isinstance(path, str):
        return "/"
    return f"https://{domain}{path.rstrip('/').removesuffix('/openapi.json')}"


def build_application() -> FastAPI:
    """The application with the adapters that the environment names; the first request makes them."""
    return create_app(_service, _key_checker, _streams, read_settings(Answering).allowed_origins, _address)


#: Everything that this application answers is text; what mangum does not know as such it would encode.
_TEXT = ["text/", "application/json", "application/problem+json"]
_asgi = Mangum(build_application(), lifespan="off", text_mime_types=_TEXT)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@traced
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return _asgi(event, context)  # type: ignore[arg-type]  # mangum has a context type of its own
