"""The render options that a caller may set.

The command line's options, the API's schema and the option table in docs/ come from `RenderInput`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from hyperframes_render.errors import InvalidOption, LimitExceeded
from hyperframes_render.formats import FORMATS, Codec, Quality, codecs_with_alpha

#: The name of this application in the public API that this API follows.
APP = "infsh/hyperframes-render"
#: Default frame size in CSS pixels, if neither the caller nor the composition sets one.
DEFAULT_WIDTH, DEFAULT_HEIGHT = 1920, 1080
DEFAULT_FPS = Fraction(30)

#: docs/reference/limits.md explains these limits: pixels, frames a second, seconds, frames.
MAX_SIDE = 7680
MAX_PIXELS = 7680 * 4320
MAX_FPS = 240
MAX_DURATION = 4 * 3600.0
MAX_FRAMES = 864_000

#: Accepted spellings of a number: Fraction needs too much time and memory for longer exponents.
_NUMBER_TEXT = re.compile(r"[^eE]{1,40}([eE][-+]?\d{1,3})?")
#: The broadcast frame rates. They are fractions with decimal spellings: 29.97 means 30000/1001.
_BROADCAST_RATES = {Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)}


def parse_frame_rate(value: object) -> Fraction:
    """Parse a frame rate in frames a second: an int, a float, "30", "29.97" or "30000/1001".

    Decimal spellings of broadcast rates, such as 29.97, become the exact fraction. Raises ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError("fps must be a number or a fraction such as 30000/1001")
    text = str(value).strip()
    try:
        rate = Fraction(text if _NUMBER_TEXT.fullmatch(text) else "none")
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'fps must be a number or a fraction such as 30000/1001, not "{text[:40]}"') from None
    if not 1 <= rate <= MAX_FPS:
        raise ValueError(f"fps must be from 1 to {MAX_FPS}, not {text[:40]}")
    for exact in _BROADCAST_RATES:
        if abs(rate - exact) < Fraction(1, 200) and rate.denominator != 1:
            return exact
    return rate.limit_denominator(100_000)


def format_frame_rate(rate: Fraction) -> str:
    """A frame rate as text: "30" or "30000/1001"."""
    return str(rate)


_HOST = re.compile(r"^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$")


#: Host names in `network` at most, and characters of a host name (RFC 1035).
MAX_HOSTS, _MAX_HOST_NAME = 100, 253


def _parse_network(value: object) -> object:
    """Parse "public", "none", or host names (a list, or one string separated by commas)."""
    if isinstance(value, str) and value not in ("public", "none"):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, (list, tuple)):
        if len(value) > MAX_HOSTS:
            raise ValueError(f"network may name {MAX_HOSTS} hosts, not {len(value)}")
        hosts = tuple(str(host).strip().lower()[:_MAX_HOST_NAME] for host in value)
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


#: Device pixels per CSS pixel; above 4 a 1080p page is larger than 8K.
MIN_SCALE, MAX_SCALE = 0.25, 4.0


def _parse_quality(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}", value):
        return int(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, str))
        or (isinstance(value, str) and value not in set(Quality))
    ):
        raise ValueError(f"quality must be {', '.join(Quality)} or a whole number (CRF), not {str(value)[:40]!r}")
    return value


QualityOrCrf = Annotated[Quality | int, BeforeValidator(_parse_quality)]


#: Levels of nested objects and lists at most: all libraries that read or write the input support this depth.
MAX_NESTING = 100
#: Bytes of variables as JSON at most: they hold text and numbers; images are sent as addresses.
MAX_VARIABLES = 64 * 1024


def is_shallow(value: object) -> bool:
    """Whether objects and lists are nested at most MAX_NESTING levels deep."""
    level = [value]
    for _ in range(MAX_NESTING):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, dict | list)]
        if not level:
            return True
    return False


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _parse_variables(value: object) -> object:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"variables must be a JSON object: {error}") from None
        except RecursionError:
            raise ValueError("variables are nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError('variables must be a JSON object such as {"title": "Hello"}')
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise ValueError("variables must hold JSON values only") from None
    if not is_shallow(value):
        raise ValueError(f"variables are nested too deeply: the limit is {MAX_NESTING}")
    if size > MAX_VARIABLES:
        raise ValueError(f"variables have {size} bytes as JSON: the limit is {MAX_VARIABLES}")
    return value


def _parse_composition(value: str) -> str:
    path = posixpath.normpath(value)
    if value.startswith("/") or path.startswith("..") or not path.lower().endswith((".html", ".htm")):
        raise ValueError("composition: it must be the path of an .html file in the project")
    return path


CompositionPath = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_parse_composition)]
Variables = Annotated[dict[str, Any], BeforeValidator(_parse_variables)]


