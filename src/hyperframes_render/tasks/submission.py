"""Parses and checks what a caller sends. Each error names the field."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices

from hyperframes_render.errors import InvalidOption, LimitExceeded, NotFound
from hyperframes_render.input import APP, NetworkPolicy, RenderInput, is_shallow, parse_render_input
from hyperframes_render.network.policy import is_address, is_web_address, network_allows
from hyperframes_render.problems import Problem

#: Accepted names of this application, without a version.
_APPS = frozenset({APP, "hyperframes-render"})


def _wire_names() -> dict[str, str]:
    """Every accepted name of an input field → the name in responses."""
    names: dict[str, str] = {}
    for name, info in RenderInput.model_fields.items():
        wire = info.serialization_alias or name
        choices = info.validation_alias.choices if isinstance(info.validation_alias, AliasChoices) else []
        names |= dict.fromkeys((name, wire, *(choice for choice in choices if isinstance(choice, str))), wire)
    return names


FIELD_NAMES = _wire_names()
#: Fields of the public API's run body: those that are used, and those that have no meaning here.
_USED = ("app", "input", "webhook", "metadata", "session", "wait", "function")
#: What a task can be asked to do: render a video, check the composition, or draw some frames as one image.
FUNCTIONS = ("render", "check", "snapshot")
#: Frames of a snapshot at most.
MAX_SNAPSHOT_TIMES = 100
_IGNORED = (
    *("setup", "infra", "workers", "session_timeout", "run_at", "stream"),
    *("app_id", "version_id"),
)
#: Bytes of markup in the request; larger files must be uploaded. Lambda allows 6 MB, with everything escaped twice.
MAX_INLINE_HTML = 2 * 1000**2
MAX_METADATA_BYTES = 2048
#: Characters of the address of a composition or a sound. Signed addresses of all clouds have less than half of that.
MAX_ADDRESS = 4096
#: Unknown fields of a body at most; newer clients send a few.
_MAX_UNKNOWN = 50
_MAX_TEXT = 2048
#: A string (with the colon that makes it a field's name), or a bracket.
_JSON_TOKEN = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?|[{}\[\]]')


@dataclass(frozen=True)
class Submission:
    """A checked request. `html` is markup or an address of it; None for a dropped file."""

    html: str | None
    fields: dict[str, Any]
    request: RenderInput
    app: str = APP
    webhook: str | None = None
    metadata: Any = None
    session_id: str | None = None
    warnings: list[Problem] = field(default_factory=list)
    dry_run: bool = False
    function: str = "render"

    @property
    def is_markup(self) -> bool:
        """Whether `html` is markup, not an address."""
        return self.html is not None and not is_address_of_html(self.html)


def is_address_of_html(html: str) -> bool:
    """Whether `html` is the address of a composition: one line that begins with a URL scheme."""
    text = html.strip()
    return is_address(text) and not any(c in text for c in "\n<> ")


def read_json(data: str | bytes) -> object:
    """Parse JSON that can be stored, returned and published without change.

    Raises ValueError (JSONDecodeError if it is not JSON) for numbers and characters that JSON text cannot hold (NaN,
    1e999, half a surrogate pair), and for values nested more than MAX_NESTING levels deep.
    """
    try:
        value: object = json.loads(data)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not is_shallow(value):
        raise ValueError("it is nested too deeply")
    return value


def parse_run(body: object) -> Submission:
    """The body of POST /apps/run. Raises InvalidOption, LimitExceeded or NotFound (another app)."""
    if not isinstance(body, Mapping):
        raise InvalidOption("The body is not a JSON object.", 'Send {"app": …, "input": {"html": …}}.')
    unknown = [str(name) for name in body if name not in (*_USED, *_IGNORED)]
    if len(unknown) > _MAX_UNKNOWN:
        raise InvalidOption(f"The body has {len(unknown)} unknown fields.", "Send known fields only.")
    for name in unknown:
        # A likely typo is an error. Other unknown fields may come from newer clients and are ignored.
        if difflib.get_close_matches(name, _USED, n=1):
            raise _unknown_field(name, "", set(_USED))
    values = body.get("input")
    if not isinstance(values, Mapping):
        raise InvalidOption("input: it is missing or not a JSON object.", 'Send "input": {"html": …}.')
    app = _app(body.get("app"))
    values = dict(values)
    metadata = values.pop("metadata", None)
    if body.get("metadata") is not None:
        metadata = body["metadata"]
    dry_run = values.pop("dry_run", None)
    if not isinstance(dry_run, bool | None):
        raise InvalidOption("input.dry_run: it must be true or false.")
    html = values.pop("html", None)
    if not isinstance(html, str) or not html.strip():
        raise InvalidOption(
            "input.html: it is missing or empty.",
            "Send the composition's markup, or the address of an .html or .zip file.",
        )
    if is_address_of_html(html) and len(html) > MAX_ADDRESS:
        raise LimitExceeded(f"input.html: the address has {len(html)} characters; the limit is {MAX_ADDRESS}.")
    if len(html.encode()) > MAX_INLINE_HTML:
        raise LimitExceeded(
            f"input.html: it has {len(html.encode())} bytes; the limit in a request is {MAX_INLINE_HTML}.",
            "Upload the file and send its uri, or send an address.",
        )
    function = _function(body.get("function"))
    at = _snapshot_times(values.pop("at", None)) if function == "snapshot" else None
    fields, request = parse_fields(values, "input")
    if at is not None:
        fields["at"] = at
    return Submission(
        html=html,
        fields=fields,
        request=request,
        app=app,
        webhook=_text(body.get("webhook"), "webhook"),
        metadata=_metadata(metadata),
        session_id=_text(body.get("session"), "session"),
        dry_run=bool(dry_run),
        function=function,
        warnings=[
            Problem("ignored_field", "notice", f'"{name[:60]}" has no meaning here and was ignored.')
            for name in (*_IGNORED, *unknown[:10])
            if body.get(name)
        ],
    )


def _function(value: object) -> str:
    """The function of a run body: missing, empty and "run" (an app's usual function) mean a render.

    Raises InvalidOption.
    """
    if value in (None, "", "run"):
        return "render"
    if value not in FUNCTIONS:
        raise InvalidOption(
            f"function: {str(value)[:60]!r} is not one of {', '.join(FUNCTIONS)}.", "Leave it out to render."
        )
    return str(value)


def _snapshot_times(value: object) -> list[float] | str | None:
    """Where a snapshot looks: times in seconds, "clips" or "tweens"; None: evenly spaced. Raises InvalidOption."""
    if value is None or value in ("clips", "tweens"):
        return None if value is None else str(value)
    times = value if isinstance(value, list) else [value]
    numbers = [float(t) for t in times if isinstance(t, int | float) and not isinstance(t, bool) and t >= 0]
    if len(numbers) != len(times) or not 0 < len(numbers) <= MAX_SNAPSHOT_TIMES:
        raise InvalidOption(
            f"input.at: it is not a list of 1 to {MAX_SNAPSHOT_TIMES} times in seconds.",
            'Send [0.5, 2], "clips" (clip starts) or "tweens" (ends of tweens).',
        )
    return numbers


def parse_sidecar(data: bytes, name: str) -> Submission:
    """The contents of NAME.render.json beside a dropped file. Raises InvalidOption with field and line."""
    try:
        text = data.decode("utf-8-sig")
        values = read_json(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidOption(f"{name}, line {line}: it is not UTF-8 text.", "Save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise InvalidOption(
            f"{name}, line {error.lineno}: it is not JSON: {error.msg} (column {error.colno}).",
            "Correct it and drop the composition again.",
        ) from None
    except ValueError:
        raise InvalidOption(
            f"{name}: it is nested too deeply, or holds NaN or the like.", "Write a plain object of input fields."
        ) from None
    if not isinstance(values, dict):
        raise InvalidOption(f"{name}, line 1: it is not a JSON object.", 'Write {"fps": 25} or the like.')
    try:
        return _sidecar(values)
    except (InvalidOption, LimitExceeded) as error:
        where = f"{name}{_line_of(error.message, text)}"
        raise type(error)(f"{where}: {error.message}", error.action) from None


def _sidecar(values: dict[str, Any]) -> Submission:
    values = dict(values)
    webhook, metadata = values.pop("webhook", None), values.pop("metadata", None)
    if "html" in values:
        raise InvalidOption("html: the dropped file is the composition.", 'Leave "html" out.')
    fields, request = parse_fields(values, "")
    if str(fields.get("audio_url", "")).lower().startswith("s3://"):
        raise InvalidOption("audio_url: it is not a public address.", "Use one like https://host/sound.mp3.")
    return Submission(None, fields, request, webhook=_text(webhook, "webhook"), metadata=_metadata(metadata))


def _line_of(message: str, text: str) -> str:
    """The line of the field that `message` begins with, as ", line 3"; empty if `text` does not contain the field."""
    named = re.split(r"[:\s]", message, maxsplit=1)[0]
    spellings = {named, *(alias for alias, wire in FIELD_NAMES.items() if wire == named)}
    depth, line = 0, ""
    for token in _JSON_TOKEN.finditer(text):
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
        elif depth == 1 and token["colon"] and json.loads(token["text"]) in spellings:
            line = f", line {text.count(chr(10), 0, token.start()) + 1}"  # of a duplicate name, the last counts
    return line


def parse_fields(values: Mapping[str, Any], path: str) -> tuple[dict[str, Any], RenderInput]:
    """The input fields, with aliases replaced by field names, and the validated options.

    `path` is the path of `values` in the request, for error messages. Raises InvalidOption or LimitExceeded.
    """
    prefix = f"{path}." if path else ""
    fields: dict[str, Any] = {}
    for alias, value in values.items():
        name = FIELD_NAMES.get(alias)
        if name is None:
            raise _unknown_field(alias, prefix, {*FIELD_NAMES.values(), "html", "metadata", "dry_run"})
        if name in fields:
            raise InvalidOption(f"{prefix}{alias}: it is a duplicate of {name}.", "Keep one of them.")
        if value is not None:
            fields[name] = value
    audio = fields.get("audio_url")
    if isinstance(audio, str) and not is_address(audio):
        # The command line also accepts a file's path; here that would be a file of the server.
        raise InvalidOption(
            f"{prefix}audio_url: it is not an address.",
            "Use one like https://host/sound.mp3, or the uri of an uploaded file.",
        )
    if isinstance(audio, str) and len(audio) > MAX_ADDRESS:
        raise LimitExceeded(f"{prefix}audio_url: the address has {len(audio)} characters; the limit is {MAX_ADDRESS}.")
    try:
        return fields, parse_render_input(fields)
    except InvalidOption as error:
        raise InvalidOption(f"{prefix}{error.message}", error.action) from None


def _unknown_field(name: str, prefix: str, known: set[str]) -> InvalidOption:
    close = difflib.get_close_matches(name, known, n=1)
    advice = f'Did you mean "{close[0]}"?' if close else f"Known fields are: {', '.join(sorted(known))}."
    return InvalidOption(f"{prefix}{name[:60]}: there is no such field.", advice)


def _app(app: object) -> str:
    if app is None:
        return APP
    name = str(app).partition("@")[0].strip().lower()
    if name not in _APPS:
        raise NotFound(f'There is no app "{str(app)[:60]}" here.', f'Ask for "{APP}", or leave "app" out.')
    return APP


def _text(value: object, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise InvalidOption(f"{name}: it must be text of at most {_MAX_TEXT} characters.")
    return value


def _metadata(value: object) -> object:
    if value is not None and len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise LimitExceeded(
            f"metadata: it is larger than {MAX_METADATA_BYTES} bytes.", "Keep only what identifies the job."
        )
    return value


def check_hosts(submission: Submission, ceiling: NetworkPolicy, path: str) -> None:
    """Raise InvalidOption if composition or sound are at a host that the stack's network ceiling does not allow.

    `path` is the path of the fields in the request. Redirects to other hosts are checked when the file is fetched.
    """
    addresses = {"html": "" if submission.is_markup else submission.html, "audio_url": submission.request.audio_url}
    for name, address in addresses.items():
        text = (address or "").strip()
        if is_web_address(text) and not network_allows(ceiling, _host(text)):
            raise InvalidOption(
                f'{path}{"." if path else ""}{name}: this stack fetches nothing from "{_host(text)[:100]}".',
                "Use an address that the stack's NetworkCeiling allows.",
            )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def narrow_network(requested: Any, ceiling: Any) -> Any:
    """The network policy of a page: the requested one, limited to the stack's ceiling."""
    if "none" in (requested, ceiling):
        return "none"
    if ceiling == "public":
        return requested
    if requested == "public":
        return ceiling
    kept = tuple(host for host in requested if network_allows(ceiling, host))
    return kept or "none"
