"""The deployed stack for tests: template and functions of the product, enforced roles, local services."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.local.deploy import Deployment, local_client
from hyperframes_render.local.emulation import Emulator, emulator_settings
from hyperframes_render.local.parts import find_parts
from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import descendants
from hyperframes_render.local.tasks import make_unfinished_due
from hyperframes_render.tasks.grants import recorded_access
from hyperframes_render.tasks.keys import make_record
from tests.waiting import wait_for

KEY = "hf_test_stack"
FINAL = ("10", "11", "12")


class Stack:
    """One running stack, with the queries that tests need."""

    def __init__(self, emulator: Emulator, outputs: dict[str, str], calls: Path) -> None:
        self.emulator, self.outputs, self.calls_path = emulator, outputs, calls
        self.endpoint = emulator.settings.endpoint
        self.bucket, self.table = outputs["Bucket"], outputs["TaskTable"]
        names = ("s3", "dynamodb", "stepfunctions", "sqs", "sns", "lambda", "logs", "iam")
        self._clients = {name: local_client(name, self.endpoint) for name in names}
        self.events_queue = self._subscribe()
        self._events: list[dict[str, Any]] = []
        DynamoKeys(self.table, self.client("dynamodb")).put(make_record(KEY, "tests"))

    def client(self, name: str) -> Any:
        return self._clients[name]

    def gateway(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Send a request to the deployed API through the gateway. Returns status and JSON."""
        import httpx

        url = f"{self.endpoint}/restapis/{self.outputs['ApiId']}/live/_user_request_{path}"
        answer = httpx.request(method, url, json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
        return answer.status_code, answer.json()

    def submit(self, html: str, **body: Any) -> str:
        """Start a task through the gateway. Returns its id."""
        status, answer = self.gateway("POST", "/apps/run", {"input": {"html": html}, **body})
        assert status == 200, answer
        return str(answer["data"]["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        item = self.client("dynamodb").get_item(TableName=self.table, Key={"id": {"S": task_id}}, ConsistentRead=True)
        return dict(item.get("Item", {}))

    def access(self, task_id: str) -> str:
        """The access secret that the task's workflow received."""
        return recorded_access(DynamoExpiringStore(self.table, self.client("dynamodb")), task_id)

    def final(self, task_id: str, seconds: float = 120) -> dict[str, Any]:
        """Wait for the task's final state. Returns its item."""

        def look() -> dict[str, Any] | None:
            task = self.task(task_id)
            return task if task and task["status"]["N"] in FINAL else None

        return wait_for(look, seconds=seconds, what=f"the end of task {task_id}")

    def executions(self, task_id: str) -> list[str]:
        """Wait until no execution of the task runs. Returns the statuses of its executions."""

        def look() -> list[str] | None:
            found = self.client("stepfunctions").list_executions(stateMachineArn=self.outputs["WorkflowArn"])
            mine = [e["status"] for e in found["executions"] if e["name"].startswith(task_id)]
            return mine if mine and "RUNNING" not in mine else None

        return wait_for(look, seconds=30, what="the end of the execution")

    def cancel(self, task_id: str) -> None:
        """Request cancellation: the conditional write of status 8."""
        self.client("dynamodb").update_item(
            TableName=self.table,
            Key={"id": {"S": task_id}},
            UpdateExpression="SET #status = :cancelling, version = version + :one",
            ConditionExpression="#status < :cancelling",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":cancelling": {"N": "8"}, ":one": {"N": "1"}},
        )

    def keys(self, prefix: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read_json(self, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """All events of the task so far."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.events_queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._events.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=self.events_queue, ReceiptHandle=message["ReceiptHandle"])
        return [event for event in self._events if event["id"] == task_id]

    def sweep(self) -> None:
        answer = self.client("lambda").invoke(FunctionName=self.outputs["SweepFunction"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def processes(self, function: str) -> list[int]:
        """Process ids of a function's runtimes."""
        found = []
        for pid in descendants(self.emulator.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:4] == [b"-m", b"awslambdaric", f"hyperframes_render.functions.{function}.handler".encode()]:
                found.append(pid)
        return found

    @contextmanager
    def configured(self, function: str, **changes: Any) -> Iterator[None]:
        """Change the function's configuration while the block runs."""
        name = f"hyperframes-render-{function}"
        before = self.client("lambda").get_function_configuration(FunctionName=name)
        self.client("lambda").update_function_configuration(FunctionName=name, **changes)
        try:
            yield
        finally:
            old = {key: before[key] for key in changes}
            self.client("lambda").update_function_configuration(FunctionName=name, **old)

    def add_variables(self, function: str, **variables: str) -> None:
        name = f"hyperframes-render-{function}"
        now = self.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self.client("lambda").update_function_configuration(
            FunctionName=name, Environment={"Variables": {**now, **variables}}
        )

    def engine_calls(self, html: str, call: str) -> int:
        """The number of calls of the fake engine for the composition."""
        name = json.loads(html.partition("<!--fake ")[2].partition("-->")[0])["name"]
        return len(list((Path(self.emulator.settings.image_path) / "used").glob(f"{name} {call} *")))

    def calls(self) -> list[dict[str, Any]]:
        """Every call that a role has made, in order."""
        return [json.loads(line) for line in self.calls_path.read_text().splitlines()]

    def refused(self, role: str, action: str) -> int:
        """The number of refused calls of a role."""
        calls = (call for call in self.calls() if not call["allowed"] and f"-{role}-" in call["role"])
        return sum(call["action"] == action for call in calls)

    def cut_power(self) -> None:
        """Simulate a power cut: kill the emulator and its functions with SIGKILL, then start it again.

        Call it from a thread that outlives the use of the stack: the emulator ends with its thread.
        """
        os.kill(self.emulator.pid, signal.SIGKILL)
        wait_for(lambda: not self.emulator.is_running(), seconds=10, what="the emulator's end")
        self.emulator = Emulator(find_parts(), self.emulator.settings)
        self.emulator.wait_until_ready()
        make_unfinished_due(self.client("dynamodb"), self.table)

    def _subscribe(self) -> str:
        sqs = self.client("sqs")
        url = str(sqs.create_queue(QueueName=f"all-events-{uuid.uuid4().hex[:8]}")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.client("sns").subscribe(TopicArn=self.outputs["EventsTopicArn"], Protocol="sqs", Endpoint=arn)
        return url


@contextmanager
def running_stack(data: Path, engine: Path | None, *, wait_seconds: float = 60) -> Iterator[Stack]:
    """Deploy and run the stack. `engine`: a folder with another engine for the render functions.

    A call waits up to `wait_seconds` for a free environment before it is throttled.
    """
    parts = find_parts()
    calls = data / "calls.jsonl"
    settings = emulator_settings(
        parts, data, port=free_port(), record_calls=str(calls), image_path=str(engine) if engine else ""
    )
    settings = replace(settings, wait_seconds=wait_seconds)
    emulator = Emulator(parts, settings)
    stack: Stack | None = None
    try:
        emulator.wait_until_ready()
        parameters = {"WebhookAllowPrivate": "true", "WebhookRetrySeconds": "1,1,1", "WebhookAttempts": "4"}
        deployment = Deployment(parts, data, settings.endpoint, {**parameters, "ParallelChunks": "2"})
        deployment.deploy(lambda _: None)
        stack = Stack(emulator, deployment.outputs(), calls)
        yield stack
    finally:
        (stack.emulator if stack else emulator).stop()


def composition(name: str, **script: Any) -> str:
    """A composition whose comment configures the fake engine."""
    settings = json.dumps({"name": f"{name} {uuid.uuid4().hex[:8]}", **script})
    return f'<!doctype html><!--fake {settings}--><div data-composition-id="main" data-duration="1"></div>'
