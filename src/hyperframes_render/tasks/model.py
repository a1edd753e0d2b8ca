"""The stored task and its states."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hyperframes_render.formats import FORMATS, Codec
from hyperframes_render.input import RenderInput


class TaskStatus(IntEnum):
    """The states of a task, numbered as in the public API that this API follows."""

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
        """Whether a task in this state never changes its state again."""
        return self >= TaskStatus.COMPLETED

    @property
    def text(self) -> str:
        """The name as responses have it: "completed"."""
        return self.name.lower()


class Task(BaseModel):
    """One accepted render: a copy of the stored item. Times are ISO 8601, UTC, in milliseconds.

    `input` holds the caller's fields, with markup replaced by a uri.
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
    #: Address of the page that Plan fetched; None: the composition was not fetched from an address.
    source_address: str | None = None
    #: Key and etag of the uploaded file that audio_url names.
    audio_key: str | None = None
    audio_etag: str | None = None
    #: Uploads that variables name: uri → path of the copy, relative to the composition.
    given: dict[str, str] = Field(default_factory=dict)
    #: Only plan: frames, chunks and estimated cost.
    dry_run: bool = False
    #: "render", "check" (report the problems of the composition) or "snapshot" (draw some frames as one image).
    function: str = "render"
    #: Frames that the caller's key may render in a day; None: no limit. Plan checks it.
    frames_a_day: int | None = None
    metadata: Any = None
    webhook: str | None = None
    session_id: str | None = None
    #: For a dropped file: its key below inbox/.
    drop_key: str | None = None
    phase: str = ""
    frames_done: int = 0
    frames_total: int = 0
    #: Records of problems (problems.py) of the request itself.
    warnings: list[dict[str, Any]] = Field(default_factory=list)
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    #: The error of the last function that failed: a distributed map does not pass it on.
    failure: dict[str, Any] = Field(default_factory=dict)
    #: How many times its workflow was started.
    starts: int = 0
    attention: str | None = None
    attention_at: str | None = None
    expires_at: int | None = None
    #: Counters of time and memory that its functions reported, for the cost (cost/prices.py).
    spent: dict[str, int] = Field(default_factory=dict)

    @property
    def request(self) -> RenderInput:
        """The render options: `input` without the composition and the times of a snapshot."""
        options = {name: value for name, value in self.input.items() if name not in ("html", "at")}
        return RenderInput.model_validate(options)

    @property
    def codec(self) -> Codec:
        """The codec of the result; H264 if `input` has none that is valid. Other fields of `input` may be invalid."""
        try:
            return Codec(self.input.get("codec", Codec.H264))
        except ValueError:
            return Codec.H264

    @property
    def error_text(self) -> str | None:
        """The error's message and action as one text; None without an error."""
        if not self.error:
            return None
        return f"{self.error.get('message', '')} {self.error.get('action', '')}".strip()

    @property
    def progress(self) -> float:
        """The fraction of frames that are rendered, 0 to 1."""
        return min(1.0, self.frames_done / self.frames_total) if self.frames_total else 0.0


def result_type(codec: Codec) -> tuple[str, str]:
    """File name suffix and content type of a result in `codec`."""
    return FORMATS[codec].suffix, FORMATS[codec].content_type
