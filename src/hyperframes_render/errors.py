"""Everything that can go wrong, in one tree.

    RenderError
    ├── InputError                  the caller can correct it
    │   ├── InvalidOption           an option or input field has a wrong value
    │   ├── InvalidComposition      an empty file, no HTML, a missing file of the project
    │   ├── InvalidArchive          a .zip that cannot be trusted or read
    │   ├── SoundUnusable           audio_url leads to nothing that can be heard
    │   ├── LimitExceeded           larger, longer or more than docs/reference/limits.md allows
    │   ├── OutputUnwritable        the result cannot be written where it should go
    │   ├── Unauthorized            no key, or one that is not known here
    │   ├── Forbidden               the key may not do this
    │   ├── NotFound                no such task, file, app or route for this key
    │   ├── Conflict                the task is not in a state that allows this
    │   ├── KeyReused               an Idempotency-Key that stands for another request
    │   ├── RateLimited             too many requests in a while
    │   ├── OverQuota               more tasks at once or frames a day than the key may have
    │   └── PayloadTooLarge         a request body beyond what is read
    ├── TaskCancelled               the caller asked for the end
    ├── PageError                   the composition's own page misbehaves
    │   ├── PageScriptFailed        an uncaught error while the page loads
    │   ├── PageNotReady            a clock ran out while the page got ready
    │   ├── PageUnresponsive        a clock ran out while a frame was drawn
    │   ├── MemoryExceeded          it took more memory than a render may
    │   └── DurationUnknown         nothing in the composition says how long it is
    └── MachineError                the machine or a tool on it misbehaves
        ├── SetupIncomplete         Chromium, ffmpeg, fonts or page runtime are missing
        ├── BrowserFailed           Chromium did not start or died
        ├── EncoderFailed           ffmpeg did not start, died or made something else
        ├── DiskFull                no space left
        ├── RenderStalled           the watchdog ended a render that made no progress
        ├── ServiceFailed           a service of the cloud did not do what it was asked
        │   └── NoRoom              as many functions run as may: the work waits
        ├── WorkerLost              a function died without a word, or its workflow did
        ├── FunctionTimedOut        a function reached its own time limit
        ├── TaskAltered             somebody changed what was accepted: a page that took its renderer over
        └── InternalError           a fault of this program

Each class has a stable `code` (part of the API), an HTTP status and a verdict on whether the same
request may succeed when it is tried again. Each instance says what is wrong and what to do.
"""

from __future__ import annotations

from typing import ClassVar

#: Characters of each of an error's two sentences where it is kept or told: a page may have put its own text into it.
MAX_SENTENCE = 1000


class RenderError(Exception):
    """The base of all errors that a caller sees.

    `message` says what is wrong in one sentence, `action` what to do about it in another.
    """

    code: ClassVar[str] = "render_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, action: str = "") -> None:
        super().__init__(message)
        self.message = _one_line(message)
        self.action = _one_line(action)

    def __str__(self) -> str:
        return f"{self.message} {self.action}".strip()

    def as_dict(self) -> dict[str, object]:
        """The error as it stands in a JSON result, each sentence MAX_SENTENCE characters long at most."""
        message, action = cut(self.message, MAX_SENTENCE), cut(self.action, MAX_SENTENCE)
        return {"code": self.code, "message": message, "action": action, "retryable": self.retryable}


class InputError(RenderError):
    """The request is wrong: the caller can correct it, a second try of the same cannot help."""

    code = "invalid_input"
    http_status = 400


class InvalidOption(InputError):
    """An option or input field has a wrong value."""

    code = "invalid_option"


class InvalidComposition(InputError):
    """The input is no page that can be rendered: it is empty, is no HTML, or lacks a file."""

    code = "invalid_composition"
    http_status = 422


class InvalidArchive(InputError):
    """The .zip cannot be read, or must not be trusted."""

    code = "invalid_archive"


