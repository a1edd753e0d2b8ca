"""Creates AWS clients and translates their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hyperframes_render.errors import ServiceFailed

Arguments = ParamSpec("Arguments")
Response = TypeVar("Response")
#: A call that hangs must not use up a function's time limit: requests time out after seconds and are retried.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 5},
    # Uploads of chunks and downloads of projects use several connections.
    max_pool_connections=16,
)


def client(service: str, session: boto3.Session | None = None, **settings: Any) -> Any:
    """A client of `service`. Region and endpoint come from the environment variables that AWS's tools read.

    Credentials come from `session` if there is one, else from the environment. `settings` extend the botocore Config.
    """
    return (session or boto3).client(service, config=_CONFIG.merge(Config(**settings)))


@contextmanager
def service_errors(action: str) -> Iterator[None]:
    """Turn errors of an AWS client into ServiceFailed, whose message starts with "`action` failed:"."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        raise ServiceFailed(f"{action} failed: {details.get('Code')}: {details.get('Message')}.") from error
    except BotoCoreError as error:
        raise ServiceFailed(f"{action} failed: {error}.") from error


def code_of(error: ClientError) -> str:
    """The service's error code, such as "ConditionalCheckFailedException"."""
    return str(error.response.get("Error", {}).get("Code", ""))


def conditional_write(
    call: Callable[Arguments, Response], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Response | None:
    """Call a conditional write of DynamoDB. Returns its response, or None if the condition did not hold."""
    try:
        return call(*args, **kwargs)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
    return None
