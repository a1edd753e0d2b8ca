"""What each function reads from its environment, checked once when it starts.

A function's class has the variables that it needs and no others; the template gives it just these.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hyperframes_render.errors import SetupIncomplete
from hyperframes_render.input import NetworkPolicy

#: Seconds before each further try of a webhook: half a minute, minutes, then hours; 3 days in all.
DEFAULT_RETRY_SECONDS = (5, 30, 300, 1800, 7200, 18000, 36000, 39600, 39600, 39600, 39600, 36000)


def _parts(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """Every function: the bucket and the table."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    bucket: str = Field(min_length=3)
    task_table: str = Field(min_length=3)


class Attending(Settings):
    """Functions that say when `sweep` is to look at a task, which it does every minute."""

    attention_seconds: int = Field(default=60, ge=1)


class Telling(Attending):
    """Functions that publish changes of tasks."""

    events_topic_arn: str = Field(pattern="^arn:")


class Answering(BaseModel):
    """Functions that answer web pages, of these origins; "*" is any."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_parts)] = ()


class Accepting(Telling):
    """Functions that accept tasks: api and drop."""

    state_machine_arn: str = Field(pattern="^arn:")
    network_ceiling: NetworkPolicy = "public"
    webhook_allow_private: bool = False
    result_days: int = Field(default=30, ge=1)
    upload_days: int = Field(default=7, ge=1)


class ApiSettings(Accepting, Answering):
    """api."""


class StreamSettings(Settings, Answering):
    """stream. `open_streams` at once; 0 leaves it to the account's concurrency."""

    live_streaming: bool = True
    open_streams: int = Field(default=0, ge=0)


class DropSettings(Accepting):
    """drop."""


class Working(Telling):
    """Functions of the image. Memory in MB is given by Lambda itself."""

    grant_function: str = Field(min_length=1)
    network_ceiling: NetworkPolicy = "public"
    aws_lambda_function_memory_size: int = Field(default=1024, ge=128)
    ephemeral_storage_mb: int = Field(default=512, ge=512)


class PlanSettings(Working):
    """plan."""

    max_duration_seconds: float = Field(default=4 * 3600, gt=0)
    parallel_chunks: int = Field(default=1, ge=1)
    #: Megabytes of /tmp that Assemble has for the chunks and the result.
    assemble_storage_mb: int = Field(default=10240, ge=512)


class RenderChunkSettings(Working):
    """render_chunk."""


class AssembleSettings(Working):
    """assemble."""


class GrantSettings(Settings):
    """grant. The role's sessions are what render functions work with."""

    render_task_role_arn: str = Field(pattern="^arn:")


class Finishing(Telling):
    """Functions that end tasks. `longest_function_seconds`: how long a function may outlive its task."""

    result_days: int = Field(default=30, ge=1)
    longest_function_seconds: int = Field(default=900, ge=0)


class RecordSettings(Finishing):
    """record."""


class SweepSettings(Finishing):
    """sweep."""

    state_machine_arn: str = Field(pattern="^arn:")


class NotifySettings(Settings):
    """notify."""

    stack_secret_arn: str = Field(min_length=3)
    webhook_queue_url: str = Field(pattern="^https?://")
    webhook_retry_seconds: Annotated[tuple[int, ...], BeforeValidator(_parts)] = DEFAULT_RETRY_SECONDS
    webhook_allow_private: bool = False


Kind = TypeVar("Kind", bound=BaseModel)


def read_settings(kind: type[Kind], environment: dict[str, str] | None = None) -> Kind:
    """The settings of `kind` from the environment. Raises SetupIncomplete naming the variable."""
    values: dict[str, Any] = {
        name.lower(): value
        for name, value in (os.environ if environment is None else environment).items()
        if name.lower() in kind.model_fields and value != ""
    }
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{str(d['loc'][0]).upper()}: {d['msg']}" for d in error.errors(include_url=False))
        raise SetupIncomplete(
            f"The function's environment is not as it must be: {wrong}.", "template.yaml sets these variables."
        ) from None
