"""Lambda function `notify`: delivers webhooks.

SNS sends the terminal event of a task through SQS. The function posts it to the URL in the task's request. One message
is one webhook. After a failed attempt the message is hidden until the next attempt; after the last attempt SQS moves it
to the dead-letter queue.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.aws.events import SqsQueue
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.objects import S3Objects
from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.aws.tasks import DynamoTasks
from hyperframes_render.functions.support.adapters import settings
from hyperframes_render.functions.support.observability import logger, metrics, traced
from hyperframes_render.functions.support.settings import NotifySettings
from hyperframes_render.tasks.delivery import Delivery

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@lru_cache(maxsize=1)
def _delivery(config: NotifySettings) -> Delivery:
    tasks = DynamoTasks(config.task_table)
    return Delivery(
        tasks=tasks,
        objects=S3Objects(config.bucket),
        store=DynamoExpiringStore(config.task_table),
        vault=KmsSecrets(config.stack_secret_arn, tasks.secret_versions),
        schedule=config.webhook_retry_seconds,
        allow_private=config.webhook_allow_private,
    )


class _NotDelivered(Exception):
    """The message stays in the queue."""


def _deliver(record: SQSRecord) -> None:
    metrics.add_metric(name="WebhookTries", unit=MetricUnit.Count, value=1)
    config = settings(NotifySettings)
    attempt = int(record.attributes.approximate_receive_count)
    outcome = _delivery(config).deliver(record.json_body, attempt)
    metrics.add_metric(name=f"Webhook{outcome.kind.capitalize()}", unit=MetricUnit.Count, value=1)
    if outcome.retry_in is None:
        return
    SqsQueue(config.webhook_queue_url).postpone(record.receipt_handle, outcome.retry_in)
    raise _NotDelivered(outcome.kind)


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Try each webhook once; those that were not delivered stay in the queue."""
    return process_partial_response(event=event, record_handler=_deliver, processor=_processor, context=context)
