"""AWS in this process (moto) with the resources of the template, and calls of the functions."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from hyperframes_render.aws.access import GrantedAccess
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.tasks import DynamoKeys, DynamoTasks
from hyperframes_render.tasks.grants import recorded_access
from hyperframes_render.tasks.keys import make_record
from hyperframes_render.tasks.model import Task
from hyperframes_render.tasks.ports import Attention

EVENTS = Path(__file__).parents[3] / "events"
BUCKET, TABLE, KEY = "hyperframes-render-sample", "tasks", "hf_live_sample"
REGION = "us-east-1"
OWNER = make_record(KEY, "test").owner
HTML = '<div data-composition-id="main" data-width="64" data-height="36" data-fps="25" data-duration="2"></div>'


def context(name: str) -> Any:
    """The context object that Lambda passes to a handler."""
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:123456789012:function:{name}",
        aws_request_id="7a3b6c1e-4d58-4b29-9f5a-1d0f3a5d8c21",
        get_remaining_time_in_millis=lambda: 30_000,
    )


@dataclass
class Cloud:
    """Clients and names of the resources."""

    s3: Any
    dynamodb: Any
    sns: Any
    sqs: Any
    sfn: Any
    kms: Any
    topic: str = ""
    events_queue: str = ""
    webhook_queue: str = ""
    machine: str = ""
    secret: str = ""
    tasks: DynamoTasks = field(init=False)

    @classmethod
    def make(cls) -> Cloud:
        """Create bucket, table, topic, queues, state machine, secret and one API key; set the environment variables."""
        cloud = cls(*(boto3.client(name, REGION) for name in ("s3", "dynamodb", "sns", "sqs", "stepfunctions", "kms")))
        cloud.s3.create_bucket(Bucket=BUCKET)
        _make_table(cloud.dynamodb)
        cloud.topic = cloud.sns.create_topic(Name="events")["TopicArn"]
        cloud.events_queue = cloud.sqs.create_queue(QueueName="events")["QueueUrl"]
        cloud.webhook_queue = cloud.sqs.create_queue(QueueName="webhooks")["QueueUrl"]
        cloud.sns.subscribe(
            TopicArn=cloud.topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:123456789012:events",
            Attributes={"RawMessageDelivery": "true"},
        )
        cloud.machine = cloud.sfn.create_state_machine(
            name="render",
            definition=json.dumps({"StartAt": "Plan", "States": {"Plan": {"Type": "Pass", "End": True}}}),
            roleArn="arn:aws:iam::123456789012:role/render",
        )["stateMachineArn"]
        cloud.secret = cloud.kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
        cloud.tasks = DynamoTasks(TABLE, cloud.dynamodb)
        DynamoKeys(TABLE, cloud.dynamodb).put(make_record(KEY, "test"))
        os.environ.update(cloud.environment())
        return cloud

    def environment(self) -> dict[str, str]:
        """The environment variables that the template sets, for all functions together."""
        return {
            "BUCKET": BUCKET,
            "TASK_TABLE": TABLE,
            "EVENTS_TOPIC_ARN": self.topic,
            "STATE_MACHINE_ARN": self.machine,
            "GRANT_FUNCTION": "grant",
            "RENDER_TASK_ROLE_ARN": "arn:aws:iam::123456789012:role/render-task",
            "WEBHOOK_QUEUE_URL": self.webhook_queue,
            "STACK_SECRET_ARN": self.secret,
            "WEBHOOK_RETRY_SECONDS": "5,60",
            "LONGEST_FUNCTION_SECONDS": "0",
            "MAX_DURATION_SECONDS": "3600",
            "PARALLEL_CHUNKS": "2",
            "RESULT_DAYS": "7",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        }

    def granted_access(self, grant_function: str) -> GrantedAccess:
        """The access of a render function. `grant` runs in this process; moto does not enforce session policies."""
        access = GrantedAccess(grant_function, _Functions())  # type: ignore[arg-type]  # only `invoke` is used
        access.client = boto3.client  # type: ignore[method-assign, assignment]  # clients are shared by all tests
        return access

    # objects

    def put(self, key: str, data: bytes | str) -> str:
        """Write an object. Returns its etag."""
        body = data.encode() if isinstance(data, str) else data
        return str(self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"]).strip('"')

    def get(self, key: str) -> bytes:
        """Read an object."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def json(self, key: str) -> Any:
        """Read a JSON object."""
        return json.loads(self.get(key))

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below `prefix`."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    # tasks

    def task(self, task_id: str) -> Task:
        """The task. Fails if it does not exist."""
        task = self.tasks.get(task_id)
        assert task is not None, f"no task {task_id}"
        return task

    def all_tasks(self) -> list[str]:
        """The ids of all tasks."""
        items = self.dynamodb.scan(TableName=TABLE)["Items"]
        return sorted(item["id"]["S"] for item in items if "status" in item)

    def attention_due(self, task_id: str) -> None:
        """Make the task due for `sweep`."""
        task = self.task(task_id)
        assert self.tasks.update_if_unchanged(task, {"attention_at": "2020-01-01T00:00:00.000Z"}) is not None

    def attention(self, task_id: str) -> Attention | None:
        """Why `sweep` has to handle the task."""
        kind = self.task(task_id).attention
        return Attention(kind) if kind else None

    def executions(self) -> list[str]:
        """Names of the executions that were started."""
        found = self.sfn.list_executions(stateMachineArn=self.machine)["executions"]
        return sorted(execution["name"] for execution in found)

    def stop_execution(self, name: str) -> None:
        """Stop the workflow without a final state of its task."""
        self.sfn.stop_execution(executionArn=f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}")

    def events_seen(self) -> list[dict[str, Any]]:
        """Events published since the last call, in order, each with its attributes under "_attributes"."""
        seen: list[dict[str, Any]] = []
        while True:
            messages = self.sqs.receive_message(
                QueueUrl=self.events_queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not messages:
                return seen
            for message in messages:
                attributes = {k: v["StringValue"] for k, v in message.get("MessageAttributes", {}).items()}
                seen.append({**json.loads(message["Body"]), "_attributes": attributes})
                self.sqs.delete_message(QueueUrl=self.events_queue, ReceiptHandle=message["ReceiptHandle"])


def _make_table(dynamodb: Any) -> None:
    names = ("id", "owner", "created_at", "attention", "attention_at")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": hash_, "KeyType": "HASH"},
                    {"AttributeName": range_, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, hash_, range_ in (
                ("by_owner", "owner", "created_at"),
                ("by_attention", "attention", "attention_at"),
            )
        ],
    )


