"""How AWS's clients are made, and what becomes of their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hyperframes_render.errors import ServiceFailed

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
#: A call that hangs must not take a function's whole time: what is not answered in seconds is asked again.
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 5},
    # A chunk is uploaded and a project downloaded with several connections.
    max_pool_connections=16,
)


def client(service: str, session: boto3.Session | None = None, **settings: Any) -> Any:
    """A client of `service`; region and endpoint come from the environment, as AWS's own tools read it.

    The credentials do as well, unless a `session` has others.
    """
    return (session or boto3).client(service, config=_CONFIG.merge(Config(**settings)))


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Errors of the client become ServiceFailed: "`what` failed: AccessDenied"."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        raise ServiceFailed(f"{what} failed: {details.get('Code')}: {details.get('Message')}.") from error
    except BotoCoreError as error:
        raise ServiceFailed(f"{what} failed: {error}.") from error


def code_of(error: ClientError) -> str:
    """The service's name for what went wrong: "ConditionalCheckFailedException"."""
    return str(error.response.get("Error", {}).get("Code", ""))


def unless_refused(
    call: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer | None:
    """The answer of a conditional write to DynamoDB; None where its condition does not hold."""
    try:
        return call(*args, **kwargs)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
    return None
