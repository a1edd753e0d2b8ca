"""Limits of the AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperframes_render.aws.client import client, service_errors

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def unreserved_concurrency(functions: LambdaClient | None = None) -> int:
    """The number of functions that may run at once in the account, without reserved concurrency.

    Raises ServiceFailed.
    """
    with service_errors("Reading the account's concurrency"):
        response = (functions or client("lambda")).get_account_settings()
    return int(response["AccountLimit"]["UnreservedConcurrentExecutions"])
