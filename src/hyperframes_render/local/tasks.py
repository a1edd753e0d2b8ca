"""Queries of the server on the task table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hyperframes_render.aws.tasks import BY_ATTENTION, BY_OWNER
from hyperframes_render.tasks.ids import DROP_OWNER
from hyperframes_render.tasks.model import TaskStatus
from hyperframes_render.tasks.ports import Attention
from hyperframes_render.tasks.timestamps import moment


def make_unfinished_due(dynamodb: Any, table: str) -> int:
    """Make all unfinished tasks of an earlier run due for the next sweep. Returns their number.

    No execution of an earlier run is alive, so there is no reason to wait for one.
    """
    now, count = moment(), 0
    for kind in (Attention.START, Attention.RUN, Attention.ANNOUNCE):
        condition = {"KeyConditionExpression": "attention = :kind", "ExpressionAttributeValues": {":kind": {"S": kind}}}
        for item in _query(dynamodb, TableName=table, IndexName=BY_ATTENTION, **condition):
            dynamodb.update_item(
                TableName=table,
                Key={"id": item["id"]},
                UpdateExpression="SET attention_at = :now",
                ConditionExpression="attention = :kind",
                ExpressionAttributeValues={":now": {"S": now}, ":kind": {"S": kind}},
            )
            count += 1
    return count


def unfinished_drop_keys(dynamodb: Any, table: str) -> set[str]:
    """Object keys of dropped files whose tasks have not ended."""
    query = {
        "KeyConditionExpression": "#owner = :drop",
        "FilterExpression": "#status < :completed",
        "ExpressionAttributeNames": {"#owner": "owner", "#status": "status"},
        "ExpressionAttributeValues": {":drop": {"S": DROP_OWNER}, ":completed": {"N": str(int(TaskStatus.COMPLETED))}},
    }
    keys = set()
    for item in _query(dynamodb, TableName=table, IndexName=BY_OWNER, **query):
        task = dynamodb.get_item(TableName=table, Key={"id": item["id"]}).get("Item", {})
        if "drop_key" in task:
            keys.add(str(task["drop_key"]["S"]))
    return keys


def _query(dynamodb: Any, **query: Any) -> Iterator[Any]:
    for page in dynamodb.get_paginator("query").paginate(**query):
        yield from page["Items"]
