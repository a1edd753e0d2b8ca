"""A second start of a workflow has no effect; the status of executions."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hyperframes_render.aws.workflow import StateMachine, execution_name
from hyperframes_render.errors import ServiceFailed
from hyperframes_render.tasks.ports import Execution

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:render"


class Client:
    """A client that answers each call with `answer`: a value, or an exception that it raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def _call(self, **given: Any) -> Any:
        self.calls.append(given)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    start_execution = describe_execution = _call


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Call")


def machine(answer: Any) -> tuple[StateMachine, Client]:
    client: Any = Client(answer)
    return StateMachine(ARN, client), client


def test_the_execution_name_is_task_id_and_attempt() -> None:
    assert [execution_name("abc", attempt) for attempt in (1, 2, 3)] == ["abc", "abc-2", "abc-3"]


def test_an_existing_execution_counts_as_started() -> None:
    started, client = machine(error("ExecutionAlreadyExists"))
    started.start("abc", 1, "shown")
    assert client.calls == [{"stateMachineArn": ARN, "name": "abc", "input": '{"task_id": "abc", "access": "shown"}'}]


@pytest.mark.parametrize("failure", [error("ThrottlingException"), EndpointConnectionError(endpoint_url="http://x")])
def test_other_errors_become_service_failed(failure: Exception) -> None:
    with pytest.raises(ServiceFailed, match="Starting the workflow failed"):
        machine(failure)[0].start("abc", 1, "shown")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"status": "RUNNING"}, Execution.RUNNING),
        ({"status": "PENDING_REDRIVE"}, Execution.RUNNING),
        ({"status": "SUCCEEDED"}, Execution.ENDED),
        ({"status": "FAILED"}, Execution.ENDED),
        ({"status": "TIMED_OUT"}, Execution.ENDED),
        ({"status": "ABORTED"}, Execution.ENDED),
        (error("ExecutionDoesNotExist"), Execution.ABSENT),
    ],
)
def test_status_distinguishes_running_ended_and_absent(answer: Any, seen: Execution) -> None:
    looked, client = machine(answer)
    assert looked.status("abc", 2) == seen
    assert client.calls[0]["executionArn"] == "arn:aws:states:us-east-1:123456789012:execution:render:abc-2"
