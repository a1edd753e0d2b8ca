"""What the account allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperframes_render.aws.client import calling, client

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def unreserved_concurrency(functions: LambdaClient | None = None) -> int:
    """Functions of the account that may run at once, those aside that are reserved for one. Raises ServiceFailed."""
    with calling("Reading the account's concurrency"):
        answer = (functions or client("lambda")).get_account_settings()
    return int(answer["AccountLimit"]["UnreservedConcurrentExecutions"])
