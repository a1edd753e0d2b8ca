"""The FastAPI application: in Lambda through mangum, on one machine under uvicorn."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from hyperframes_render import __version__
from hyperframes_render.api.clients import Client
from hyperframes_render.api.envelope import problem, success
from hyperframes_render.api.schemas import (
    DELETED_FILES,
    DELETED_TASK,
    FILES,
    TASK,
    TASK_PAGE,
    TASK_STATE,
    TASK_STREAM,
    UPLOADS,
    RunRequest,
    UploadRequest,
    request_body_of,
    responses_of,
)
from hyperframes_render.api.streams import MEDIA_TYPES, StreamService, stream_format
from hyperframes_render.errors import (
    InternalError,
    InvalidOption,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RenderError,
    ServiceFailed,
)
from hyperframes_render.tasks.ids import new_task_id
from hyperframes_render.tasks.keys import KeyChecker, check_scope
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import KeyRecord, Scope
from hyperframes_render.tasks.quotas import Rate
from hyperframes_render.tasks.service import TaskService
from hyperframes_render.tasks.submission import parse_run, read_json

_LOG = logging.getLogger(__name__)
#: Bytes of a request body: 2 MB of markup with every character escaped, and the other fields. Lambda's limit is 6 MB.
MAX_BODY_BYTES = 6 * 1024**2
#: Retry-After in seconds if an AWS service failed after its client's retries.
_SERVICE_RETRY_SECONDS = 5
#: Response headers that pages of other origins may read, besides the standard ones.
_EXPOSED = ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"]
#: Seconds that a browser may cache the response to its preflight request.
_PREFLIGHT_SECONDS = 3600
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._=/+-]{8,128}$")


_routes = APIRouter()


def create_app(
    service: Callable[[], TaskService],
    keys: Callable[[], KeyChecker],
    streams: Callable[[], StreamService],
    allowed_origins: Sequence[str] = (),
    address: Callable[[AsgiScope], str] = lambda scope: "/",
) -> FastAPI:
    """The application. `service`, `keys` and `streams` are called for each request that needs them and may cache.

    `allowed_origins`: the web origins ("https://example.com", or "*" for all) whose pages may use the API.
    `address`: the base address of the routes for a request, for GET /openapi.json; "/" is the root of the host.
    """
    app = FastAPI(
        title="hyperframes-render",
        version=__version__,
        description="Render HyperFrames compositions to video. docs/guides/api.md has details.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would omit the gateway's stage from the path; the request middleware removes the slash.
        redirect_slashes=False,
    )
    app.state.service, app.state.keys, app.state.streams, app.state.address = service, keys, streams, address
    app.include_router(_routes)
    # The public convention allows a prefix on every route.
    app.include_router(_routes, prefix="/v1", include_in_schema=False)
    app.add_exception_handler(RenderError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_middleware(_RequestMiddleware)
    # Outside the request middleware, so that a page can read errors too. Keys are sent in headers and never in cookies,
    # so a browser adds no credentials to requests of other sites' pages.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=allowed_origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_SECONDS,
    )
    return app


def _key(
    request: Request,
    authorization: Annotated[str, Header()] = "",
    x_api_key: Annotated[str, Header()] = "",
) -> KeyRecord:
    """The request's API key, checked before the body is read. Raises Unauthorized."""
    scheme, _, bearer = authorization.partition(" ")
    checker: KeyChecker = request.app.state.keys()
    return checker.record(bearer.strip() if scheme.lower() == "bearer" else x_api_key.strip())


def _allowed(scope: Scope) -> Callable[[KeyRecord], KeyRecord]:
    def checked(key: Annotated[KeyRecord, Depends(_key)]) -> KeyRecord:
        check_scope(key, scope)
        return key

    return checked


def _service(request: Request) -> TaskService:
    service: TaskService = request.app.state.service()
    return service


def _view(service: TaskService, task: Task, key: KeyRecord, client: Client) -> dict[str, Any]:
    """The task as this key and client may see it: without the scope "read" a final task has no output."""
    view = client.shown(service.view(task))
    return view if Scope.READ in key.scopes or not task.status.final else {**view, "output": None}


def _add_rate_headers(request: Request, response: Response, rate: Rate) -> None:
    """Add rate limit headers to the response, also to an error."""
    response.headers.update(rate.headers())
    request.state.headers = rate.headers()


def _streams(request: Request) -> StreamService:
    streams: StreamService = request.app.state.streams()
    return streams


def _client(
    x_client_source: Annotated[str, Header()] = "",
    user_agent: Annotated[str, Header()] = "",
) -> Client:
    return Client(x_client_source, user_agent)


