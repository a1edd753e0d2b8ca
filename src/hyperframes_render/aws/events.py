"""SNS as an EventTopic, and delayed retries of SQS messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hyperframes_render.aws.client import client, service_errors

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

#: Bytes. SNS accepts 256 KiB for body and attributes together; the rest is left for attributes.
_MAX_BODY = 250_000


class SnsTopic:
    """One SNS topic."""

    def __init__(self, topic_arn: str, sns: SNSClient | None = None) -> None:
        self._topic_arn = topic_arn
        self._sns: SNSClient = sns or client("sns")

    def publish(self, event: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """See EventTopic."""
        body = _body(event)
        with service_errors("Publishing an event"):
            self._sns.publish(
                TopicArn=self._topic_arn,
                Message=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
                },
            )


def _body(event: Mapping[str, Any]) -> str:
    """The event as JSON text of at most _MAX_BODY bytes.

    A larger event loses its large fields; `left_out` lists the fields that were removed.
    """
    body = json.dumps(event, ensure_ascii=False)
    if len(body.encode()) > _MAX_BODY:
        output = {name: value for name, value in (event.get("output") or {}).items() if name != "warnings"}
        left_out = {"metadata": None, "output": output or None, "left_out": ["metadata", "output.warnings"]}
        body = json.dumps({**event, **left_out}, ensure_ascii=False)
    if len(body.encode()) > _MAX_BODY:
        left_out = {"metadata": None, "output": None, "error": None, "left_out": ["metadata", "output", "error"]}
        body = json.dumps({**event, **left_out}, ensure_ascii=False)
    return body


class SqsQueue:
    """One SQS queue, for its consumer."""

    def __init__(self, queue_url: str, sqs: SQSClient | None = None) -> None:
        self._queue_url = queue_url
        self._sqs: SQSClient = sqs or client("sqs")

    def postpone(self, receipt: str, seconds: int) -> None:
        """Hide the message for `seconds` (0 to 43,200), then deliver it again. Raises ServiceFailed."""
        with service_errors("Postponing a message"):
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
