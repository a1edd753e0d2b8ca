"""Clients that act for one task: their credentials are asked for again with each task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from hyperframes_render.aws.client import calling, client, code_of
from hyperframes_render.errors import InternalError, NoRoom, ServiceFailed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


#: The account runs as many functions as it may; the function has been idle for weeks and is made ready (409).
_LATER = ("TooManyRequestsException", "CodeArtifactUserPendingException", "ResourceConflictException")
#: The second is for an answer that got lost.
_RETRIES = {"mode": "standard", "total_max_attempts": 2}


class GrantedAccess:
    """Access that the function `grant` gives. One task at a time, as in an execution environment of Lambda."""

    def __init__(self, grant_function: str, functions: LambdaClient | None = None) -> None:
        self._function = grant_function
        # The client's usual five attempts would keep, for ten seconds, the room that `grant` waits for.
        self._functions: LambdaClient = functions or client("lambda", retries=_RETRIES)
        # Of nobody, refused by every service, until a task is taken.
        self._session = boto3.Session("none", "none", "none")
        self._credentials: Any = self._session.get_credentials()

    def client(self, service: str, **settings: Any) -> Any:
        """A client of `service` that acts for the task that was taken last."""
        return client(service, self._session, **settings)

    def take(self, task_id: str, access: str) -> None:
        """See TaskAccess."""
        with calling("Asking for access to a task's files"):
            try:
                answer = self._functions.invoke(
                    FunctionName=self._function, Payload=json.dumps({"task_id": task_id, "access": access}).encode()
                )
            except ClientError as error:
                if code_of(error) not in _LATER:
                    raise
                # Waiting here would keep the room that `grant` needs from it, where all that may run wait for it.
                raise NoRoom("There was no room for the function that gives access to a task's files.") from error
            said = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            kind, message = said.get("errorType", "Unknown"), said.get("errorMessage", "")
            raise ServiceFailed(f"Asking for access to a task's files failed: {kind}: {message}")
        given = said["credentials"]
        if given is None:
            raise InternalError("The workflow was not started with the task's access.")
        # Clients read these anew for each request.
        self._credentials.access_key = given["access_key"]
        self._credentials.secret_key = given["secret_key"]
        self._credentials.token = given["token"]
