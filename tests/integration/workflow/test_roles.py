"""Least privilege as it was seen, not claimed: what roles may do against what their functions did in these tests.

These run after all other tests of the folder, on the calls that those made.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.integration.workflow.stack import Stack
from tests.template import Template, load_template

#: Allowed, and not among the calls that the emulator records: why it is needed all the same.
UNSEEN = {
    "logs:CreateLogStream": "Lambda itself writes a function's log with this",
    "logs:PutLogEvents": "the same",
    "xray:PutTraceSegments": "traces are off where there is no X-Ray",
    "xray:PutTelemetryRecords": "the same",
    "sqs:ReceiveMessage": "Lambda's poller uses the role; the emulator polls by itself",
    "sqs:DeleteMessage": "the same",
    "sqs:GetQueueAttributes": "the same",
    "s3:AbortMultipartUpload": "only an upload of many parts that fails in the middle asks for it",
    "s3:DeleteObject": "of outbox/: only a video that came after its task was cancelled is removed",
}


def actions_of(template: Template, role: str) -> set[str]:
    return {action for statement in template.statements(role) for action in statement["Action"]}


def recorded(stack: Stack) -> dict[str, set[str]]:
    """Actions that were allowed, by the role's name in the template."""
    seen = defaultdict(set)
    for call in stack.calls():
        if call["allowed"] and call["role"].startswith("hyperframes-render-"):
            seen[call["role"].removeprefix("hyperframes-render-").rpartition("-")[0]].add(call["action"])
    return seen


def test_every_call_of_every_function_was_allowed(stack: Stack) -> None:
    refused = [call for call in stack.calls() if not call["allowed"]]
    assert not refused


@pytest.mark.parametrize("role", load_template().function_roles())
def test_a_role_allows_no_more_than_its_function_used(stack: Stack, role: str) -> None:
    unused = actions_of(load_template(), role) - recorded(stack)[role]
    assert unused <= set(UNSEEN), f"{role} never used {sorted(unused - set(UNSEEN))}"


def test_every_exception_is_still_one(stack: Stack) -> None:
    template = load_template()
    unused = {a for role in template.function_roles() for a in actions_of(template, role) - recorded(stack)[role]}
    assert unused == set(UNSEEN)


@contextmanager
def without(stack: Stack, role: str, action: str) -> Iterator[None]:
    """The deployed role without one of its actions."""
    iam = stack.client("iam")
    name = next(r["RoleName"] for r in iam.list_roles()["Roles"] if f"-{role}-" in r["RoleName"])
    policy = iam.list_role_policies(RoleName=name)["PolicyNames"][0]
    before = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    fewer = json.loads(json.dumps(before))
    for statement in fewer["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [one for one in actions if one != action] or ["none:None"]
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(fewer))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(before))


NEEDED = {
    "plan": ("PlanRole", "dynamodb:GetItem"),
    "render-chunk": ("RenderChunkRole", "dynamodb:GetItem"),
    "assemble": ("AssembleRole", "dynamodb:GetItem"),
    "record": ("RecordRole", "dynamodb:GetItem"),
    "sweep": ("SweepRole", "dynamodb:Query"),
}


@pytest.mark.parametrize("function", NEEDED)
def test_taking_a_needed_action_away_fails_by_name(stack: Stack, function: str) -> None:
    role, action = NEEDED[function]
    event = {"task_id": "0" * 30, "outcome": "failed", "error": {"Error": "X", "Cause": "x"}, "whole": True}
    with without(stack, role, action):
        answer = stack.client("lambda").invoke(
            FunctionName=f"hyperframes-render-{function}", Payload=json.dumps(event).encode()
        )
        said = answer["Payload"].read().decode()
    assert "FunctionError" in answer
    assert f"not authorized to perform: {action}" in said


def test_taking_a_needed_action_from_the_api_fails_without_telling_callers_why(stack: Stack) -> None:
    with without(stack, "ApiRole", "s3:PutObject"):
        status, answer = stack.gateway("POST", "/apps/run", {"input": {"html": "<div data-composition-id='m'></div>"}})
    assert status == 503
    assert "PutObject" not in json.dumps(answer)
    assert any(c["action"] == "s3:PutObject" and not c["allowed"] for c in stack.calls())
