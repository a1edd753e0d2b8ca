"""Properties of template.yaml, checked without a deployment."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel

from hyperframes_render.api.envelope import problem
from hyperframes_render.errors import (
    Forbidden,
    InvalidOption,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RenderError,
    ServiceFailed,
    Unauthorized,
)
from hyperframes_render.functions.api import build_application
from hyperframes_render.functions.support import settings
from tests.template import PROJECT, documented, load_template

TEMPLATE = load_template()
SETTINGS: dict[str, type[BaseModel]] = {
    "Api": settings.ApiSettings,
    "Drop": settings.DropSettings,
    "Sweep": settings.SweepSettings,
    "Plan": settings.PlanSettings,
    "RenderChunk": settings.RenderChunkSettings,
    "Assemble": settings.AssembleSettings,
    "Record": settings.RecordSettings,
    "Notify": settings.NotifySettings,
    "Stream": settings.StreamSettings,
    "Grant": settings.GrantSettings,
}
#: Variables that Lambda sets, or whose default only tests and the local stack change.
NOT_IN_TEMPLATE = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "ATTENTION_SECONDS"}


def own_variables(function: str) -> dict[str, Any]:
    found = TEMPLATE.functions()[f"{function}Function"]["Properties"]["Environment"]["Variables"]
    return {name: value for name, value in found.items() if not name.startswith(("POWERTOOLS_", "AWS_"))}


@pytest.mark.parametrize("function", SETTINGS)
def test_a_function_gets_just_the_variables_that_it_reads(function: str) -> None:
    read = {name.upper() for name in SETTINGS[function].model_fields} - NOT_IN_TEMPLATE
    given = set(own_variables(function)) - {"RESULT_DAYS"} | (read & {"RESULT_DAYS"})
    assert given == read


def test_every_function_is_known_here() -> None:
    assert {f"{name}Function" for name in SETTINGS} == set(TEMPLATE.functions())


@pytest.mark.parametrize("name", TEMPLATE.body["Parameters"])
def test_a_parameter_has_a_description_and_a_default(name: str) -> None:
    assert len(TEMPLATE.body["Parameters"][name]["Description"]) > 20
    assert "Default" in TEMPLATE.body["Parameters"][name]


def test_every_action_has_a_reason_beside_it() -> None:
    bare = re.findall(r"^ {18}- \w+:\w+\s*$", TEMPLATE.text, re.MULTILINE)
    assert not bare
    assert len(re.findall(r"^ {18}- \w+:\w+ # \S+", TEMPLATE.text, re.MULTILINE)) > 60


#: Actions for which AWS accepts only the resource "*".
WITHOUT_RESOURCE = {"lambda:GetAccountSettings"}


@pytest.mark.parametrize("role", [*TEMPLATE.function_roles(), "WorkflowRole"])
def test_roles_name_resources_where_actions_accept_them(role: str) -> None:
    for statement in TEMPLATE.statements(role):
        assert not [action for action in statement["Action"] if "*" in action]
        if "*" in statement["Resource"]:
            named = {action for action in statement["Action"] if action not in WITHOUT_RESOURCE}
            assert {action.partition(":")[0] for action in named} <= {"xray", "logs"}


@pytest.mark.parametrize("name", TEMPLATE.functions())
def test_a_function_has_its_own_role_and_log_retention(name: str) -> None:
    properties = TEMPLATE.functions()[name]["Properties"]
    assert TEMPLATE.function_roles().count(properties["Role"]["GetAtt"].partition(".")[0]) == 1
    log = TEMPLATE.body["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]
    assert log["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}


@pytest.mark.parametrize("name", ["Bucket", "TaskTable", "WebhookSecretKey"])
def test_data_is_retained_when_the_stack_is_deleted(name: str) -> None:
    resource = TEMPLATE.body["Resources"][name]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_the_gateway_has_exactly_the_routes_of_the_application() -> None:
    listed = set()
    for function in ("ApiFunction", "StreamFunction"):
        for event in TEMPLATE.functions()[function]["Properties"]["Events"].values():
            route = (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
            # The function `api` answers the preflight of a stream.
            assert (route[1].endswith("/stream") and route[0] == "GET") == (function == "StreamFunction")
            listed.add(route)
    paths = build_application().openapi()["paths"]
    served = {
        (method.upper(), path.replace("{task_id}", "{id}")) for path, methods in paths.items() for method in methods
    }
    # Aliases of POST /apps/run and GET /tasks. Every route also exists under /v1.
    served |= {("POST", "/run"), ("POST", "/tasks/list")}
    served |= {("OPTIONS", path) for _, path in served}
    served |= {(method, f"/v1{path}") for method, path in served}
    assert listed == served


def access_log() -> str:
    return str(TEMPLATE.body["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"])


#: Errors of the gateway, as the application would report them. The bodies of the last two have no status, because the
#: gateway has no variable for it.
GATEWAY_ERRORS: dict[str, tuple[RenderError, int]] = {
    "UNAUTHORIZED": (Unauthorized("There is no valid key.", "Send the header Authorization: Bearer YOUR_KEY."), 401),
    "ACCESS_DENIED": (Forbidden("This key may not do that.", "Use another key."), 403),
    "MISSING_AUTHENTICATION_TOKEN": (
        NotFound("There is no such route or method.", "GET /openapi.json lists them."),
        404,
    ),
    "REQUEST_TOO_LARGE": (
        PayloadTooLarge("The request is larger than 10 MB.", "Upload the composition first and send its uri."),
        413,
    ),
    "THROTTLED": (
        RateLimited("There are too many requests at once.", "Try again after the seconds in Retry-After."),
        429,
    ),
    "QUOTA_EXCEEDED": (RateLimited("The quota is used up.", "Try again later."), 429),
    "INTEGRATION_TIMEOUT": (
        ServiceFailed(
            "There was no answer within 29 seconds; a task may have been accepted.",
            "Look at your tasks before you try again.",
        ),
        504,
    ),
    "DEFAULT_4XX": (InvalidOption("The gateway refused the request before it reached the application."), 400),
    "DEFAULT_5XX": (ServiceFailed("The service failed.", "Try again."), 500),
}


def test_every_error_of_the_gateway_is_listed() -> None:
    assert set(TEMPLATE.body["Resources"]["Api"]["Properties"]["GatewayResponses"]) == set(GATEWAY_ERRORS)


@pytest.mark.parametrize("name", GATEWAY_ERRORS)
def test_gateway_errors_have_the_body_of_application_errors(name: str) -> None:
    response = TEMPLATE.body["Resources"]["Api"]["Properties"]["GatewayResponses"][name]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    error, status = GATEWAY_ERRORS[name]
    expected = problem(error, "$context.requestId", status)
    if name.startswith("DEFAULT"):
        del expected["status"]
        assert "StatusCode" not in response
    else:
        assert response["StatusCode"] == status
    assert body == expected and list(body) == list(expected)
    assert "$context.requestId" in access_log()
    assert ("Retry-After" in response["ResponseParameters"]["Headers"]) == (error.retryable and status != 504)


def queue(name: str) -> dict[str, Any]:
    return dict(TEMPLATE.body["Resources"][name]["Properties"])


def test_a_webhook_is_tried_for_about_three_days_and_kept_longer() -> None:
    parameters = TEMPLATE.body["Parameters"]
    waits = [int(part) for part in parameters["WebhookRetrySeconds"]["Default"].split(",")]
    assert parameters["WebhookAttempts"]["Default"] == len(waits) + 1
    assert max(waits) <= 43_200
    assert 2.5 * 86_400 < sum(waits) < 3.5 * 86_400 < queue("WebhookQueue")["MessageRetentionPeriod"]


@pytest.mark.parametrize(("name", "function"), [("WebhookQueue", "Notify"), ("DropQueue", "Drop")])
def test_a_message_stays_hidden_longer_than_its_function_may_take(name: str, function: str) -> None:
    timeout = TEMPLATE.functions()[f"{function}Function"]["Properties"]["Timeout"]
    assert queue(name)["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("name", ["WebhookQueue", "DropQueue"])
def test_dead_letters_have_an_alarm_and_a_longer_retention(name: str) -> None:
    letters = queue(name)["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].partition(".")[0]
    assert queue(letters)["MessageRetentionPeriod"] > queue(name)["MessageRetentionPeriod"]
    watched = [
        alarm["Properties"]["Dimensions"][0]["Value"] for alarm in TEMPLATE.resources("AWS::CloudWatch::Alarm").values()
    ]
    assert {"GetAtt": f"{letters}.QueueName"} in watched


def test_record_and_sweep_know_the_longest_timeout() -> None:
    longest = max(function["Properties"]["Timeout"] for function in TEMPLATE.functions().values())
    for function in ("Record", "Sweep"):
        assert own_variables(function)["LONGEST_FUNCTION_SECONDS"] == str(longest)


@pytest.mark.parametrize("function", ["Plan", "RenderChunk", "Assemble"])
def test_an_image_function_knows_its_own_disk(function: str) -> None:
    properties = TEMPLATE.functions()[f"{function}Function"]["Properties"]
    assert own_variables(function)["EPHEMERAL_STORAGE_MB"] == str(properties["EphemeralStorage"]["Size"])


def test_every_alarm_has_a_runbook() -> None:
    alarms = [name.removesuffix("Alarm") for name in TEMPLATE.resources("AWS::CloudWatch::Alarm")]
    assert len(alarms) >= 6
    assert not documented("guides/operate.md", alarms)


def test_every_parameter_and_output_is_explained() -> None:
    assert not documented("guides/deploy.md", [*TEMPLATE.body["Parameters"], "ApiUrl", "DropFolder", "ResultFolder"])


def test_every_shim_of_the_launcher_is_explained() -> None:
    source = (PROJECT / "src/hyperframes_render/local/emulator/shims.py").read_text()
    shims = re.findall(r"^def (\w+)", source, re.MULTILINE)
    assert len(shims) >= 6
    assert not documented("guides/local.md", shims)
