"""src/workflow/render.asl.json matches the errors, the template and the limits of Step Functions."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

import hyperframes_render.errors as errors
from tests.template import load_template, load_workflow, tasks_of

WORKFLOW = load_workflow()
TASKS = tasks_of(WORKFLOW)
TEMPLATE = load_template()
THROTTLED = ["Lambda.TooManyRequestsException", "NoRoom"]
#: Errors of a function that was idle for weeks. Lambda reactivates it within a minute or two.
WAKING = [
    "Lambda.CodeArtifactUserPendingException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
]
#: Errors of Lambda and of a crashed worker, which the composition did not cause.
OF_LAMBDA = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
}
#: Maximum bytes of the input or output of a state or an execution.
STATE_LIMIT = 262_144


def retryable_errors() -> set[str]:
    machine = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.MachineError)]
    return {kind.__name__ for kind in machine if kind.retryable}


@pytest.mark.parametrize("name", TASKS)
def test_exactly_the_transient_errors_are_retried(name: str) -> None:
    throttled, waking, transient = TASKS[name]["Retry"]
    assert throttled["ErrorEquals"] == THROTTLED
    assert waking["ErrorEquals"] == WAKING
    assert set(transient["ErrorEquals"]) == OF_LAMBDA | retryable_errors() - {"NoRoom"}
    assert throttled["JitterStrategy"] == transient["JitterStrategy"] == "FULL"


@pytest.mark.parametrize("name", TASKS)
def test_retries_wait_hours_for_capacity_and_minutes_for_reactivation(name: str) -> None:
    def longest(retry: dict[str, Any]) -> float:
        steps = range(retry["MaxAttempts"])
        return float(sum(min(retry["IntervalSeconds"] * 2.0**n, retry["MaxDelaySeconds"]) for n in steps))

    throttled, waking, _ = TASKS[name]["Retry"]
    assert longest(throttled) / 2 > 6 * 3600, "full jitter waits half of it on average"
    assert 300 < longest(waking) < 900
    # An execution's history is limited to 25,000 events; one attempt adds three.
    assert 3 * throttled["MaxAttempts"] < 10_000


def function_of(name: str) -> dict[str, object]:
    placeholder = TASKS[name]["Parameters"]["FunctionName"].strip("${}")
    return dict(TEMPLATE.functions()[placeholder]["Properties"])


@pytest.mark.parametrize("name", TASKS)
def test_a_state_times_out_after_its_function(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > int(str(function_of(name)["Timeout"]))


def test_the_task_id_comes_from_the_executions_input() -> None:
    """Otherwise a compromised plan function could end another task as failed."""
    for name, state in WORKFLOW["States"].items():
        for given in (state.get("Parameters", {}).get("Payload"), state.get("ItemSelector")):
            if given is not None:
                assert given["task_id.$"] == "$$.Execution.Input.task_id", name
        answered = json.dumps(state.get("ResultSelector", {})) if name != "RecordFailed" else ""
        assert "task_id" not in answered


def test_every_path_has_a_catch_that_leads_to_the_record() -> None:
    for name, state in WORKFLOW["States"].items():
        if state["Type"] in ("Task", "Map"):
            (catch,) = state["Catch"]
            assert catch["ErrorEquals"] == ["States.ALL"]
            assert catch["Next"] == ("Failed" if name == "RecordFailed" else "RecordFailed")


def test_the_children_of_the_map_may_run_as_long_as_a_chunk() -> None:
    chunks = WORKFLOW["States"]["RenderChunks"]
    # An EXPRESS child ends after five minutes.
    assert int(str(function_of("RenderChunk")["Timeout"])) > 300
    assert chunks["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert not {"ItemBatcher", "ResultWriter"} & set(chunks)
    assert "Assign" not in json.dumps(WORKFLOW)


def test_ten_thousand_chunks_fit_into_the_state() -> None:
    answers = json.dumps([{"ok": True}] * 10_000)
    assert len(answers) < STATE_LIMIT
    assert WORKFLOW["States"]["RenderChunks"]["ResultPath"] is None
    task_id = "0" * 30
    item = {"task_id": task_id, "access": "0" * 32, "index": 9_999, "first": 864_000, "count": 864_000}
    state = {"task_id": task_id, "chunks": 10_000, "chunks_key": f"work/{task_id}/chunks.json", "parallel": 1000}
    assert len(json.dumps(item)) + len(json.dumps(state)) < 1000


def test_the_workflow_role_allows_exactly_the_actions_of_the_file() -> None:
    """The emulator does not enforce this role. It is therefore compared with the file."""
    allowed = {}
    for statement in TEMPLATE.statements("WorkflowRole"):
        for action in statement["Action"]:
            allowed[action] = statement["Resource"]
    invoked = {TASKS[name]["Parameters"]["FunctionName"].strip("${}") for name in TASKS}
    assert {task["Resource"] for task in TASKS.values()} == {"arn:aws:states:::lambda:invoke"}
    assert {one["GetAtt"] for one in allowed.pop("lambda:InvokeFunction")} == {f"{name}.Arn" for name in invoked}
    reader = WORKFLOW["States"]["RenderChunks"]["ItemReader"]
    assert reader["Resource"] == "arn:aws:states:::s3:getObject"
    assert allowed.pop("s3:GetObject") == [{"Sub": "${Bucket.Arn}/work/*"}]
    label = WORKFLOW["States"]["RenderChunks"]["Label"]
    machine = TEMPLATE.body["Resources"]["RenderWorkflow"]["Properties"]["Name"]["Sub"]
    assert allowed.pop("states:StartExecution")[0]["Sub"].endswith(f":stateMachine:{machine}")
    for action in ("states:DescribeExecution", "states:StopExecution"):
        labelled, plain = allowed.pop(action)
        assert labelled["Sub"].endswith(f":execution:{machine}/{label}:*")
        assert plain["Sub"].endswith(f":execution:{machine}:*")
    # The remaining actions are for logs and traces and accept no resource.
    assert {action.partition(":")[0] for action in allowed} == {"logs", "xray"}


def test_the_template_substitutes_every_placeholder() -> None:
    given = TEMPLATE.body["Resources"]["RenderWorkflow"]["Properties"]["DefinitionSubstitutions"]
    text = json.dumps(WORKFLOW)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(given)
