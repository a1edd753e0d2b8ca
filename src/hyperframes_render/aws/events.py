"""SNS as an EventTopic, and the one thing that a reader of SQS does to a message: put off its next try."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hyperframes_render.aws.client import calling, client

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

#: SNS takes 256 KiB in all; the rest is for attributes.
_MAX_BODY = 250_000


class SnsTopic:
    """One topic of SNS."""

    def __init__(self, topic_arn: str, sns: SNSClient | None = None) -> None:
        self._topic_arn = topic_arn
        self._sns: SNSClient = sns or client("sns")

    def publish(self, event: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        """See EventTopic."""
        body = _body(event)
        with calling("Publishing an event"):
            self._sns.publish(
                TopicArn=self._topic_arn,
                Message=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
                },
            )


def _body(event: Mapping[str, Any]) -> str:
    """The event as text that SNS takes. One that is too large has less in it, and says what was left out."""
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
    """One queue of SQS, as its reader sees it."""

    def __init__(self, queue_url: str, sqs: SQSClient | None = None) -> None:
        self._queue_url = queue_url
        self._sqs: SQSClient = sqs or client("sqs")

    def postpone(self, receipt: str, seconds: int) -> None:
        """Show the message again in `seconds` (0 to 43,200)."""
        with calling("Putting off a message"):
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
