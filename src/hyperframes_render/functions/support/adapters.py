"""The cloud's adapters for each kind of function, made once for an environment and kept between its calls."""

from __future__ import annotations

from functools import cache, lru_cache

from hyperframes_render.api.streams import StreamPolicy, StreamService
from hyperframes_render.aws.account import unreserved_concurrency
from hyperframes_render.aws.events import SnsTopic
from hyperframes_render.aws.expiring_store import DynamoLedger
from hyperframes_render.aws.objects import S3Objects
from hyperframes_render.aws.tasks import DynamoTasks
from hyperframes_render.aws.workflow import StateMachine
from hyperframes_render.functions.support.settings import Accepting, Finishing, Kind, Settings, read_settings
from hyperframes_render.tasks.finish import Finisher
from hyperframes_render.tasks.service import Policy, TaskService


@cache
def settings(kind: type[Kind]) -> Kind:
    """The function's settings, read once."""
    return read_settings(kind)


@cache
def account_concurrency() -> int:
    """Functions that the account may run at once, read once. Raises ServiceFailed."""
    return unreserved_concurrency()


@lru_cache(maxsize=1)
def task_service(given: Accepting) -> TaskService:
    """For functions that accept tasks."""
    return TaskService(
        tasks=DynamoTasks(given.task_table),
        objects=S3Objects(given.bucket),
        topic=SnsTopic(given.events_topic_arn),
        workflow=StateMachine(given.state_machine_arn),
        policy=Policy(
            given.network_ceiling,
            given.webhook_allow_private,
            given.result_days,
            given.attention_seconds,
            given.upload_days,
        ),
        ledger=DynamoLedger(given.task_table),
    )


@lru_cache(maxsize=1)
def finisher(given: Finishing) -> Finisher:
    """For functions that end tasks."""
    return Finisher(
        tasks=DynamoTasks(given.task_table),
        objects=S3Objects(given.bucket),
        topic=SnsTopic(given.events_topic_arn),
        ledger=DynamoLedger(given.task_table),
        result_days=given.result_days,
        longest_function=given.longest_function_seconds,
        attention_seconds=given.attention_seconds,
    )


@lru_cache(maxsize=1)
def stream_service(given: Settings, policy: StreamPolicy) -> StreamService:
    """For whatever answers the stream route."""
    return StreamService(DynamoTasks(given.task_table), S3Objects(given.bucket), DynamoLedger(given.task_table), policy)
