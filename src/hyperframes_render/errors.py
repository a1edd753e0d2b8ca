"""All errors that a caller can see, in one class tree.

    RenderError
    ├── InputError                  the request is wrong, the caller can correct it
    │   ├── InvalidOption           an option or input field has a wrong value
    │   ├── InvalidComposition      the file is empty or not HTML, or the project lacks a file
    │   ├── InvalidArchive          the .zip cannot be read or is not safe
    │   ├── SoundUnusable           audio_url has no sound that can be decoded
    │   ├── LimitExceeded           a limit of docs/reference/limits.md is exceeded
    │   ├── OutputUnwritable        the output file cannot be written
    │   ├── Unauthorized            the API key is missing, unknown, revoked or expired
    │   ├── Forbidden               the API key lacks the scope for this request
    │   ├── NotFound                there is no such task, file, app or route for this key
    │   ├── Conflict                the state of the task or object does not allow this
    │   ├── KeyReused               the Idempotency-Key was used for another request
    │   ├── RateLimited             too many requests in a minute
    │   ├── OverQuota               the key's limit of tasks at once or frames a day is reached
    │   └── PayloadTooLarge         the request body is too large
    ├── TaskCancelled               the caller cancelled the task
    ├── PageError                   the composition's page failed
    │   ├── PageScriptFailed        an uncaught error while the page loaded
    │   ├── CodeUnavailable         a script or style sheet from outside could not be loaded
    │   ├── PageNotReady            timeout before the page was ready
    │   ├── PageUnresponsive        timeout while the page drew a frame
    │   ├── MemoryExceeded          the page exceeded the memory limit of a render
    │   └── DurationUnknown         the composition has no duration
    └── MachineError                the machine or a tool on it failed
        ├── SetupIncomplete         Chromium, ffmpeg, fonts or the page runtime is missing
        ├── BrowserFailed           Chromium did not start or died
        ├── EncoderFailed           ffmpeg did not start, died or wrote a wrong video
        ├── DiskFull                no space is left on the disk
        ├── RenderStalled           the watchdog ended a render that made no progress
        ├── ServiceFailed           a cloud service failed
        │   └── NoRoom              the account's limit of running functions is reached
        ├── WorkerLost              a function or its workflow died without an error
        ├── FunctionTimedOut        a function reached its time limit
        ├── TaskAltered             the stored task differs from the accepted one
        └── InternalError           a bug of this program

Each class has a stable `code` (part of the API), an HTTP status, and `retryable`: whether the same request may succeed
when it is tried again. Each instance has a message (what is wrong) and an action (what to do).
"""

from __future__ import annotations

from typing import Any, ClassVar

#: Characters of a message and of an action at most when stored or published. Both may contain text of a page.
MAX_SENTENCE = 1000
#: Problems of a composition that an error lists.
MAX_PROBLEMS = 10


class RenderError(Exception):
    """The base class of all errors that a caller sees.

    `message` is a sentence that says what is wrong, `action` a sentence that says what to do.
    """

    code: ClassVar[str] = "render_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, action: str = "") -> None:
        super().__init__(message)
        self.message = _one_line(message)
        self.action = _one_line(action)
        #: Records of the problems that the composition's files show (problems.py), where the composition failed.
        self.problems: list[dict[str, Any]] = []

    def __str__(self) -> str:
        return f"{self.message} {self.action}".strip()

    def as_dict(self) -> dict[str, object]:
        """The error as fields of a JSON result; message and action have at most MAX_SENTENCE characters."""
        message, action = cut(self.message, MAX_SENTENCE), cut(self.action, MAX_SENTENCE)
        record = {"code": self.code, "message": message, "action": action, "retryable": self.retryable}
        return {**record, "problems": self.problems[:MAX_PROBLEMS]} if self.problems else record


class InputError(RenderError):
    """The request is wrong: the caller can correct it, a retry of the same request cannot help."""

    code = "invalid_input"
    http_status = 400


class InvalidOption(InputError):
    """An option or input field has a wrong value."""

    code = "invalid_option"


class InvalidComposition(InputError):
    """The input cannot be rendered: it is empty, is not HTML, or lacks a file."""

    code = "invalid_composition"
    http_status = 422


class InvalidArchive(InputError):
    """The .zip cannot be read, or is not safe to unpack."""

    code = "invalid_archive"


class SoundUnusable(InputError):
    """audio_url has no sound that can be decoded."""

    code = "sound_unusable"
    http_status = 422


