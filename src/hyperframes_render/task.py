"""The one truth about what a caller may ask for.

The command line's options, the API's schema and the table in docs/ are made from `RenderInput`.
"""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from hyperframes_render.errors import InvalidOption, LimitExceeded

#: Default picture size in CSS pixels, where neither the caller nor the composition names one.
DEFAULT_WIDTH, DEFAULT_HEIGHT = 1920, 1080
DEFAULT_FPS = Fraction(30)

#: docs/limits.md explains each of these.
MAX_SIDE = 7680
MAX_PIXELS = 7680 * 4320
MAX_FPS = 240
MAX_DURATION = 4 * 3600.0
MAX_FRAMES = 864_000

#: Decimal spellings of the broadcast rates, which are fractions: 30000/1001 is written 29.97.
_BROADCAST_RATES = {Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)}


def parse_frame_rate(value: object) -> Fraction:
    """A frame rate from an int, a float, "30", "29.97" or "30000/1001".

    29.97 and its like become the exact broadcast fraction. Raises ValueError with a readable sentence.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError("fps must be a number or a fraction such as 30000/1001")
    text = str(value).strip()
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'fps must be a number or a fraction such as 30000/1001, not "{text[:40]}"') from None
    if not 1 <= rate <= MAX_FPS:
        raise ValueError(f"fps must be from 1 to {MAX_FPS}, not {text[:40]}")
    for exact in _BROADCAST_RATES:
        if abs(rate - exact) < Fraction(1, 200) and rate.denominator != 1:
            return exact
    return rate.limit_denominator(100_000)


def format_frame_rate(rate: Fraction) -> str:
    """A frame rate as callers write it: "30" or "30000/1001"."""
    return str(rate)


_HOST = re.compile(r"^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$")


def _parse_network(value: object) -> object:
    """Accept "public", "none", or host names (a list, or one string with commas)."""
    if isinstance(value, str) and value not in ("public", "none"):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, (list, tuple)):
        hosts = tuple(str(host).strip().lower() for host in value)
        for host in hosts:
            if not _HOST.match(host):
                raise ValueError(f'network must be "public", "none" or host names; "{host[:60]}" is none of them')
        return hosts
    return value


FrameRate = Annotated[
    Fraction,
    BeforeValidator(parse_frame_rate),
    PlainSerializer(format_frame_rate, return_type=str),
    Field(json_schema_extra={"type": ["number", "string"], "examples": [30, "30000/1001"]}),
]
NetworkPolicy = Annotated[Literal["public", "none"] | tuple[str, ...], BeforeValidator(_parse_network)]


class Codec(StrEnum):
    """Video codecs that a result can have."""

    H264 = "h264"


class RenderInput(BaseModel):
    """How a composition is to be rendered. A value that is not given is read from the composition."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    width: int | None = Field(
        default=None,
        ge=1,
        description="Width in CSS pixels. Default: the composition's data-width, else 1920.",
    )
    height: int | None = Field(
        default=None,
        ge=1,
        description="Height in CSS pixels. Default: the composition's data-height, else 1080.",
    )
    fps: FrameRate | None = Field(
        default=None,
        description="Frames per second, a number or a fraction (30000/1001). Default: the composition's, else 30.",
    )
    duration: float = Field(
        default=0,
        ge=0,
        description="Length in seconds. 0 = the composition's data-duration, else its timelines and clips.",
    )
    codec: Codec = Field(default=Codec.H264, description="Video codec of the result.")
    network: NetworkPolicy = Field(
        default="public",
        description="What the page may ask for besides its own files: public, none, or host names separated by commas.",
    )


def parse_render_input(values: dict[str, Any]) -> RenderInput:
    """Validate what a caller gave. Raises InvalidOption naming the field and what it may be."""
    try:
        render_input = RenderInput.model_validate(values)
    except ValidationError as error:
        raise InvalidOption(_readable(error)) from None
    check_size(render_input.width or 1, render_input.height or 1)
    if render_input.duration > MAX_DURATION:
        raise LimitExceeded(f"duration {render_input.duration:g} s is too long: the limit is {MAX_DURATION:g} s.")
    return render_input


