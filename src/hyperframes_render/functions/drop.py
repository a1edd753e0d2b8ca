"""Lambda function `drop`: starts a task for each file in inbox/.

S3 reports files through EventBridge and SQS, some seconds later and at least once.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.functions.support.adapters import settings, task_service
from hyperframes_render.functions.support.observability import logger, metrics, traced
from hyperframes_render.functions.support.settings import DropSettings
from hyperframes_render.tasks.drop_folder import DropFolder, Dropped

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _take(record: SQSRecord) -> None:
    """Handle one message. An unreadable message raises, is retried and ends in the dead-letter queue."""
    metrics.add_metric(name="DropReports", unit=MetricUnit.Count, value=1)
    done = DropFolder(task_service(settings(DropSettings))).process(read_dropped(record.json_body))
    logger.info("dropped file %s", done)
    metrics.add_metric(name=f"Drop{done.capitalize()}", unit=MetricUnit.Count, value=1)


def read_dropped(event: dict[str, Any]) -> Dropped:
    """The dropped file that an EventBridge event reports.

    EventBridge sends keys as they are; S3's direct notifications encode them. Powertools' class for these events
    decodes keys anyway, which breaks a key with a plus sign, and is therefore not used.
    """
    object_ = event["detail"]["object"]
    # Compared as text: hexadecimal numbers that grow for one key and differ in length.
    order = str(object_.get("sequencer") or event.get("time", "")).rjust(32, "0")
    return Dropped(
        key=str(object_["key"]), etag=str(object_["etag"]).strip('"'), size=int(object_["size"]), order=order
    )


@logger.inject_lambda_context(clear_state=True)
@traced
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle each message. Returns the messages that failed, which SQS delivers again."""
    return process_partial_response(event=event, record_handler=_take, processor=_processor, context=context)
