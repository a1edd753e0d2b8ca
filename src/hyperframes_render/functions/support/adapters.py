"""AWS adapters for each kind of function. Created once per execution environment and reused by its calls."""

from __future__ import annotations

from functools import cache, lru_cache

from hyperframes_render.api.streams import StreamPolicy, StreamService
from hyperframes_render.aws.account import unreserved_concurrency
from hyperframes_render.aws.events import SnsTopic
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.objects import S3Objects
from hyperframes_render.aws.tasks import DynamoKeys, DynamoTasks
from hyperframes_render.aws.workflow import StateMachine
from hyperframes_render.functions.support.settings import (
    FinishingSettings,
    Kind,
    Settings,
    SubmissionSettings,
    read_settings,
)
from hyperframes_render.tasks.finish import Finisher
from hyperframes_render.tasks.keys import KeyChecker
from hyperframes_render.tasks.service import Policy, TaskService


@cache
def settings(kind: type[Kind]) -> Kind:
    """The function's settings, read once. Raises SetupIncomplete."""
    return read_settings(kind)


@cache
def account_concurrency() -> int:
    """The number of functions that the account may run at once, read once. Raises ServiceFailed."""
    return unreserved_concurrency()


@cache
def key_checker(table: str) -> KeyChecker:
    """The checker of API keys, for functions that callers reach. It caches keys for CACHE_SECONDS."""
    return KeyChecker(DynamoKeys(table))


@lru_cache(maxsize=1)
def task_service(config: SubmissionSettings) -> TaskService:
    """The service that accepts tasks, for `api` and `drop`."""
    return TaskService(
        tasks=DynamoTasks(config.task_table),
        objects=S3Objects(config.bucket),
        topic=SnsTopic(config.events_topic_arn),
        workflow=StateMachine(config.state_machine_arn),
        policy=Policy(
            config.network_ceiling,
            config.webhook_allow_private,
            config.result_days,
            config.attention_seconds,
            config.upload_days,
        ),
        store=DynamoExpiringStore(config.task_table),
    )


@lru_cache(maxsize=1)
def finisher(config: FinishingSettings) -> Finisher:
    """The service that ends tasks, for `record` and `sweep`."""
    return Finisher(
        tasks=DynamoTasks(config.task_table),
        objects=S3Objects(config.bucket),
        topic=SnsTopic(config.events_topic_arn),
        store=DynamoExpiringStore(config.task_table),
        result_days=config.result_days,
        longest_function=config.longest_function_seconds,
        attention_seconds=config.attention_seconds,
    )


@lru_cache(maxsize=1)
def stream_service(config: Settings, policy: StreamPolicy) -> StreamService:
    """The service behind the stream route."""
    return StreamService(
        DynamoTasks(config.task_table), S3Objects(config.bucket), DynamoExpiringStore(config.task_table), policy
    )
