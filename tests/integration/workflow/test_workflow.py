"""Runs the deployed src/workflow/render.asl.json: every path of a render has one end."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from typing import Any

import httpx
import pytest

from hyperframes_render.tasks.keys import hash_key, owner_of
from tests.integration.workflow.stack import KEY, Stack, composition
from tests.waiting import wait_for

COMPLETED, FAILED, CANCELLED = "10", "11", "12"


def one_end(stack: Stack, task_id: str, status: str, *, execution: str) -> dict[str, Any]:
    """Check for exactly one final state, record and final event and an empty work/. Returns the task."""
    task = stack.final(task_id)
    assert task["status"]["N"] == status, task.get("error")
    assert set(stack.executions(task_id)) == {execution}

    def finals() -> list[dict[str, Any]]:
        return [event for event in stack.events(task_id) if event["status"] in (10, 11, 12)]

    wait_for(finals, seconds=10, what="the final event")
    results = [key.rpartition("/")[2] for key in stack.keys(f"outbox/tasks/{task_id}/")]
    assert sorted(results) == (["result.json", "video.mp4"] if status == COMPLETED else ["error.json"])

    def nothing_left() -> bool:
        stack.sweep()
        return not stack.keys(f"work/{task_id}/")

    wait_for(nothing_left, seconds=15, what="an empty work folder")
    assert {(event["event_id"], event["status"]) for event in finals()} == {(finals()[0]["event_id"], int(status))}
    assert stack.task(task_id)["status"]["N"] == status
    return task


def test_one_chunk_is_rendered_and_finished_by_one_function(stack: Stack) -> None:
    task_id = stack.submit(composition("one", frames=25))
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")
    record = stack.read_json(f"outbox/tasks/{task_id}/result.json")
    assert record["output"]["frames"] == 25
    video = stack.gateway("GET", f"/tasks/{task_id}")[1]["data"]["output"]["video"]
    assert httpx.get(video["uri"]).content == b"[whole]"


def test_an_uploaded_composition_is_rendered(stack: Stack) -> None:
    key = f"uploads/{owner_of(hash_key(KEY))}/{uuid.uuid4().hex}/page.html"
    stack.client("s3").put_object(Bucket=stack.bucket, Key=key, Body=composition("uploaded", chunks=2).encode())
    one_end(stack, stack.submit(f"s3://{stack.bucket}/{key}"), COMPLETED, execution="SUCCEEDED")


def test_many_chunks_are_joined_in_order(stack: Stack) -> None:
    task_id = stack.submit(composition("many", chunks=7, frames=70))
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")
    video = stack.client("s3").get_object(Bucket=stack.bucket, Key=f"outbox/tasks/{task_id}/video.mp4")["Body"].read()
    assert video == b"".join(b"[%d+10]" % first for first in range(0, 70, 10))


@pytest.mark.parametrize(
    ("call", "failures"),
    [
        ("make_plan", ["BrowserFailed"]),
        ("render", ["BrowserFailed"]),
        ("render_chunk 1", ["BrowserFailed"]),
        ("render_chunk 1", ["NoRoom"] * 4),  # more often than other errors are retried
    ],
)
def test_a_transient_failure_is_retried(stack: Stack, call: str, failures: list[str]) -> None:
    chunks = 3 if call == "render_chunk 1" else 1
    task_id = stack.submit(composition("transient", chunks=chunks, faults={call: [*failures, None]}))
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")


@pytest.mark.parametrize("call", ["make_plan", "render", "render_chunk 1"])
def test_a_permanent_failure_is_recorded_with_its_own_code(stack: Stack, call: str) -> None:
    chunks = 3 if call == "render_chunk 1" else 1
    task_id = stack.submit(composition("permanent", chunks=chunks, faults={call: ["PageScriptFailed"]}))
    task = one_end(stack, task_id, FAILED, execution="FAILED")
    record = stack.read_json(f"outbox/tasks/{task_id}/error.json")
    assert record["details"]["code"] == "page_script_failed", record
    assert "It was made to fail." in str(task["error"])


def test_a_cancelled_render_ends_within_seconds_and_is_no_failure(stack: Stack) -> None:
    task_id = stack.submit(composition("cancel", chunks=3, frames=300, seconds_per_frame=0.1))
    wait_for(lambda: stack.task(task_id)["status"]["N"] == "7", seconds=15, what="the render")
    began = time.monotonic()
    stack.cancel(task_id)
    stack.final(task_id)
    assert time.monotonic() - began < 10
    one_end(stack, task_id, CANCELLED, execution="SUCCEEDED")


def test_a_function_timeout_fails_the_task_with_its_code(stack: Stack) -> None:
    with stack.configured("render-chunk", Timeout=2):
        task_id = stack.submit(composition("slow", faults={"render": ["hang"]}))
        one_end(stack, task_id, FAILED, execution="FAILED")
    assert stack.read_json(f"outbox/tasks/{task_id}/error.json")["details"]["code"] == "function_timed_out"


def test_a_task_started_twice_has_one_final_state(stack: Stack) -> None:
    task_id = stack.submit(composition("twice", chunks=2, frames=20, seconds_per_frame=0.05))
    start = stack.client("stepfunctions").start_execution
    machine, given = stack.outputs["WorkflowArn"], json.dumps({"task_id": task_id, "access": stack.access(task_id)})
    with pytest.raises(stack.client("stepfunctions").exceptions.ExecutionAlreadyExists):
        start(stateMachineArn=machine, name=task_id, input=given)
    start(stateMachineArn=machine, name=f"{task_id}-2", input=given)
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")


def test_a_crashed_worker_is_replaced(stack: Stack) -> None:
    task_id = stack.submit(composition("dies", chunks=2, faults={"render_chunk 0": ["die", None]}))
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")


def test_a_killed_worker_is_replaced(stack: Stack) -> None:
    task_id = stack.submit(composition("killed", chunks=2, frames=60, seconds_per_frame=0.05))
    wait_for(lambda: int(stack.task(task_id).get("frames_done", {"N": "0"})["N"]) > 0, seconds=15, what="a frame")
    os.kill(stack.processes("render_chunk")[0], signal.SIGKILL)
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")


def test_an_upload_that_s3_refuses_is_retried(stack: Stack) -> None:
    task_id = stack.submit(composition("s3", chunks=2, faults={"render_chunk 1": ["s3", None]}))
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")


def test_a_finished_chunk_is_not_rendered_again(stack: Stack) -> None:
    html = composition("again", chunks=2, faults={"render_chunk 1": ["BrowserFailed", None]})
    task_id = stack.submit(html)
    one_end(stack, task_id, COMPLETED, execution="SUCCEEDED")
    assert stack.engine_calls(html, "render_chunk 1") == 2
    assert stack.engine_calls(html, "render_chunk 0") == 1


def test_a_retry_waits_no_longer_than_its_longest_delay(stack: Stack) -> None:
    """Four retries with doubled waits from ten seconds take minutes: this one limits each wait to two seconds."""
    states = stack.client("stepfunctions")
    missing = {"FunctionName": "no-such-function", "Payload": {}}
    retry = {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 10,
        "MaxDelaySeconds": 1,
        "MaxAttempts": 4,
        "JitterStrategy": "FULL",
    }
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": missing,
        "Retry": [retry],
        "End": True,
    }
    (machine,) = states.list_state_machines()["stateMachines"]
    made = states.create_state_machine(
        name="retries",
        definition=json.dumps({"StartAt": "Call", "States": {"Call": task}}),
        roleArn=states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["roleArn"],
    )["stateMachineArn"]
    try:
        execution = states.start_execution(stateMachineArn=made)["executionArn"]
        wait_for(
            lambda: states.describe_execution(executionArn=execution)["status"] == "FAILED",
            seconds=20,
            what="the execution's end",
        )
        history = states.get_execution_history(executionArn=execution)["events"]
        assert [event["type"] for event in history].count("TaskFailed") == 5
    finally:
        states.delete_state_machine(stateMachineArn=made)