def check_size(width: int, height: int) -> None:
    """Raise LimitExceeded where a picture of `width` by `height` pixels is more than can be rendered."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise LimitExceeded(
            f"A picture of {width}x{height} pixels is too large: the limit is {MAX_SIDE} a side "
            f"and {MAX_PIXELS} in all.",
            "Ask for a smaller width and height.",
        )


def _readable(error: ValidationError) -> str:
    """The first complaints of pydantic as one sentence: field, what is wrong, what it was."""
    parts = []
    for detail in error.errors(include_url=False)[:3]:
        where = ".".join(str(step) for step in detail["loc"][:1]) or "input"
        message = str(detail["msg"]).removeprefix("Value error, ")
        given = str(detail.get("input", ""))[:40]
        parts.append(message if message.startswith(where) else f"{where}: {message} (it was {given!r})")
    return "; ".join(parts) + "."


class TaskStatus(IntEnum):
    """The states of a task, numbered as in the public API that ours follows."""

    UNKNOWN = 0
    RECEIVED = 1
    QUEUED = 2
    DISPATCHED = 3
    PREPARING = 4
    SERVING = 5
    SETTING_UP = 6
    RUNNING = 7
    CANCELLING = 8
    UPLOADING = 9
    COMPLETED = 10
    FAILED = 11
    CANCELLED = 12
    REJECTED = 13

    @property
    def final(self) -> bool:
        """Whether a task stays in this state for good."""
        return self >= TaskStatus.COMPLETED

    @property
    def text(self) -> str:
        """The name as it stands in answers: "completed"."""
        return self.name.lower()


class Task(BaseModel):
    """What is known about one accepted render. Times are ISO 8601, UTC, in milliseconds.

    A copy of the stored item; the table decides. `input` holds what the caller gave, its markup replaced by a uri.
    """

    model_config = ConfigDict(extra="ignore")

    id: str
    owner: str
    status: TaskStatus
    created_at: str
    updated_at: str
    version: int = 1
    app: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    #: Key of the composition in the bucket, or an https address that Plan fetches.
    source_key: str = ""
    source_etag: str | None = None
    metadata: Any = None
    webhook: str | None = None
    session_id: str | None = None
    #: For a dropped file: its key below inbox/.
    drop_key: str | None = None
    phase: str = ""
    frames_done: int = 0
    frames_total: int = 0
    warnings: list[str] = Field(default_factory=list)
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    #: What the last function that failed said: a map of many loses it on the way.
    failure: dict[str, Any] = Field(default_factory=dict)
    #: How often its workflow was started.
    starts: int = 0
    attention: str | None = None
    attention_at: str | None = None
    expires_at: int | None = None
    #: What its functions reported of their time and memory, for the cost (api/cost.py).
    spent: dict[str, int] = Field(default_factory=dict)

    @property
    def request(self) -> RenderInput:
        """How it is to be rendered: `input` without the composition itself."""
        return RenderInput.model_validate({name: value for name, value in self.input.items() if name != "html"})

    @property
    def progress(self) -> float:
        """The share of frames that are rendered, 0 to 1."""
        return min(1.0, self.frames_done / self.frames_total) if self.frames_total else 0.0


#: File name suffix and content type of a result, by codec.
_RESULT_TYPES = {
    "h264": (".mp4", "video/mp4"),
    "h265": (".mp4", "video/mp4"),
    "av1": (".mp4", "video/mp4"),
    "vp8": (".webm", "video/webm"),
    "vp9": (".webm", "video/webm"),
    "prores": (".mov", "video/quicktime"),
    "gif": (".gif", "image/gif"),
    "png": (".zip", "application/zip"),
}


def result_type(codec: str) -> tuple[str, str]:
    """File name suffix and content type of a result in `codec`."""
    return _RESULT_TYPES[codec]
