"""A task as it is stored: its states, and what is known about it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hyperframes_render.formats import FORMATS, Codec
from hyperframes_render.input import RenderInput


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
    #: Where the page is at home that Plan fetched; None: what `source_key` names is no page elsewhere.
    source_address: str | None = None
    #: Key and etag of an uploaded file that audio_url names.
    audio_key: str | None = None
    audio_etag: str | None = None
    #: Uploads that variables name: uri → where the page finds its copy, relative to the composition.
    given: dict[str, str] = Field(default_factory=dict)
    #: Only planned: what it would be, and cost.
    dry_run: bool = False
    #: What the key that asked may render in a day; Plan counts.
    frames_a_day: int | None = None
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
    #: What its functions reported of their time and memory, for the cost (cost/prices.py).
    spent: dict[str, int] = Field(default_factory=dict)

    @property
    def request(self) -> RenderInput:
        """How it is to be rendered: `input` without the composition itself."""
        return RenderInput.model_validate({name: value for name, value in self.input.items() if name != "html"})

    @property
    def codec(self) -> Codec:
        """The codec of the result, also where the rest of `input` cannot be understood (any more)."""
        try:
            return Codec(self.input.get("codec", Codec.H264))
        except ValueError:
            return Codec.H264

    @property
    def error_text(self) -> str | None:
        """What went wrong and what to do, as one text."""
        if not self.error:
            return None
        return f"{self.error.get('message', '')} {self.error.get('action', '')}".strip()

    @property
    def progress(self) -> float:
        """The share of frames that are rendered, 0 to 1."""
        return min(1.0, self.frames_done / self.frames_total) if self.frames_total else 0.0


def result_type(codec: Codec) -> tuple[str, str]:
    """File name suffix and content type of a result in `codec`."""
    return FORMATS[codec].suffix, FORMATS[codec].content_type
