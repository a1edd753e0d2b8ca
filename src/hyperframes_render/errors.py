"""Everything that can go wrong, in one tree.

    RenderError
    ├── InputError                  the caller can mend it
    │   ├── InvalidOption           an option or input field has a wrong value
    │   ├── InvalidComposition      no composition root, empty file, not HTML
    │   ├── InvalidArchive          a .zip that cannot be trusted or read
    │   ├── SoundUnusable           audio_url leads to nothing that can be heard
    │   ├── LimitExceeded           larger, longer or more than docs/reference/limits.md allows
    │   ├── OutputUnwritable        the result cannot be written where it should go
    │   ├── Unauthorized            no key, or one that is not known here
    │   ├── Forbidden               the key may not do this
    │   ├── NotFound                no such task, file, app or route for this key
    │   ├── Conflict                it is not, or no longer, in the state that this needs
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
    """Base of all errors that a caller sees.

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
    """The caller can mend it; trying again as it is cannot help."""

    code = "invalid_input"
    http_status = 400


class InvalidOption(InputError):
    """An option or input field has a wrong value."""

    code = "invalid_option"


class InvalidComposition(InputError):
    """The input is not a HyperFrames composition."""

    code = "invalid_composition"
    http_status = 422


class InvalidArchive(InputError):
    """A .zip that cannot be read or must not be trusted."""

    code = "invalid_archive"


class SoundUnusable(InputError):
    """audio_url leads to nothing that can be heard."""

    code = "sound_unusable"
    http_status = 422


class LimitExceeded(InputError):
    """Larger, longer or more than docs/reference/limits.md allows."""

    code = "limit_exceeded"
    http_status = 413


class OutputUnwritable(InputError):
    """The result cannot be written where the caller wants it."""

    code = "output_unwritable"


class Unauthorized(InputError):
    """No key, or one that is not known here."""

    code = "unauthorized"
    http_status = 401


class Forbidden(InputError):
    """The key is known, and may not do this."""

    code = "forbidden"
    http_status = 403


class NotFound(InputError):
    """No such task, file, app or route for this key."""

    code = "not_found"
    http_status = 404


class Conflict(InputError):
    """It is not, or no longer, in the state that this needs."""

    code = "conflict"
    http_status = 409


class KeyReused(InputError):
    """An Idempotency-Key that stands for another request."""

    code = "idempotency_key_reused"
    http_status = 422


class RateLimited(InputError):
    """Too many requests in a while; `retry_after` seconds later it may be tried again."""

    code = "rate_limited"
    http_status = 429
    retryable = True

    def __init__(self, message: str, action: str = "", *, retry_after: int = 60) -> None:
        super().__init__(message, action)
        self.retry_after = retry_after
        #: More about the limit, for the answer.
        self.headers: dict[str, str] = {}


class OverQuota(InputError):
    """More tasks at once, or frames a day, than the key may have: its task is born rejected."""

    code = "over_quota"
    http_status = 429
    retryable = True


class PayloadTooLarge(InputError):
    """A request body beyond what is read."""

    code = "payload_too_large"
    http_status = 413


class TaskCancelled(RenderError):
    """The caller asked for the end: no failure, and never tried again."""

    code = "cancelled"
    http_status = 409


class PageError(RenderError):
    """The composition's own page misbehaves."""

    code = "page_error"
    http_status = 422


class PageScriptFailed(PageError):
    """An uncaught error while the page loads: what it draws cannot be trusted."""

    code = "page_script_failed"


class PageNotReady(PageError):
    """A clock ran out before the page was ready to be seeked."""

    code = "page_not_ready"


class PageUnresponsive(PageError):
    """A clock ran out while one frame was seeked or drawn."""

    code = "page_unresponsive"


class MemoryExceeded(PageError):
    """The page, or what it made the browser do, took more memory than a render may."""

    code = "memory_exceeded"


class DurationUnknown(PageError):
    """Nothing in the composition says how long it is."""

    code = "duration_unknown"


class MachineError(RenderError):
    """The machine or a tool on it misbehaves; another try may succeed."""

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
    """ffmpeg did not start, died, or made something other than what was asked."""

    code = "encoder_failed"


class DiskFull(MachineError):
    """No space left on the device."""

    code = "disk_full"


class RenderStalled(MachineError):
    """The watchdog ended a render that made no progress."""

    code = "render_stalled"


class ServiceFailed(MachineError):
    """A service of the cloud did not do what it was asked, after its client's own repeats."""

    code = "service_failed"
    http_status = 503


class NoRoom(ServiceFailed):
    """As many functions run as may, or one that was idle for weeks is being made ready: the work waits for it."""

    code = "no_room"


class WorkerLost(MachineError):
    """A function died without a word (killed, out of memory), or the workflow around it did."""

    code = "worker_lost"


class FunctionTimedOut(MachineError):
    """A function reached its own time limit: the same work would take as long again."""

    code = "function_timed_out"
    retryable = False


class TaskAltered(MachineError):
    """Its item says something else than what was accepted: its renderer was taken over, or the table was written to."""

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
