"""The account's concurrency limit."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from hyperframes_render.aws.account import unreserved_concurrency
from hyperframes_render.errors import ServiceFailed


def test_reserved_concurrency_is_not_counted() -> None:
    functions = boto3.client("lambda", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 400}
    with Stubber(functions) as stubber:
        stubber.add_response("get_account_settings", {"AccountLimit": limits, "AccountUsage": {}})
        assert unreserved_concurrency(functions) == 400


def test_a_client_error_becomes_service_failed() -> None:
    functions = boto3.client("lambda", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(functions) as stubber:
        stubber.add_client_error("get_account_settings", "AccessDeniedException")
        with pytest.raises(ServiceFailed, match="AccessDeniedException"):
            unreserved_concurrency(functions)
