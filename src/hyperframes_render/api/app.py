"""The FastAPI application: in Lambda through mangum, on one machine under uvicorn."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hyperframes_render import __version__
from hyperframes_render.api.accept import parse_run
from hyperframes_render.api.envelope import problem, success
from hyperframes_render.api.keys import KeyChecker
from hyperframes_render.api.service import TaskService
from hyperframes_render.errors import (
    InternalError,
    InvalidOption,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RenderError,
)

_LOG = logging.getLogger(__name__)
#: 2 MB of markup with every character escaped, and room beside it; Lambda itself takes 6 MB.
MAX_BODY_BYTES = 6 * 1024**2
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._=/+-]{8,128}$")


_routes = APIRouter()


def create_app(service: Callable[[], TaskService], keys: Callable[[], KeyChecker]) -> FastAPI:
    """The application. `service` and `keys` are called for each request: the first one may make them."""
    app = FastAPI(
        title="hyperframes-render",
        version=__version__,
        description="Render HyperFrames compositions to video. docs/api.md says more.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service, app.state.keys = service, keys
    app.include_router(_routes)
    # The public convention allows a prefix on every route.
    app.include_router(_routes, prefix="/v1", include_in_schema=False)
    app.add_exception_handler(RenderError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_middleware(_Frame)
    return app


def _owner(
    request: Request,
    authorization: Annotated[str, Header()] = "",
    x_api_key: Annotated[str, Header()] = "",
) -> str:
    """Whose key the request has; found before the body is looked at. Raises Unauthorized."""
    scheme, _, bearer = authorization.partition(" ")
    checker: KeyChecker = request.app.state.keys()
    return checker.owner(bearer.strip() if scheme.lower() == "bearer" else x_api_key.strip())


def _service(request: Request) -> TaskService:
    service: TaskService = request.app.state.service()
    return service


def _bare(x_api_version: Annotated[str, Header()] = "1") -> bool:
    return x_api_version.strip() == "2"


Owner = Annotated[str, Depends(_owner)]
Service = Annotated[TaskService, Depends(_service)]
Bare = Annotated[bool, Depends(_bare)]


@_routes.get("/health")
def health() -> dict[str, Any]:
    """Whether the service answers. Needs no key."""
    return {"status": "ok", "version": __version__}


@_routes.post("/apps/run")
@_routes.post("/run", include_in_schema=False)
async def run(request: Request, owner: Owner, service: Service, bare: Bare) -> dict[str, Any]:
    """Accept a render. The answer is the task; its video is in GET /tasks/{task_id} once it is completed."""
    submission = parse_run(await _json_body(request))
    return success(await run_in_threadpool(service.run, owner, submission), bare=bare)


@_routes.get("/tasks/{task_id}")
def get_task(task_id: str, owner: Owner, service: Service, bare: Bare) -> dict[str, Any]:
    """A task: its state, its progress, and its video with an address that is signed anew."""
    return success(service.get(owner, task_id), bare=bare)


async def _json_body(request: Request) -> object:
    try:
        body: object = json.loads(await request.body())
        # What cannot be written again as JSON text (NaN, 1e999, half a surrogate pair) cannot be answered either.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return body
    except (ValueError, RecursionError) as error:
        detail = f": {error.msg} at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidOption(f"The body is not JSON{detail}.", 'Send {"app": …, "input": {"html": …}}.') from None


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _answer(request: Request, error: RenderError, status: int | None = None) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimited) else None
    body = problem(error, _request_id(request), status)
    return JSONResponse(body, body["status"], headers=headers, media_type="application/problem+json")


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RenderError)
    if error.http_status >= 500:
        _LOG.error("request %s failed: %s", _request_id(request), error, exc_info=error)
        return _answer(request, _unexplained(request, error), error.http_status)
    return _answer(request, error)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, NotFound(f"There is no route {request.url.path[:80]}.", "docs/api.md lists them."))
    if error.status_code == 405:
        wrong = InvalidOption(f"{request.url.path[:80]} does not take {request.method}.", "docs/api.md lists routes.")
        return _answer(request, wrong, 405)
    return _answer(request, InvalidOption(str(error.detail)), error.status_code)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    return _answer(request, InvalidOption(f"{where}: {first['msg']}."), 422)


def _unexplained(request: Request, error: Exception) -> RenderError:
    """What went wrong inside is for the log, not for the caller."""
    kind = type(error) if isinstance(error, RenderError) else InternalError
    return kind(
        "Something went wrong on our side.",
        f"Try again; if it persists, quote the request id {_request_id(request)}.",
    )


class _Frame:
    """Around every request: an id that is answered and logged, an end to bodies that are too large, and to faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = scope["request_id"] = given if _REQUEST_ID.match(given) else uuid.uuid4().hex

        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise PayloadTooLarge(
                    f"The request's body has more than {MAX_BODY_BYTES} bytes.", "Upload the file and give its uri."
                )
            return message

        try:
            await self._app(scope, receive_limited, send_with_id)
        except Exception as error:
            _LOG.exception("request %s failed", request_id)
            if status:
                raise
            request = Request(scope)
            await _answer(request, _unexplained(request, error))(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            _LOG.info("%s %s: %d in %.3f s (%s)", scope["method"], scope["path"], status, seconds, request_id)