def _bare(x_api_version: Annotated[str, Header()] = "1") -> bool:
    return x_api_version.strip() == "2"


Runner = Annotated[KeyRecord, Depends(_allowed(Scope.RUN))]
Reader = Annotated[KeyRecord, Depends(_allowed(Scope.READ))]
Uploader = Annotated[KeyRecord, Depends(_allowed(Scope.UPLOAD))]
Service = Annotated[TaskService, Depends(_service)]
Streams = Annotated[StreamService, Depends(_streams)]
Bare = Annotated[bool, Depends(_bare)]
CallingClient = Annotated[Client, Depends(_client)]

_WITH_KEY: dict[str, Any] = {"security": [{"bearer": []}, {"key": []}]}


@_routes.get("/health", tags=["service"], summary="Check that the service responds")
def health() -> dict[str, Any]:
    """Needs no key."""
    return {"status": "ok", "version": __version__}


@_routes.get("/openapi.json", tags=["service"], summary="This description", response_class=JSONResponse)
def openapi(request: Request) -> dict[str, Any]:
    """Needs no key."""
    described: dict[str, Any] = request.app.openapi()
    schemes = described.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["bearer"] = {"type": "http", "scheme": "bearer"}
    schemes["key"] = {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
    return {**described, "servers": [{"url": request.app.state.address(request.scope)}]}


@_routes.post(
    "/apps/run",
    tags=["tasks"],
    summary="Render a composition",
    responses=responses_of(TASK, "The task, accepted"),
    openapi_extra={**request_body_of(RunRequest), **_WITH_KEY},
)
@_routes.post("/run", include_in_schema=False)
async def run(
    request: Request,
    response: Response,
    key: Runner,
    service: Service,
    bare: Bare,
    client: CallingClient,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Any:
    """Returns the accepted task. GET /tasks/{task_id} has the video once the task is completed.

    A request with the same Idempotency-Key and body within 24 hours returns the first request's task.
    """
    quotas = service.quotas
    rate = await run_in_threadpool(quotas.count, key, "run", key.limits.runs_a_minute)
    _add_rate_headers(request, response, rate)
    body = await _json_body(request)
    submission = parse_run(body)

    def accept() -> dict[str, Any]:
        fresh = new_task_id(key.owner)
        task_id = quotas.reserve_task_id(key, idempotency_key, body, fresh)
        if task_id != fresh and (known := service.tasks.get(task_id)) is not None:
            return _view(service, known, key, client)
        if task_id != fresh and service.was_deleted(task_id):
            quotas.forget_request(key, idempotency_key)
            task_id = quotas.reserve_task_id(key, idempotency_key, body, fresh)
        try:
            task = service.run(
                key.owner,
                submission,
                task_id=task_id,
                frames_a_day=key.limits.frames_a_day or None,
                before_accepting=lambda: quotas.admit(key, task_id),
            )
        except RenderError as error:
            # A failed service may still have written the task. The idempotency record stays, so that a repeated request
            # cannot create a second task.
            if not isinstance(error, ServiceFailed):
                quotas.forget_request(key, idempotency_key)
            quotas.withdraw(key, task_id)
            raise
        if task.status == TaskStatus.REJECTED:
            quotas.forget_request(key, idempotency_key)
        return _view(service, task, key, client)

    return success(await run_in_threadpool(accept), bare=bare)


@_routes.get(
    "/tasks",
    tags=["tasks"],
    summary="This key's tasks, the newest first",
    responses=responses_of(TASK_PAGE, "A page of tasks"),
    openapi_extra=_WITH_KEY,
)
def list_tasks(
    key: Reader,
    service: Service,
    bare: Bare,
    client: CallingClient,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Any:
    """`next_cursor` is the cursor of the next page; null on the last page."""
    return success(_page(service, key, client, limit, cursor), bare=bare)


@_routes.post("/tasks/list", include_in_schema=False)
async def list_tasks_of_clients(
    request: Request, key: Reader, service: Service, bare: Bare, client: CallingClient
) -> Any:
    """The same as GET /tasks, for the JavaScript client, which sends `limit` and `cursor` in the body."""
    body = await _json_body(request) if await request.body() else {}
    values = body if isinstance(body, dict) else {}
    limit, cursor = values.get("limit") or 20, values.get("cursor") or None
    if isinstance(limit, bool) or not isinstance(limit, int) or not isinstance(cursor, str | None):
        raise InvalidOption("limit, cursor: they must be an integer and a page's next_cursor.")
    page = await run_in_threadpool(_page, service, key, client, min(max(limit, 1), 100), cursor)
    return success({**page, "has_next": page["next_cursor"] is not None}, bare=bare)


def _page(service: TaskService, key: KeyRecord, client: Client, limit: int, cursor: str | None) -> dict[str, Any]:
    page = service.tasks.page(key.owner, limit, cursor)
    return {"items": [client.shown(service.view(task)) for task in page.tasks], "next_cursor": page.next_cursor}


@_routes.get(
    "/tasks/{task_id}",
    tags=["tasks"],
    summary="A task",
    responses=responses_of(TASK, "The task"),
    openapi_extra=_WITH_KEY,
)
def get_task(task_id: str, key: Reader, service: Service, bare: Bare, client: CallingClient) -> Any:
    """Its state, its progress, and its video with a newly signed address."""
    return success(_view(service, service.get(key.owner, task_id), key, client), bare=bare)


@_routes.get(
    "/tasks/{task_id}/status",
    tags=["tasks"],
    summary="A task's state only",
    responses=responses_of(TASK_STATE, "The state"),
    openapi_extra=_WITH_KEY,
)
def get_status(task_id: str, key: Reader, service: Service, bare: Bare, client: CallingClient) -> Any:
    """For clients that poll."""
    view = _view(service, service.get(key.owner, task_id), key, client)
    return success({name: view[name] for name in ("id", "status", "status_text", "updated_at")}, bare=bare)


@_routes.get(
    "/tasks/{task_id}/stream",
    tags=["tasks"],
    summary="Stream a task each time it changes",
    response_class=StreamingResponse,
    response_model=None,
    responses=TASK_STREAM,
    openapi_extra=_WITH_KEY,
)
async def stream_task(
    task_id: str, key: Reader, streams: Streams, client: CallingClient, accept: Annotated[str, Header()] = ""
) -> StreamingResponse | RedirectResponse:
    """NDJSON with `Accept: application/x-ndjson`, else server-sent events (update, done, error).

    `{"type": "heartbeat"}` is sent while nothing changes, the task itself at least every ten seconds. 429 with
    Retry-After: the stack's limit of open streams is reached, or this key has half of that limit open.
    """
    task = await run_in_threadpool(streams.find_task, key.owner, task_id)
    form = stream_format(accept)
    lease = None if task.status.final else await run_in_threadpool(streams.take_lease, key.owner)
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    if not streams.policy.live:
        try:
            task = await streams.hold(task)
        finally:
            await run_in_threadpool(streams.end_lease, lease)
        if not task.status.final:
            # Relative to the request's address, so that stage and prefix are kept.
            return RedirectResponse("stream", 307, headers=headers)
        lease = None
    return StreamingResponse(streams.lines(task, lease, form, client), media_type=MEDIA_TYPES[form], headers=headers)


@_routes.post(
    "/tasks/{task_id}/cancel",
    tags=["tasks"],
    summary="Cancel a task",
    responses=responses_of(TASK, "The task, being cancelled"),
    openapi_extra=_WITH_KEY,
)
def cancel_task(task_id: str, key: Runner, service: Service, bare: Bare, client: CallingClient) -> Any:
    """The task ends within seconds, as cancelled. A task that has ended stays unchanged."""
    return success(_view(service, service.cancel(key.owner, task_id), key, client), bare=bare)


@_routes.delete(
    "/tasks/{task_id}",
    tags=["tasks"],
    summary="Delete a task and its files",
    responses=responses_of(DELETED_TASK, "Deleted"),
    openapi_extra=_WITH_KEY,
)
def delete_task(
    task_id: str, key: Runner, service: Service, bare: Bare, files: Annotated[bool, Query()] = False
) -> Any:
    """Also deletes its video, and with `files=true` its uploads. A running task ends without a webhook."""
    service.delete(key.owner, task_id, uploads=files)
    return success({"id": task_id, "deleted": True}, bare=bare)


@_routes.get(
    "/tasks/{task_id}/files",
    tags=["files"],
    summary="A task's files",
    responses=responses_of(FILES, "Files"),
    openapi_extra=_WITH_KEY,
)
def task_files(
    task_id: str,
    key: Reader,
    service: Service,
    bare: Bare,
    role: Annotated[Literal["input", "output"] | None, Query()] = None,
) -> Any:
    """Results have newly signed addresses; inputs have the address that was sent."""
    return success(service.files(service.get(key.owner, task_id), role), bare=bare)


@_routes.delete(
    "/tasks/{task_id}/files",
    tags=["files"],
    summary="Delete a task's files and keep the task",
    responses=responses_of(DELETED_FILES, "The ids of the deleted files"),
    openapi_extra=_WITH_KEY,
)
def delete_task_files(
    task_id: str,
    key: Runner,
    service: Service,
    bare: Bare,
    role: Annotated[Literal["input", "output"] | None, Query()] = None,
) -> Any:
    """For a task that has ended: its results (`output`), and its files that this key uploaded (`input`)."""
    return success({"deleted": service.delete_files(key.owner, task_id, role), "skipped": []}, bare=bare)


@_routes.post(
    "/files",
    tags=["files"],
    summary="Upload files",
    responses=responses_of(UPLOADS, "Where to PUT the bytes"),
    openapi_extra={**request_body_of(UploadRequest), **_WITH_KEY},
)
async def create_files(
    request: Request, response: Response, key: Uploader, service: Service, bare: Bare, client: CallingClient
) -> Any:
    """PUT each file's bytes to its `upload_url` with its `upload_headers`. Use its `uri` as html or audio_url.

    With `sha256`, a file that this key uploaded before has `uploaded: true` and needs no PUT.
    """
    rate = await run_in_threadpool(service.quotas.count, key, "upload", key.limits.uploads_a_minute)
    _add_rate_headers(request, response, rate)
    body = await _json_body(request)
    # The JavaScript client declares one type and sends another, which a signature of the type would not allow.
    signs_type = not client.is_javascript
    return success(await run_in_threadpool(service.uploads.create, key.owner, body, signs_type), bare=bare)


async def _json_body(request: Request) -> object:
    try:
        return read_json(await request.body())
    except ValueError as error:
        detail = f"{error.msg} at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise InvalidOption(f"The body is not valid JSON: {detail}.", "Send one JSON object.") from None


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _answer(request: Request, error: RenderError, status: int | None = None) -> JSONResponse:
    headers = dict(getattr(request.state, "headers", {}))
    if isinstance(error, RateLimited):
        headers |= {"Retry-After": str(error.retry_after), **error.headers}
    elif error.http_status == 503:
        headers |= {"Retry-After": str(_SERVICE_RETRY_SECONDS)}
    body = problem(error, _request_id(request), status)
    return JSONResponse(body, body["status"], headers=headers, media_type="application/problem+json")


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RenderError)
    if error.http_status >= 500:
        _LOG.error("request %s failed: %s", _request_id(request), error, exc_info=error)
        return _answer(request, _without_details(request, error), error.http_status)
    return _answer(request, error)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(
            request, NotFound(f"There is no route {request.url.path[:80]}.", "GET /openapi.json lists them.")
        )
    if error.status_code == 405:
        wrong = InvalidOption(
            f"{request.url.path[:80]} does not accept {request.method}.", "GET /openapi.json lists them."
        )
        request.state.headers = {"Allow": (error.headers or {}).get("Allow", "")}
        return _answer(request, wrong, 405)
    return _answer(request, InvalidOption(str(error.detail)), error.status_code)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    return _answer(request, InvalidOption(f"{where}: {first['msg']}."), 422)


def _without_details(request: Request, error: Exception) -> RenderError:
    """An error of the same class without internal details, which are only logged."""
    kind = type(error) if isinstance(error, RenderError) else InternalError
    return kind(
        "An internal error occurred.",
        f"Try again; if it persists, quote the request id {_request_id(request)}.",
    )


class _RequestMiddleware:
    """Adds and logs a request id, limits the body's size, and turns exceptions into responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] != "/":
            scope["path"] = scope["path"].rstrip("/") or "/"
        sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = scope["request_id"] = sent if _REQUEST_ID.match(sent) else uuid.uuid4().hex

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
                    f"The request's body has more than {MAX_BODY_BYTES} bytes.", "Upload the file and send its uri."
                )
            return message

        try:
            await self._app(scope, receive_limited, send_with_id)
        except asyncio.CancelledError:
            # A stopping server cancels running requests, and would respond 500 to those without a response.
            if status:
                raise
            stopping = ServiceFailed(
                "The server stopped before it could respond.",
                "Send the request again; with an Idempotency-Key it is executed only once.",
            )
            await _answer(Request(scope), stopping)(scope, receive, send_with_id)
        except Exception as error:
            _LOG.exception("request %s failed", request_id)
            if status:
                raise
            request = Request(scope)
            await _answer(request, _without_details(request, error))(scope, receive, send_with_id)
        finally:
            seconds = time.monotonic() - began
            _LOG.info("%s %s: %d in %.3f s (%s)", scope["method"], scope["path"], status, seconds, request_id)
