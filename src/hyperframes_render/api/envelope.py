"""The shape of responses, which all versions of the public clients understand."""

from __future__ import annotations

from typing import Any

from hyperframes_render.errors import RenderError

#: HTTP status → code of the public convention.
_PUBLIC_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "invalid_request",
    409: "conflict",
    413: "limit_exceeded",
    415: "invalid_request",
    422: "validation_error",
    429: "rate_limited",
}


def success(data: Any, *, bare: bool, status: int = 200) -> Any:
    """A response body: `data` wrapped for API version 1, `data` itself (`bare`) for version 2."""
    return data if bare else {"success": True, "status": status, "data": data}


def problem(error: RenderError, request_id: str, status: int | None = None) -> dict[str, Any]:
    """An error body with the fields of problem+json and, for older clients, `success` and `error`."""
    status = status or error.http_status
    public = _PUBLIC_CODES.get(status, "internal_error")
    return {
        "type": f"/errors/{public}",
        "title": public.replace("_", " ").capitalize(),
        "status": status,
        "detail": str(error),
        "success": False,
        "error": {"code": error.code, "message": str(error), "action": error.action, "retryable": error.retryable},
        "request_id": request_id,
    }
