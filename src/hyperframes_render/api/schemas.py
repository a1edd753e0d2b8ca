"""Schemas of requests and responses for GET /openapi.json. Input fields come from RenderInput."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hyperframes_render.input import APP, RenderInput
from hyperframes_render.tasks.submission import MAX_METADATA_BYTES

_HTML = '<div data-composition-id="main" data-width="1280" data-height="720" data-duration="2">…</div>'
_WHEN = "2026-01-31T12:00:00.000Z"


class RunInput(RenderInput):
    """A composition and its render options."""

    html: str = Field(
        min_length=1,
        description="The composition's markup (at most 2,000,000 bytes), or the address of an .html or .zip: "
        "https://…, or the uri of a file that this key uploaded.",
        examples=[_HTML],
    )
    dry_run: bool = Field(default=False, description="Only plan: return duration, chunks and estimated cost.")
    metadata: Any = Field(default=None, description="The same as beside `input`.")


class RunRequest(BaseModel):
    """A render."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"app": APP, "input": {"html": _HTML, "fps": 30, "codec": "h264"}}]},
    )

    app: str | None = Field(default=None, description=f"{APP}, with or without @version.")
    input: RunInput
    webhook: str | None = Field(
        default=None, description="An https address that receives a signed request when the task ends."
    )
    metadata: Any = Field(default=None, description=f"Echoed; at most {MAX_METADATA_BYTES} bytes of JSON.")
    session: str | None = Field(default=None, description="Echoed as session_id.")
    wait: bool | None = Field(default=None, description="Accepted but ignored: the response is immediate.")
    setup: Any = None
    infra: Any = None
    workers: Any = None
    session_timeout: Any = None
    function: str | None = Field(
        default=None,
        description="render (default); check: report problems, render nothing; snapshot: draw frames as one image.",
    )
    run_at: Any = None
    stream: Any = None


class UploadFile(BaseModel):
    """A file to upload."""

    model_config = ConfigDict(extra="forbid")

    filename: str | None = Field(default=None, examples=["page.html"])
    content_type: str | None = Field(default=None, examples=["text/html"])
    size: int | None = Field(default=None, ge=1, description="Bytes.", examples=[18432])
    sha256: str | None = Field(
        default=None,
        description="SHA-256 of its bytes in hexadecimal: a file that this key uploaded before needs no upload.",
    )
    uri: str | None = None
    path: str | None = None
    public: bool | None = None
    id: str | None = None
    category: str | None = None


class UploadRequest(BaseModel):
    """Files to upload."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"files": [{"filename": "page.html", "content_type": "text/html", "size": 18432}]}]
        },
    )

    files: list[UploadFile] = Field(min_length=1, max_length=20)


class FileAnswer(BaseModel):
    """A file with a download address that is signed for this response."""

    uri: str
    uri_expires_at: str
    content_type: str
    size: int
    filename: str


class UploadAnswer(BaseModel):
    """A file's upload address, and the uri that names the file afterwards."""

    id: str
    uri: str
    filename: str | None = None
    content_type: str
    size: int | None = None
    path: Any = None
    public: bool = False
    uploaded: bool = Field(description="Whether its bytes were uploaded before: then no PUT is needed.")
    upload_url: str | None
    upload_headers: dict[str, str] = Field(default_factory=dict, description="Headers to send with the bytes.")
    upload_url_expires_at: str | None = None
    created_at: str | None = None
    expires_at: str


class ProblemPatch(BaseModel):
    """Replace the characters `start` to `end` of `file` by `text`."""

    file: str
    start: int
    end: int
    text: str


class ProblemRecord(BaseModel):
    """A problem of a composition or a request, as `check` reports it (docs/reference/checks.md)."""

    code: str = Field(examples=["unknown_attribute"])
    severity: Literal["error", "warning", "notice"]
    message: str
    fix: str
    file: str = Field(description="Path below the project's folder; empty if unknown.")
    line: int = Field(description="From 1; 0 if unknown.")
    column: int = Field(description="From 1; 0 if unknown.")
    selector: str
    doc: str
    patch: ProblemPatch | None = None