class LimitExceeded(InputError):
    """The request exceeds a limit of docs/reference/limits.md."""

    code = "limit_exceeded"
    http_status = 413


class OutputUnwritable(InputError):
    """The output file cannot be written."""

    code = "output_unwritable"


class Unauthorized(InputError):
    """The API key is missing, unknown, revoked or expired."""

    code = "unauthorized"
    http_status = 401


class Forbidden(InputError):
    """The API key lacks the scope for this request."""

    code = "forbidden"
    http_status = 403


class NotFound(InputError):
    """There is no such task, file, app or route for this key."""

    code = "not_found"
    http_status = 404


class Conflict(InputError):
    """The state of the task or object does not allow this."""

    code = "conflict"
    http_status = 409


class KeyReused(InputError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    http_status = 422


class RateLimited(InputError):
    """There were too many requests; the next one is allowed after `retry_after` seconds."""

    code = "rate_limited"
    http_status = 429
    retryable = True

    def __init__(self, message: str, action: str = "", *, retry_after: int = 60) -> None:
        super().__init__(message, action)
        self.retry_after = retry_after
        #: Response headers that describe the limit.
        self.headers: dict[str, str] = {}


class OverQuota(InputError):
    """The key's limit of tasks at once or frames a day is reached: the task is rejected."""

    code = "over_quota"
    http_status = 429
    retryable = True


class PayloadTooLarge(InputError):
    """The request body is too large."""

    code = "payload_too_large"
    http_status = 413


class TaskCancelled(RenderError):
    """The caller cancelled the task: this is not a failure and is never retried."""

    code = "cancelled"
    http_status = 409


class PageError(RenderError):
    """The composition's page failed."""

    code = "page_error"
    http_status = 422


class PageScriptFailed(PageError):
    """A script failed while the page loaded, so its frames may be wrong."""

    code = "page_script_failed"


class CodeUnavailable(PageError):
    """A script, module or style sheet from outside the project could not be loaded."""

    code = "code_unavailable"


class PageNotReady(PageError):
    """The page was not ready to seek in time."""

    code = "page_not_ready"


class PageUnresponsive(PageError):
    """The page did not seek or draw a frame in time."""

    code = "page_unresponsive"


class MemoryExceeded(PageError):
    """The browser used more memory for the page than a render may use."""

    code = "memory_exceeded"


class DurationUnknown(PageError):
    """The composition has no duration, and none can be detected."""

    code = "duration_unknown"


class MachineError(RenderError):
    """The machine or a tool on it failed: a retry may succeed."""

    code = "machine_error"
    retryable = True


class SetupIncomplete(MachineError):
    """A part that the setup installs is missing."""

    code = "setup_incomplete"
    retryable = False


class BrowserFailed(MachineError):
    """Chromium did not start, or died."""

    code = "browser_failed"


class EncoderFailed(MachineError):
    """ffmpeg did not start, died, or wrote a video that differs from the plan."""

    code = "encoder_failed"


class DiskFull(MachineError):
    """There is no space left on the device."""

    code = "disk_full"


class RenderStalled(MachineError):
    """The watchdog ended a render that made no progress."""

    code = "render_stalled"


class ServiceFailed(MachineError):
    """A cloud service failed, after the retries of its client."""

    code = "service_failed"
    http_status = 503


class NoRoom(ServiceFailed):
    """The limit of running functions is reached, or Lambda reactivates an idle function: the workflow retries."""

    code = "no_room"


class WorkerLost(MachineError):
    """A function died without an error (killed, out of memory), or its workflow did."""

    code = "worker_lost"


class FunctionTimedOut(MachineError):
    """A function reached its time limit: a retry would take as long."""

    code = "function_timed_out"
    retryable = False


class TaskAltered(MachineError):
    """The stored task differs from the accepted one: a page took over its renderer, or somebody changed the table."""

    code = "task_altered"
    retryable = False


class InternalError(MachineError):
    """A bug of this program; the log has the details."""

    code = "internal_error"
    retryable = False


def error_class(name: str) -> type[RenderError] | None:
    """The error class called `name`, as a workflow reports it; None if there is no such class."""
    return next((found for found in error_tree() if found.__name__ == name), None)


def error_tree(root: type[RenderError] = RenderError) -> list[type[RenderError]]:
    """`root` and every class below it."""
    return [root, *(found for child in root.__subclasses__() for found in error_tree(child))]


def cut(text: str, length: int) -> str:
    """`text` limited to `length` characters; a shortened text ends with an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
