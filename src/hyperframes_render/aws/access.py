"""AWS clients whose credentials reach one task only. Each task requests new credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from hyperframes_render.aws.client import client, code_of, service_errors
from hyperframes_render.errors import InternalError, NoRoom, ServiceFailed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


#: The account has reached its concurrency limit, or Lambda is reactivating a function that was idle for weeks (409).
_LATER = ("TooManyRequestsException", "CodeArtifactUserPendingException", "ResourceConflictException")
#: The second attempt covers a lost response.
_RETRIES = {"mode": "standard", "total_max_attempts": 2}


class GrantedAccess:
    """Credentials from the function `grant`. Serves one task at a time, as a Lambda execution environment does."""

    def __init__(self, grant_function: str, functions: LambdaClient | None = None) -> None:
        self._function = grant_function
        # The client's usual five attempts would occupy, for ten seconds, the concurrency that `grant` waits for.
        self._functions: LambdaClient = functions or client("lambda", retries=_RETRIES)
        # Placeholder credentials: every service refuses them until `take` sets the task's.
        self._session = boto3.Session("none", "none", "none")
        self._credentials: Any = self._session.get_credentials()

    def client(self, service: str, **settings: Any) -> Any:
        """A client of `service` that uses the credentials of the task last passed to `take`."""
        return client(service, self._session, **settings)

    def take(self, task_id: str, access: str) -> None:
        """See TaskAccess."""
        with service_errors("Requesting access to a task's files"):
            try:
                response = self._functions.invoke(
                    FunctionName=self._function, Payload=json.dumps({"task_id": task_id, "access": access}).encode()
                )
            except ClientError as error:
                if code_of(error) not in _LATER:
                    raise
                # Do not wait here: if every running function waited, `grant` would never get a free slot.
                raise NoRoom("Lambda has no capacity for the function that grants access to a task's files.") from error
            result = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            kind, message = result.get("errorType", "Unknown"), result.get("errorMessage", "")
            raise ServiceFailed(f"Requesting access to a task's files failed: {kind}: {message}")
        credentials = result["credentials"]
        if credentials is None:
            raise InternalError("The workflow was not started with the task's access secret.")
        # Clients read these attributes for each request.
        self._credentials.access_key = credentials["access_key"]
        self._credentials.secret_key = credentials["secret_key"]
        self._credentials.token = credentials["token"]
