"""A function starts with valid environment variables, or names the wrong variable."""

from __future__ import annotations

import pytest

from hyperframes_render.errors import SetupIncomplete
from hyperframes_render.functions.support.settings import (
    ApiSettings,
    NotifySettings,
    PlanSettings,
    read_settings,
)

COMMON = {
    "BUCKET": "bucket",
    "TASK_TABLE": "tasks",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:us-east-1:1:e",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:1:stateMachine:render",
}


def test_values_are_parsed_to_their_types() -> None:
    given = read_settings(
        ApiSettings, {**COMMON, "NETWORK_CEILING": "a.example, *.b.example", "WEBHOOK_ALLOW_PRIVATE": "true"}
    )
    assert given.network_ceiling == ("a.example", "*.b.example") and given.webhook_allow_private is True
    assert given.result_days == 30


def test_an_empty_variable_has_its_default() -> None:
    assert read_settings(ApiSettings, {**COMMON, "NETWORK_CEILING": "", "RESULT_DAYS": ""}).network_ceiling == "public"


def test_missing_and_invalid_variables_are_named() -> None:
    wrong = {**COMMON, "MAX_DURATION_SECONDS": "long"}
    del wrong["BUCKET"]
    with pytest.raises(SetupIncomplete) as raised:
        read_settings(PlanSettings, wrong)
    assert "BUCKET" in str(raised.value) and "MAX_DURATION_SECONDS" in str(raised.value)


def test_the_retry_schedule_is_a_list_of_seconds() -> None:
    given = {**COMMON, "STACK_SECRET_ARN": "arn:aws:kms:x", "WEBHOOK_QUEUE_URL": "https://sqs/q"}
    assert read_settings(NotifySettings, {**given, "WEBHOOK_RETRY_SECONDS": "1, 2,3"}).webhook_retry_seconds == (
        1,
        2,
        3,
    )
    with pytest.raises(SetupIncomplete, match="WEBHOOK_RETRY_SECONDS"):
        read_settings(NotifySettings, {**given, "WEBHOOK_RETRY_SECONDS": "1,soon"})