class RenderInput(BaseModel):
    """The render options. A value that is not set is read from the composition."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    composition: CompositionPath | None = Field(
        default=None,
        description="The file of the project to render, for example a sub-composition: compositions/intro.html. "
        "Default: index.html, or the input file itself.",
    )
    width: int | None = Field(
        default=None,
        ge=1,
        description="Width in CSS pixels. Default: the page's data-width, else 1920.",
    )
    height: int | None = Field(
        default=None,
        ge=1,
        description="Height in CSS pixels. Default: the page's data-height, else 1080.",
    )
    fps: FrameRate | None = Field(
        default=None,
        description="Frames per second, a number or a fraction (30000/1001). Default: the composition's, else 30.",
    )
    duration: float = Field(
        default=0,
        ge=0,
        description="Length in seconds. 0 = detect: data-duration, else the clips, timelines or animations.",
    )
    codec: Codec = Field(default=Codec.H264, description=f"Video codec of the result: {', '.join(Codec)}.")
    quality: QualityOrCrf = Field(
        default=Quality.STANDARD,
        description="draft (rendered at half size and enlarged), standard, high, or a CRF number of the codec.",
    )
    scale_factor: float = Field(
        default=1.0,
        ge=MIN_SCALE,
        le=MAX_SCALE,
        validation_alias=AliasChoices("scale_factor", "device_scale_factor"),
        description="Device pixels per CSS pixel: 2 renders at twice the width and height, with real detail.",
    )
    transparent: bool = Field(
        default=False, description=f"Keep alpha. Codecs with alpha: {', '.join(codecs_with_alpha())}."
    )
    audio_url: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        validation_alias=AliasChoices("audio_url", "audio"),
        description="Sound to add to the composition's sound: an address, an uploaded file, or (command line) a file.",
    )
    from_time: float = Field(
        default=0,
        ge=0,
        validation_alias=AliasChoices("from", "from_time"),
        serialization_alias="from",
        description="Start of the video, in seconds of the composition.",
    )
    to_time: float | None = Field(
        default=None,
        gt=0,
        validation_alias=AliasChoices("to", "to_time"),
        serialization_alias="to",
        description="End of the video, in seconds of the composition.",
    )
    variables: Variables = Field(
        default_factory=dict, description="Values for the composition's variables, a JSON object of names and values."
    )
    strict_variables: bool = Field(
        default=False, description="Reject variables that the composition does not declare, or that have another type."
    )
    repair: bool = Field(
        default=False,
        description="Apply the patches of problems to the composition before it is rendered. The files do not change.",
    )
    network: NetworkPolicy = Field(
        default="public",
        description="Hosts that the page may load files from: public (all), none, or host names separated by commas.",
    )


def parse_render_input(values: dict[str, Any]) -> RenderInput:
    """Validate a caller's options. Raises LimitExceeded, or InvalidOption with the field and its valid values."""
    try:
        render_input = RenderInput.model_validate(values)
    except ValidationError as error:
        raise InvalidOption(_readable(error)) from None
    check_size(render_input.width or 1, render_input.height or 1)
    if render_input.duration > MAX_DURATION:
        raise LimitExceeded(f"duration {render_input.duration:g} s is too long: the limit is {MAX_DURATION:g} s.")
    _check_combination(render_input)
    return render_input


def _check_combination(render_input: RenderInput) -> None:
    """Raise InvalidOption if valid fields cannot be combined."""
    codec, form = render_input.codec, FORMATS[render_input.codec]
    if render_input.transparent and not form.has_alpha:
        raise InvalidOption(
            f"transparent: {codec} has no alpha.", f"Choose one of {', '.join(codecs_with_alpha())}, or omit it."
        )
    if isinstance(render_input.quality, int):
        if form.crf_range is None:
            raise InvalidOption(f"quality: {codec} has no CRF.", f"Choose one of {', '.join(Quality)}.")
        least, most = form.crf_range
        if not least <= render_input.quality <= most:
            raise InvalidOption(f"quality: the CRF of {codec} is from {least} to {most}, not {render_input.quality}.")
    if render_input.audio_url is not None and form.sound is None:
        raise InvalidOption(f"audio_url: {codec} has no sound.", "Choose another codec, or omit it.")
    if form.max_fps is not None and render_input.fps is not None and render_input.fps > form.max_fps:
        raise InvalidOption(f"fps: {codec} allows at most {form.max_fps} frames a second, not {render_input.fps}.")
    if render_input.to_time is not None and render_input.to_time <= render_input.from_time:
        raise InvalidOption(f"to: {render_input.to_time:g} s is not after from, {render_input.from_time:g} s.")


def check_size(width: int, height: int) -> None:
    """Raise LimitExceeded if a frame of `width` by `height` pixels is too large to render."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise LimitExceeded(
            f"A frame of {width}x{height} pixels is too large: the limit is {MAX_SIDE} a side "
            f"and {MAX_PIXELS} in total.",
            "Use a smaller width and height.",
        )


def _readable(error: ValidationError) -> str:
    """The first three errors of pydantic as one sentence: field, problem and value."""
    parts = []
    for detail in error.errors(include_url=False)[:3]:
        where = ".".join(str(step) for step in detail["loc"][:1]) or "input"
        message = str(detail["msg"]).removeprefix("Value error, ")
        given = str(detail.get("input", ""))[:40]
        parts.append(message if message.startswith(where) else f"{where}: {message} (value: {given!r})")
    return "; ".join(parts) + "."