class TaskAnswer(BaseModel):
    """A task."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "5a1f0c9e8b7d6a5f4e3d2c1bf86777c87afa",
                    "app": APP,
                    "status": 7,
                    "status_text": "running",
                    "created_at": _WHEN,
                    "updated_at": _WHEN,
                    "input": {"html": "s3://bucket/work/5a1f/source.html", "fps": 30},
                    "output": {
                        "progress": {"phase": "render", "frames_done": 120, "frames_total": 300, "percent": 40.0}
                    },
                    "error": None,
                    "error_code": None,
                    "logs": ["render: 120 of 300 frames (40 %)"],
                    "warnings": [],
                    "metadata": None,
                    "session_id": None,
                    "webhook": None,
                }
            ]
        }
    )

    id: str
    app: str
    status: int = Field(ge=0, le=13)
    status_text: str
    created_at: str
    updated_at: str
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    error_code: str | None
    logs: list[str]
    warnings: list[ProblemRecord]
    metadata: Any
    session_id: str | None
    webhook: str | None


class ProblemError(BaseModel):
    """The error for programs."""

    code: str
    message: str
    action: str
    retryable: bool


class Problem(BaseModel):
    """An error: the fields of problem+json and, for older clients, `success` and `error`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/errors/not_found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no task 17. Check the id; a key sees its own tasks only.",
                    "success": False,
                    "error": {
                        "code": "not_found",
                        "message": "There is no task 17. Check the id; a key sees its own tasks only.",
                        "action": "Check the id; a key sees its own tasks only.",
                        "retryable": False,
                    },
                    "request_id": "0f8c4f6de5f34c1c9f41d2b1f4b3c1aa",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    success: Literal[False]
    error: ProblemError
    request_id: str


def request_body_of(model: type[BaseModel]) -> dict[str, Any]:
    """`requestBody` of a route that parses its body itself, which gives readable error messages."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}", by_alias=True)
    inlined = _inline(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inlined}}}}


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """`schema` with references replaced by their definitions."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return {**_inline(definitions[reference.rpartition("/")[2]], definitions), **_inline(rest, definitions)}
    return {name: _inline(value, definitions) for name, value in schema.items()}


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's response schema without references."""
    schema = model.model_json_schema(mode="serialization")
    return dict(_inline(schema, schema.pop("$defs", {})))


_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "An error",
        "content": {"application/problem+json": {"schema": inlined(Problem)}},
    }
}


def responses_of(data: Any, description: str) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: `data` wrapped (or bare with X-API-Version: 2), and errors."""
    wrapped = _object(success={"const": True}, status=_INTEGER, data=data)
    content = {"application/json": {"schema": {"anyOf": [wrapped, data]}}}
    return {200: {"description": description, "content": content}, **_PROBLEM}


def _object(**properties: Any) -> dict[str, Any]:
    """The schema of an object that requires all of `properties`."""
    return {"type": "object", "required": [*properties], "properties": properties}


def _list_of(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT, _INTEGER = {"type": "string"}, {"type": "integer"}

# Schemas of the response data of routes.
TASK = inlined(TaskAnswer)
TASK_PAGE = _object(items=_list_of(TASK), next_cursor={"type": ["string", "null"]})
TASK_STATE = _object(id=_TEXT, status=_INTEGER, status_text=_TEXT, updated_at=_TEXT)
DELETED_TASK = _object(id=_TEXT, deleted={"const": True})
FILES = _list_of({**inlined(FileAnswer), "required": ["uri"]})
DELETED_FILES = _object(deleted=_list_of(_TEXT), skipped=_list_of(_TEXT))
UPLOADS = _list_of(inlined(UploadAnswer))
#: `responses` of the route that streams a task.
TASK_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The complete task at each change, until it has ended",
        "content": {"application/x-ndjson": {"schema": _TEXT}, "text/event-stream": {"schema": _TEXT}},
    },
    307: {"description": "The task has not ended; send the request again at once"},
    **_PROBLEM,
}