class SoundUnusable(InputError):
    """audio_url leads to no sound that can be decoded."""

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
    """The task is not in a state that allows this."""

    code = "conflict"
    http_status = 409


class KeyReused(InputError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"
    http_status = 422


class RateLimited(InputError):
    """There were too many requests; `retry_after` seconds later one may be tried again."""

    code = "rate_limited"
    http_status = 429
    retryable = True

    def __init__(self, message: str, action: str = "", *, retry_after: int = 60) -> None:
        super().__init__(message, action)
        self.retry_after = retry_after
        #: More about the limit, for the answer.
        self.headers: dict[str, str] = {}


class OverQuota(InputError):
    """The key has more tasks at once, or frames a day, than it may: the task is rejected on arrival."""

    code = "over_quota"
    http_status = 429
    retryable = True


class PayloadTooLarge(InputError):
    """The request body is larger than the application reads."""

    code = "payload_too_large"
    http_status = 413


class TaskCancelled(RenderError):
    """The caller cancelled the task: this is no failure, and is never tried again."""

    code = "cancelled"
    http_status = 409


class PageError(RenderError):
    """The page itself misbehaves."""

    code = "page_error"
    http_status = 422


class PageScriptFailed(PageError):
    """A script failed while the page loaded: what the page draws cannot be trusted."""

    code = "page_script_failed"


class PageNotReady(PageError):
    """The page was not ready to be seeked in time."""

    code = "page_not_ready"


class PageUnresponsive(PageError):
    """The page did not seek or draw a frame in time."""

    code = "page_unresponsive"


class MemoryExceeded(PageError):
    """The browser took more memory for the page than a render may take."""

    code = "memory_exceeded"


class DurationUnknown(PageError):
    """Nothing in the composition says how long it is."""

    code = "duration_unknown"


class MachineError(RenderError):
    """The machine, or a tool on it, misbehaves: a second try may succeed."""

    code = "machine_error"
    retryable = True


class SetupIncomplete(MachineError):
    """A part that the set-up installs is missing."""

    code = "setup_incomplete"
    retryable = False


class BrowserFailed(MachineError):
    """Chromium did not start, or died."""

    code = "browser_failed"


class EncoderFailed(MachineError):
    """ffmpeg did not start, died, or wrote another video than the planned one."""

    code = "encoder_failed"


class DiskFull(MachineError):
    """There is no space left on the device."""

    code = "disk_full"


class RenderStalled(MachineError):
    """The watchdog ended a render that made no progress."""

    code = "render_stalled"


class ServiceFailed(MachineError):
    """A service of the cloud failed, after the retries of its client."""

    code = "service_failed"
    http_status = 503


class NoRoom(ServiceFailed):
    """The account runs as many functions as it may, or Lambda reactivates an idle function: the workflow retries."""

    code = "no_room"


class WorkerLost(MachineError):
    """A function died without an error (killed, out of memory), or its workflow did."""

    code = "worker_lost"


class FunctionTimedOut(MachineError):
    """A function reached its time limit: a second try would take as long."""

    code = "function_timed_out"
    retryable = False


class TaskAltered(MachineError):
    """The stored task differs from what was accepted: a page took its renderer over, or the table was written to."""

    code = "task_altered"
    retryable = False


class InternalError(MachineError):
    """A fault of this program; the log has the details."""

    code = "internal_error"
    retryable = False


def error_class(name: str) -> type[RenderError] | None:
    """The class of the tree that is called `name`, as it comes back from a workflow; None for a stranger."""
    return next((found for found in error_tree() if found.__name__ == name), None)


def error_tree(root: type[RenderError] = RenderError) -> list[type[RenderError]]:
    """`root` and every class below it."""
    return [root, *(found for child in root.__subclasses__() for found in error_tree(child))]


def cut(text: str, length: int) -> str:
    """`text` with `length` characters at most; what was cut ends in an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
