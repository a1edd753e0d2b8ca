"""Everything that can go wrong, in one tree.

    RenderError
    ├── InputError                  the caller can mend it
    │   ├── InvalidOption           an option or input field has a wrong value
    │   ├── InvalidComposition      no composition root, empty file, not HTML
    │   ├── InvalidArchive          a .zip that cannot be trusted or read
    │   ├── SoundUnusable           audio_url leads to nothing that can be heard
    │   ├── LimitExceeded           larger, longer or more than docs/limits.md allows
    │   └── OutputUnwritable        the result cannot be written where it should go
    ├── PageError                   the composition's own page misbehaves
    │   ├── PageScriptFailed        an uncaught error while the page loads
    │   ├── PageNotReady            a clock ran out while the page got ready
    │   ├── PageUnresponsive        a clock ran out while a frame was drawn
    │   └── DurationUnknown         nothing in the composition says how long it is
    └── MachineError                the machine or a tool on it misbehaves
        ├── SetupIncomplete         Chromium, ffmpeg, fonts or page runtime are missing
        ├── BrowserFailed           Chromium did not start or died
        ├── EncoderFailed           ffmpeg did not start, died or made something else
        ├── DiskFull                no space left
        └── RenderStalled           the watchdog ended a render that made no progress

Each class has a stable `code` (part of the API), an HTTP status and a verdict on whether the same
request may succeed when it is tried again. Each instance says what is wrong and what to do.
"""

from __future__ import annotations

from typing import ClassVar


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
        """The error as it stands in a JSON result."""
        return {"code": self.code, "message": self.message, "action": self.action, "retryable": self.retryable}


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
    """Larger, longer or more than docs/limits.md allows."""

    code = "limit_exceeded"
    http_status = 413


class OutputUnwritable(InputError):
    """The result cannot be written where the caller wants it."""

    code = "output_unwritable"


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


def _one_line(text: str) -> str:
    return " ".join(text.split())
