"""Changes to MiniStack 1.5.33, each with its reason. docs/guides/local.md has the same list."""

from __future__ import annotations

import functools
import json
import logging
import random
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_actions
from ministack.core.lambda_runtime import execution_credentials
from ministack.services import apigateway_v1, cloudwatch_logs, dynamodb, lambda_svc, stepfunctions

from hyperframes_render.local.emulator.environments import EnvironmentLimit, Environments
from hyperframes_render.local.emulator.functions import read_function
from hyperframes_render.local.emulator.saving import Journal, StateSaver
from hyperframes_render.local.emulator.settings import EmulatorSettings

_KEPT_SECONDS = 300.0
_log = logging.getLogger("hyperframes.shims")


def run_functions_under_rie(settings: EmulatorSettings, environments: Environments, saver: StateSaver) -> None:
    """Run every function, image or zip, under the RIE and with its own role.

    Without this, image functions need Docker, and every Python error is `Runtime.HandlerError`: Retry and Catch by
    name would never match.
    """

    def execute(record: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        function = read_function(
            record, settings, execution_credentials(record["config"]), lambda_svc._resolve_layer_zip
        )
        try:
            answer = environments.call(function, event, request_id)
        except EnvironmentLimit as limit:
            refusal = dict(lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", str(limit)))
            # The workflow retries this error type for hours. MiniStack's response has no error type.
            refusal["body"] |= {"errorType": "Lambda.TooManyRequestsException", "errorMessage": str(limit)}
            return refusal
        finally:
            saver.mark_changed()
        result = {"body": answer.payload, "log": answer.log, "log_source": "rie"}
        if answer.error:
            result |= {"error": True, "function_error": "Unhandled"}
        return result

    lambda_svc._execute_function_docker = execute
    lambda_svc._execute_function_warm = execute


def keep_message_attributes() -> None:
    """Keep the MessageAttributes of `sns:publish` in a state machine, so that subscription filters match."""
    publish = stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"]

    def flattened(resource: str, arguments: dict[str, Any]) -> Any:
        flat = {key: value for key, value in arguments.items() if key != "MessageAttributes"}
        for number, (name, value) in enumerate(arguments.get("MessageAttributes", {}).items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            flat[f"{entry}.Name"] = name
            flat[f"{entry}.Value.DataType"] = value["DataType"]
            flat[f"{entry}.Value.StringValue"] = value["StringValue"]
        return publish(resource, flat)

    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = flattened


def support_streamed_routes() -> None:
    """Serve a route that streams its response in AWS, as one whole response. Without this, it returns 500."""
    extract = apigateway_v1._extract_lambda_ref_from_integration_uri

    def whole(uri: str) -> str:
        return str(extract((uri or "").replace("/response-streaming-invocations", "/invocations")))

    apigateway_v1._extract_lambda_ref_from_integration_uri = whole


def provide_leading_keys() -> None:
    """Set `dynamodb:LeadingKeys` to the keys of the request's items, which limits a session to the item of its task."""
    known = iam_actions.dynamodb_service_context

    def with_keys(body: bytes) -> dict[str, Any]:
        context = dict(known(body) or {})
        request = json.loads(body or b"{}")
        items = [request[name] for name in ("Key", "Item") if name in request]
        keys = [str(item["id"]["S"]) for item in items if "id" in item]
        return {**context, "dynamodb:leadingkeys": keys} if keys else context

    iam_actions.dynamodb_service_context = with_keys


def support_max_concurrency_path() -> None:
    """Apply the MaxConcurrencyPath of a Map. MiniStack reads MaxConcurrency only, which cannot be a parameter."""
    run = stepfunctions._run_distributed_map

    def limited(state: dict[str, Any], raw_input: Any, effective: Any, *more: Any) -> Any:
        if path := state.get("MaxConcurrencyPath"):
            state = {**state, "MaxConcurrency": stepfunctions._resolve_path_or_ctx(path, effective, more[-1])}
        return run(state, raw_input, effective, *more)

    stepfunctions._run_distributed_map = limited


def support_retry_delays() -> None:
    """Apply MaxDelaySeconds and JitterStrategy of retries. MiniStack doubles the delay up to a minute, without jitter.

    A hundred executions that are refused at the same time would all sleep the same minute, with all environments idle.
    """
    find = stepfunctions._find_matching_retrier

    def with_delay(retriers: list[dict[str, Any]], error: str, counts: dict[int, int]) -> Any:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        # The caller computes the delay as IntervalSeconds * BackoffRate ** retries.
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    stepfunctions._find_matching_retrier = with_delay


def cache_condition_checks() -> None:
    """Check the syntax of a condition once, not for each item that a query reads.

    With hundreds of active tasks, these checks took two fifths of the emulator's time.
    """
    check = functools.lru_cache(maxsize=1024)(dynamodb._condition_syntax_error)
    dynamodb._condition_syntax_error = check


def treat_loopback_as_tls() -> None:
    """Treat requests over loopback as TLS, which the bucket's policy requires. Nobody can intercept loopback."""
    pin = ministack_app.pin_request_origin

    def pinned(address: str, secure: bool) -> Any:
        return pin(address, secure or address == "127.0.0.1")

    ministack_app.pin_request_origin = pinned


def delete_ended_executions() -> None:
    """Delete ended executions and logs of calls after _KEPT_SECONDS. MiniStack keeps them in memory forever.

    Each task leaves about 30 KB. Nothing reads an execution that ended minutes ago: a task that is not final by then is
    started again. Logs are also in files.
    """

    def delete_old() -> None:
        now = time.time()
        before = datetime.fromtimestamp(now - _KEPT_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        executions = stepfunctions._executions._data
        for key, execution in list(executions.items()):
            if (execution.get("stopDate") or before) < before:
                executions.pop(key, None)
        oldest = (now - _KEPT_SECONDS) * 1000
        for group in list(cloudwatch_logs._log_groups._data.values()):
            for name, stream in list(group["streams"].items()):
                if stream["creationTime"] < oldest:
                    del group["streams"][name]

    def run() -> None:
        while True:
            time.sleep(_KEPT_SECONDS / 10)
            try:
                delete_old()
            except Exception:
                _log.warning("could not delete ended executions", exc_info=True)

    threading.Thread(target=run, name="deleting", daemon=True).start()


def replay_journal(journal: Journal) -> None:
    """Apply the journal after the saved state is loaded: the items that were put or deleted after the last save."""
    load = ministack_app._load_persisted_state

    def restored() -> None:
        load()
        for operation, request in journal.read():
            if operation == "DeleteItem":
                dynamodb._delete_item({name: request[name] for name in ("TableName", "Key")})
            else:
                # An item of the saved state is as new or newer.
                item = {name: request[name] for name in ("TableName", "Item")}
                dynamodb._put_item({**item, "ConditionExpression": "attribute_not_exists(id)"})

    ministack_app._load_persisted_state = restored


def record_role_calls(path: Path) -> None:
    """Write each call of a role to `path`, one JSON object a line. Tests of least privilege read it."""
    from ministack.core import iam_evaluator

    enforce = iam_evaluator.enforce

    def recording(access_key: str, action: str, service: str, region: str, *args: Any, **named: Any) -> Any:
        denied = enforce(access_key, action, service, region, *args, **named)
        principal = iam_evaluator.request_caller_arn({"authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/"})
        line = {
            "role": role.group(1) if (role := re.search(r"assumed-role/([^/]+)/", principal)) else principal,
            "action": action,
            "resource": named.get("resource_arn", args[0] if args else ""),
            "allowed": not denied,
        }
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return denied

    iam_evaluator.enforce = recording
