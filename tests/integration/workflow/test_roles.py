"""Least privilege, measured: compares the actions that roles allow with the calls of their functions.

These tests run after the other tests of the folder and use the calls that those made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest

from tests.integration.workflow.stack import Stack
from tests.template import PROJECT, load_template

#: Actions that the emulator does not record, for every role, with the reason why they are needed.
UNSEEN = {
    "logs:CreateLogStream": "Lambda itself writes a function's log with this",
    "logs:PutLogEvents": "the same",
    "xray:PutTraceSegments": "traces are off where there is no X-Ray",
    "xray:PutTelemetryRecords": "the same",
    "sqs:ReceiveMessage": "Lambda's poller uses the role; the emulator polls by itself",
    "sqs:DeleteMessage": "the same",
    "sqs:GetQueueAttributes": "the same",
    "s3:AbortMultipartUpload work/*": "only an upload of many parts that fails in the middle asks for it",
    "s3:AbortMultipartUpload outbox/*": "the same",
}
#: The same for single roles.
UNSEEN_OF_ONE = {
    ("PlanRole", "lambda:GetAccountSettings"): "the emulator answers this call without asking what the role may do",
    ("StreamRole", "lambda:GetAccountSettings"): "the same",
}


def allowed_to(stack: Stack, role: str) -> dict[str, tuple[str, str]]:
    """Each action and resource that the deployed role allows, by a short name (action and folder of the bucket)."""
    iam = stack.client("iam")
    name = next(r["RoleName"] for r in iam.list_roles()["Roles"] if f"-{role}-" in r["RoleName"])
    pairs = {}
    for statement in [s for document in policies(iam, name).values() for s in document["Statement"]]:
        for resource, action in product(_listed(statement["Resource"]), _listed(statement["Action"])):
            folder = resource.partition(f"{stack.bucket}/")[2]
            pairs[f"{action} {folder}".strip()] = (action, resource)
    return pairs


def policies(iam: Any, role: str) -> dict[str, Any]:
    """The policy documents of a deployed role, by name."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def unused(stack: Stack, role: str) -> set[str]:
    """The actions and resources that the role allows and its function never used."""
    calls = [call for call in stack.calls() if call["allowed"] and f"-{role}-" in call["role"]]
    return {
        name
        for name, (action, resource) in allowed_to(stack, role).items()
        if not any(call["action"] == action and fnmatchcase(call["resource"], resource) for call in calls)
    }


def test_every_call_of_every_function_was_allowed(stack: Stack) -> None:
    refused = [call for call in stack.calls() if not call["allowed"]]
    assert not refused


@pytest.mark.parametrize("role", [*load_template().function_roles(), "RenderTaskRole"])
def test_a_role_allows_no_more_than_its_function_used(stack: Stack, role: str) -> None:
    one = {name for of, name in UNSEEN_OF_ONE if of == role}
    assert unused(stack, role) - set(UNSEEN) == one


@contextmanager
def without(stack: Stack, role: str, action: str) -> Iterator[None]:
    """Remove one action from the deployed role while the block runs."""
    iam = stack.client("iam")
    name = next(r["RoleName"] for r in iam.list_roles()["Roles"] if f"-{role}-" in r["RoleName"])
    policy, before = next(one for one in policies(iam, name).items() if action in json.dumps(one[1]))
    fewer = json.loads(json.dumps(before))
    for statement in fewer["Statement"]:
        statement["Action"] = [one for one in _listed(statement["Action"]) if one != action] or ["none:None"]
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(fewer))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(before))


NEEDED = {
    "plan": ("PlanRole", "lambda:InvokeFunction"),
    "render-chunk": ("RenderChunkRole", "lambda:InvokeFunction"),
    "assemble": ("AssembleRole", "lambda:InvokeFunction"),
    "grant": ("GrantRole", "dynamodb:GetItem"),
    "record": ("RecordRole", "dynamodb:GetItem"),
    "sweep": ("SweepRole", "dynamodb:Query"),
}


@pytest.mark.parametrize("function", NEEDED)
def test_taking_a_needed_action_away_fails_by_name(stack: Stack, function: str) -> None:
    role, action = NEEDED[function]
    event = {"task_id": "0" * 30, "outcome": "failed", "error": {"Error": "X", "Cause": "x"}, "access": "x"}
    with without(stack, role, action):
        answer = stack.client("lambda").invoke(
            FunctionName=f"hyperframes-render-{function}", Payload=json.dumps(event).encode()
        )
        said = answer["Payload"].read().decode()
    assert "FunctionError" in answer
    assert f"not authorized to perform: {action}" in said


def test_the_api_without_a_needed_action_fails_without_internals(stack: Stack) -> None:
    with without(stack, "ApiRole", "s3:PutObject"):
        status, answer = stack.gateway("POST", "/apps/run", {"input": {"html": "<div data-composition-id='m'></div>"}})
    assert status == 503
    assert "PutObject" not in json.dumps(answer)
    assert stack.refused("ApiRole", "s3:PutObject")


FROM_QUEUES = {"drop": ("DropRole", "s3:GetObject"), "notify": ("NotifyRole", "dynamodb:GetItem")}


@pytest.mark.parametrize("function", FROM_QUEUES)
def test_taking_a_needed_action_away_leaves_the_message_in_its_queue(stack: Stack, function: str) -> None:
    role, action = FROM_QUEUES[function]
    event = json.loads((PROJECT / "events" / f"{function}.json").read_text())
    refused_before = stack.refused(role, action)
    with without(stack, role, action):
        answer = stack.client("lambda").invoke(
            FunctionName=f"hyperframes-render-{function}", Payload=json.dumps(event).encode()
        )
        said = json.loads(answer["Payload"].read())
    assert said == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert stack.refused(role, action) > refused_before


def test_a_stream_without_a_needed_action_fails_without_internals(stack: Stack) -> None:
    with without(stack, "StreamRole", "dynamodb:GetItem"):
        status, answer = stack.gateway("GET", f"/tasks/{'0' * 30}/stream")
    assert status == 503
    assert "GetItem" not in json.dumps(answer)
    assert stack.refused("StreamRole", "dynamodb:GetItem")
