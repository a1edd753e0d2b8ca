"""Step Functions as a Workflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from hyperframes_render.aws.client import client, code_of, service_errors
from hyperframes_render.tasks.ports import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StateMachine:
    """One Step Functions state machine."""

    def __init__(self, state_machine_arn: str, stepfunctions: SFNClient | None = None) -> None:
        self._arn = state_machine_arn
        self._sfn: SFNClient = stepfunctions or client("stepfunctions")

    def start(self, task_id: str, attempt: int, access: str) -> None:
        """See Workflow.

        An execution's name can be used once in 90 days. While the execution runs, AWS accepts a second start with the
        same input as if it were the first. In every other case AWS returns ExecutionAlreadyExists.
        """
        with service_errors("Starting the workflow"):
            try:
                self._sfn.start_execution(
                    stateMachineArn=self._arn,
                    name=execution_name(task_id, attempt),
                    input=json.dumps({"task_id": task_id, "access": access}),
                )
            except ClientError as error:
                if code_of(error) != "ExecutionAlreadyExists":
                    raise

    def status(self, task_id: str, attempt: int) -> Execution:
        """See Workflow."""
        with service_errors("Reading a workflow's status"):
            try:
                response = self._sfn.describe_execution(executionArn=self._execution_arn(task_id, attempt))
            except ClientError as error:
                if code_of(error) != "ExecutionDoesNotExist":
                    raise
                return Execution.ABSENT
        return Execution.RUNNING if response["status"] in ("RUNNING", "PENDING_REDRIVE") else Execution.ENDED

    def _execution_arn(self, task_id: str, attempt: int) -> str:
        return f"{self._arn.replace(':stateMachine:', ':execution:', 1)}:{execution_name(task_id, attempt)}"


def execution_name(task_id: str, attempt: int) -> str:
    """The execution's name: the task's id, followed by the attempt's number from the second attempt on."""
    return task_id if attempt <= 1 else f"{task_id}-{attempt}"