class _Functions:
    """The part of the Lambda client that requests access."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        """See boto3."""
        module = importlib.import_module(f"hyperframes_render.functions.{FunctionName}")
        try:
            said = module.handler(json.loads(Payload), context(FunctionName))
        except Exception as error:
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


def call(name: str, event: Any) -> Any:
    """Call a function's handler as Lambda does, with a JSON event and the access secret that its workflow passes."""
    if name in ("plan", "render_chunk", "assemble") and "access" not in event:
        event = {
            **event,
            "access": recorded_access(DynamoExpiringStore(TABLE, boto3.client("dynamodb", REGION)), event["task_id"]),
        }
    handler = importlib.import_module(f"hyperframes_render.functions.{name}").handler
    # In Lambda each function has its own process. Here each call gets a new event loop.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return json.loads(json.dumps(handler(json.loads(json.dumps(event)), context(name))))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def sample(name: str) -> Any:
    """A sample event of events/."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def request(method: str, path: str, body: Any = None, *, key: str | None = KEY, **headers: str) -> dict[str, Any]:
    """The event that API Gateway sends for a request."""
    event = sample("api.health")
    fields = {"Content-Type": "application/json", **headers}
    if key is not None:
        fields["Authorization"] = f"Bearer {key}"
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return {
        **event,
        "httpMethod": method,
        "path": path,
        "headers": fields,
        "multiValueHeaders": {name: [value] for name, value in fields.items()},
        "body": text,
    }


def answer(method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any, dict[str, str]]:
    """Send a request to the function `api`. Returns status, JSON and headers."""
    reply = call("api", request(method, path, body, **options))
    headers = {name: values[0] for name, values in reply.get("multiValueHeaders", {}).items()}
    return reply["statusCode"], json.loads(reply["body"]), {**reply.get("headers", {}), **headers}


def ask(method: str, path: str, query: dict[str, str] | None = None, **options: Any) -> tuple[int, Any]:
    """Send a request with a query string to the function `api`. Returns status and JSON."""
    event = request(method, path, **options)
    event["queryStringParameters"] = query
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in (query or {}).items()}
    response = call("api", event)
    return response["statusCode"], json.loads(response["body"])


def submit(**fields: Any) -> str:
    """POST a small composition. Returns the task's id."""
    webhook = fields.pop("webhook", None)
    status, body, _ = answer("POST", "/apps/run", {"input": {"html": HTML, **fields}, "webhook": webhook})
    assert status == 200, body
    return str(body["data"]["id"])


def dropped(cloud: Cloud, key: str, data: bytes | str, *, order: str = "01", etag: str | None = None) -> dict[str, Any]:
    """Write an object in inbox/. Returns the event that reports it."""
    written = cloud.put(key, data)
    size = len(data.encode() if isinstance(data, str) else data)
    event = sample("drop")
    body = json.loads(event["Records"][0]["body"])
    body["detail"]["object"] = {"key": key, "size": size, "etag": etag or written, "sequencer": order}
    event["Records"][0]["body"] = json.dumps(body, ensure_ascii=False)
    return dict(event)


def run_workflow(task_id: str) -> dict[str, Any]:
    """Run the steps of the workflow file, without retries. Returns the result of `record`."""
    try:
        planned = call("plan", {"task_id": task_id})
        if planned["chunks"] == 1:
            call("render_chunk", {"task_id": task_id, "whole": True})
        else:
            _run_map(task_id, planned["chunks_key"])
            call("assemble", {"task_id": task_id})
        return dict(call("record", {"task_id": task_id, "outcome": "completed"}))
    except Exception as error:
        caught = {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}
        return dict(call("record", {"task_id": task_id, "outcome": "failed", "error": caught}))


class States:
    """Errors of Step Functions itself: their names contain dots."""

    MapFailed = type("States.ExceedToleratedFailureThreshold", (Exception,), {})


def _run_map(task_id: str, chunks_key: str) -> None:
    chunks = json.loads(boto3.client("s3", REGION).get_object(Bucket=BUCKET, Key=chunks_key)["Body"].read())
    for chunk in chunks:
        try:
            assert call("render_chunk", {"task_id": task_id, **chunk}) == {"ok": True}
        except Exception as error:
            raise States.MapFailed("Threshold of 0 exceeded") from error
