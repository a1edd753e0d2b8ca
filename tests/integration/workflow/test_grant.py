"""A compromised renderer can do only what the credentials of its task allow."""

from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from hyperframes_render.aws.tasks import dropped_name_id
from hyperframes_render.local.deploy import local_client
from tests.integration.workflow.stack import Stack, composition
from tests.waiting import wait_for

NOTHING = {"credentials": None}


def ask(stack: Stack, task_id: str, access: str) -> dict[str, Any]:
    answer = stack.client("lambda").invoke(
        FunctionName="hyperframes-render-grant", Payload=json.dumps({"task_id": task_id, "access": access}).encode()
    )
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    return said


@pytest.fixture(scope="module")
def two_tasks(stack: Stack) -> tuple[str, str]:
    """Two ended tasks: "mine" and another one."""
    mine, other = stack.submit(composition("mine")), stack.submit(composition("another's", chunks=2, frames=20))
    for task_id in (mine, other):
        stack.final(task_id)
    return mine, other


def clients_of(stack: Stack, task_id: str) -> Any:
    """A factory of clients with the task's credentials, by service."""
    given = ask(stack, task_id, stack.access(task_id))["credentials"]

    def make(service: str) -> Any:
        return boto3.client(
            service,
            "us-east-1",
            endpoint_url=stack.endpoint,
            aws_access_key_id=given["access_key"],
            aws_secret_access_key=given["secret_key"],
            aws_session_token=given["token"],
        )

    return make


@pytest.fixture(scope="module")
def client(stack: Stack, two_tasks: tuple[str, str]) -> Any:
    """A factory of clients with the credentials of the first task."""
    return clients_of(stack, two_tasks[0])


def refused(call: Any, **given: Any) -> bool:
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403", "Forbidden")
    return False


def test_a_tasks_credentials_reach_only_its_folder(stack: Stack, two_tasks: tuple[str, str], client: Any) -> None:
    s3, (mine, other) = client("s3"), two_tasks
    s3.put_object(Bucket=stack.bucket, Key=f"work/{mine}/a", Body=b"a")
    assert s3.get_object(Bucket=stack.bucket, Key=f"work/{mine}/a")["Body"].read() == b"a"
    assert len(s3.list_objects_v2(Bucket=stack.bucket, Prefix=f"work/{mine}/")["Contents"]) == 1
    local_client("s3", stack.endpoint).delete_object(Bucket=stack.bucket, Key=f"work/{mine}/a")
    for key in (f"work/{other}/a", f"outbox/tasks/{other}/video.mp4", f"outbox/tasks/{mine}/other", "inbox/a.html"):
        assert refused(s3.put_object, Bucket=stack.bucket, Key=key, Body=b"a"), key
        assert refused(s3.get_object, Bucket=stack.bucket, Key=key), key
    for prefix in (f"work/{other}/", "work/", "outbox/", ""):
        assert refused(s3.list_objects_v2, Bucket=stack.bucket, Prefix=prefix), prefix
    assert refused(s3.delete_object, Bucket=stack.bucket, Key=f"work/{mine}/a")


def test_a_tasks_credentials_reach_only_its_item(stack: Stack, two_tasks: tuple[str, str], client: Any) -> None:
    table, (mine, other) = client("dynamodb"), two_tasks
    assert table.get_item(TableName=stack.table, Key={"id": {"S": mine}})["Item"]["id"]["S"] == mine
    for item in (other, f"access#{mine}", f"access#{other}", "key#0", "secret#drop"):
        assert refused(table.get_item, TableName=stack.table, Key={"id": {"S": item}}), item
        assert refused(
            table.update_item,
            TableName=stack.table,
            Key={"id": {"S": item}},
            UpdateExpression="SET a = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        ), item
    assert refused(table.scan, TableName=stack.table)
    assert refused(table.delete_item, TableName=stack.table, Key={"id": {"S": mine}})


def test_a_dropped_files_credentials_cannot_change_the_names_holder(stack: Stack) -> None:
    stem = f"mine {uuid.uuid4().hex[:6]}"
    stack.client("s3").put_object(Bucket=stack.bucket, Key=f"inbox/{stem}.html", Body=composition("dropped").encode())
    wait_for(lambda: stack.keys(f"outbox/{stem}.json"), seconds=30, what="the record")
    task_id = stack.read_json(f"outbox/{stem}.json")["id"]
    table, name = clients_of(stack, task_id)("dynamodb"), {"id": {"S": dropped_name_id(f"inbox/{stem}.html")}}
    assert table.get_item(TableName=stack.table, Key=name)["Item"]["task_id"]["S"] == task_id
    change = {"UpdateExpression": "SET task_id = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    assert refused(table.update_item, TableName=stack.table, Key=name, **change)
    other = {"id": {"S": dropped_name_id("inbox/other.html")}}
    assert refused(table.get_item, TableName=stack.table, Key=other)


def test_a_tasks_credentials_start_and_invoke_nothing(stack: Stack, two_tasks: tuple[str, str], client: Any) -> None:
    machine = stack.outputs["WorkflowArn"]
    assert refused(client("stepfunctions").start_execution, stateMachineArn=machine, input="{}")
    assert refused(client("lambda").invoke, FunctionName="hyperframes-render-grant", Payload=b"{}")
    assert refused(client("kms").list_keys)


def test_access_to_one_task_gives_none_to_another(stack: Stack, two_tasks: tuple[str, str]) -> None:
    mine, other = two_tasks
    assert ask(stack, other, stack.access(mine)) == NOTHING
    assert ask(stack, other, "") == NOTHING
    assert ask(stack, "0" * 30, stack.access(mine)) == NOTHING


@pytest.mark.parametrize("role", ["PlanRole", "RenderChunkRole", "AssembleRole"])
def test_a_render_functions_role_reaches_no_data(stack: Stack, two_tasks: tuple[str, str], role: str) -> None:
    services = {call["action"].partition(":")[0] for call in stack.calls() if f"-{role}-" in call["role"]}
    assert services == {"lambda"}


def test_a_workflow_with_a_wrong_access_secret_renders_nothing(stack: Stack, two_tasks: tuple[str, str]) -> None:
    mine, other = two_tasks
    event = json.dumps({"task_id": other, "access": stack.access(mine), "whole": True}).encode()
    answer = stack.client("lambda").invoke(FunctionName="hyperframes-render-render-chunk", Payload=event)
    said = answer["Payload"].read().decode()
    assert "FunctionError" in answer and "not started with the task's access" in said


def test_a_tasks_access_secret_is_not_published(stack: Stack, two_tasks: tuple[str, str]) -> None:
    secret = stack.access(two_tasks[0])
    _, seen = stack.gateway("GET", f"/tasks/{two_tasks[0]}")
    assert secret not in json.dumps(seen)
    assert secret not in json.dumps(stack.events(two_tasks[0]))
    assert secret not in json.dumps(stack.read_json(f"outbox/tasks/{two_tasks[0]}/result.json"))
