"""Settings of each function, read from environment variables and validated once at its start.

A function's class has exactly the variables that the function needs. template.yaml sets exactly these.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hyperframes_render.errors import SetupIncomplete
from hyperframes_render.input import NetworkPolicy

#: Seconds before each further attempt of a webhook: from 5 seconds to 11 hours, about 3 days in total.
DEFAULT_RETRY_SECONDS = (5, 30, 300, 1800, 7200, 18000, 36000, 39600, 39600, 39600, 39600, 36000)


def _split_commas(value: object) -> object:
    return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """For every function: bucket and task table."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    bucket: str = Field(min_length=3)
    task_table: str = Field(min_length=3)


class AttentionSettings(Settings):
    """For functions that schedule the next check of a task by `sweep`, which runs every minute."""

    attention_seconds: int = Field(default=60, ge=1)


class PublishingSettings(AttentionSettings):
    """For functions that publish events of tasks."""

    events_topic_arn: str = Field(pattern="^arn:")


class OriginSettings(BaseModel):
    """For functions that browsers call: the allowed web origins; "*" allows every origin."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()


class SubmissionSettings(PublishingSettings):
    """For functions that accept tasks: api and drop."""

    state_machine_arn: str = Field(pattern="^arn:")
    network_ceiling: NetworkPolicy = "public"
    webhook_allow_private: bool = False
    result_days: int = Field(default=30, ge=1)
    upload_days: int = Field(default=7, ge=1)


class ApiSettings(SubmissionSettings, OriginSettings):
    """Settings of `api`."""


class StreamSettings(Settings, OriginSettings):
    """Settings of `stream`. `open_streams`: maximum at once; 0 derives it from the account's concurrency."""

    live_streaming: bool = True
    open_streams: int = Field(default=0, ge=0)


class DropSettings(SubmissionSettings):
    """Settings of `drop`."""


class RendererSettings(PublishingSettings):
    """For the render functions. Sizes in MB; Lambda itself sets AWS_LAMBDA_FUNCTION_MEMORY_SIZE."""

    grant_function: str = Field(min_length=1)
    network_ceiling: NetworkPolicy = "public"
    aws_lambda_function_memory_size: int = Field(default=1024, ge=128)
    ephemeral_storage_mb: int = Field(default=512, ge=512)


class PlanSettings(RendererSettings):
    """Settings of `plan`."""

    max_duration_seconds: float = Field(default=4 * 3600, gt=0)
    parallel_chunks: int = Field(default=1, ge=1)
    #: MB of /tmp in which `assemble` stores the chunks and the result.
    assemble_storage_mb: int = Field(default=10240, ge=512)


class RenderChunkSettings(RendererSettings):
    """Settings of `render_chunk`."""


class AssembleSettings(RendererSettings):
    """Settings of `assemble`."""


class GrantSettings(Settings):
    """Settings of `grant`. Render functions use sessions of this role."""

    render_task_role_arn: str = Field(pattern="^arn:")


class FinishingSettings(PublishingSettings):
    """For functions that end tasks. `longest_function_seconds`: how long a function may outlive its task."""

    result_days: int = Field(default=30, ge=1)
    longest_function_seconds: int = Field(default=900, ge=0)


class RecordSettings(FinishingSettings):
    """Settings of `record`."""


class SweepSettings(FinishingSettings):
    """Settings of `sweep`."""

    state_machine_arn: str = Field(pattern="^arn:")


class NotifySettings(Settings):
    """Settings of `notify`."""

    stack_secret_arn: str = Field(min_length=3)
    webhook_queue_url: str = Field(pattern="^https?://")
    webhook_retry_seconds: Annotated[tuple[int, ...], BeforeValidator(_split_commas)] = DEFAULT_RETRY_SECONDS
    webhook_allow_private: bool = False


Kind = TypeVar("Kind", bound=BaseModel)


def read_settings(kind: type[Kind], environment: dict[str, str] | None = None) -> Kind:
    """The settings of `kind` from `environment` (default: os.environ). SetupIncomplete names invalid variables."""
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
            f"The function's environment variables are invalid: {wrong}.", "template.yaml sets these variables."
        ) from None
