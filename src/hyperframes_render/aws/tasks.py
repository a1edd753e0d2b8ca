"""DynamoDB as a TaskTable and a KeyTable: one table for tasks, keys and the names of dropped files.

A change of state is conditional on the item's `version` and increments it. Counting frames and cost does not change
`version`, so that hundreds of chunks never conflict with a change of state.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from hyperframes_render.aws.client import client, conditional_write, service_errors
from hyperframes_render.errors import InvalidOption, NotFound
from hyperframes_render.tasks.ids import belongs
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import Attention, KeyLimits, KeyRecord, Scope, TaskPage
from hyperframes_render.tasks.timestamps import DAY, moment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)
BY_ATTENTION, BY_OWNER = "by_attention", "by_owner"
_SPENT = "spent_"
#: Seconds that the name of a dropped file is kept: longer than any of its tasks can run.
_NAME_SECONDS = 7 * DAY
#: Stored as JSON text: callers' values may hold numbers beyond the range or precision of DynamoDB.
_AS_JSON = frozenset({"input", "metadata", "output", "error", "failure", "warnings"})
_CURSOR = re.compile(r"^([0-9TZ:.-]{20,30}) ([0-9a-f]{8,64})$")
_to_item, _from_item = TypeSerializer().serialize, TypeDeserializer().deserialize


class DynamoTasks:
    """Tasks in a DynamoDB table."""

    def __init__(self, table: str, dynamodb: DynamoDBClient | None = None) -> None:
        self._table = table
        self._db: DynamoDBClient = dynamodb or client("dynamodb")

    def create(self, task: Task) -> bool:
        """See TaskTable."""
        with service_errors("Writing a new task"):
            response = conditional_write(
                self._db.put_item,
                TableName=self._table,
                Item=_pack(
                    {
                        name: _text(name, value)
                        for name, value in task.model_dump(exclude={"spent"}, exclude_none=True).items()
                    }
                ),
                ConditionExpression="attribute_not_exists(id)",
            )
        return response is not None

    def get(self, task_id: str) -> Task | None:
        """See TaskTable."""
        with service_errors("Reading a task"):
            response = self._db.get_item(TableName=self._table, Key={"id": {"S": task_id}}, ConsistentRead=True)
        item = response.get("Item")
        return _task(item) if item and "status" in item else None

    def delete(self, task_id: str) -> None:
        """See TaskTable."""
        with service_errors("Deleting a task"):
            self._db.delete_item(TableName=self._table, Key={"id": {"S": task_id}})

    def page(self, owner: str, limit: int, cursor: str | None) -> TaskPage:
        """See TaskTable."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": BY_OWNER,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": owner}},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor is not None:
            created_at, task_id = _read_cursor(cursor)
            query["ExclusiveStartKey"] = _pack({"owner": owner, "created_at": created_at, "id": task_id})
        tasks: list[Task] = []
        while not tasks:
            with service_errors("Listing tasks"):
                response = self._db.query(**query)
                ids = [item["id"]["S"] for item in response["Items"]]
                items = self._items(ids)
            # The index lags: tasks that were deleted since are skipped.
            tasks = [task for one in ids if (task := _owned_task(items.get(one, {}), owner)) is not None]
            if "LastEvaluatedKey" not in response:
                return TaskPage(tasks, None)
            query["ExclusiveStartKey"] = response["LastEvaluatedKey"]
        return TaskPage(tasks, _write_cursor(tasks[-1].created_at, tasks[-1].id))

    def _items(self, ids: list[str]) -> dict[str, Any]:
        """Complete items by id. DynamoDB may return them in several responses."""
        found: dict[str, Any] = {}
        wanted: Any = {self._table: {"Keys": [{"id": {"S": one}} for one in ids]}} if ids else {}
        while wanted:
            response = self._db.batch_get_item(RequestItems=wanted)
            found |= {item["id"]["S"]: item for item in response["Responses"].get(self._table, [])}
            wanted = response.get("UnprocessedKeys", {})
        return found

    def update_if_unchanged(self, task: Task, changes: Mapping[str, Any]) -> Task | None:
        """See TaskTable."""
        names, values = {"#version": "version"}, {":old": task.version, ":new": task.version + 1}
        sets, removes = ["#version = :new"], []
        for number, (name, value) in enumerate(changes.items()):
            names[f"#n{number}"] = name
            if value is None:
                removes.append(f"#n{number}")
            else:
                values[f":v{number}"] = _text(name, value)
                sets.append(f"#n{number} = :v{number}")
        expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
        with service_errors("Changing a task"):
            response = conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task.id}},
                UpdateExpression=expression,
                ConditionExpression="#version = :old",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_pack(values),
                ReturnValues="ALL_NEW",
            )
        return None if response is None else _task(response["Attributes"])

    def add_frames(self, task_id: str, frames: int) -> TaskStatus:
        """See TaskTable."""
        with service_errors("Counting frames"):
            response = conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="ADD frames_done :frames SET updated_at = :now",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues={":frames": {"N": str(frames)}, ":now": {"S": moment()}},
                ReturnValues="ALL_NEW",
            )
        if response is None:
            raise NotFound(f"There is no task {task_id}.", "It may have been deleted.")
        return _task(response["Attributes"]).status

    def add_spent(self, task_id: str, counters: Mapping[str, int]) -> None:
        """See TaskTable."""
        names = {f"#n{number}": f"{_SPENT}{name}" for number, name in enumerate(counters)}
        with service_errors("Counting cost"):
            conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="ADD " + ", ".join(f"{name} :v{name[2:]}" for name in names),
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    f":v{number}": {"N": str(value)} for number, value in enumerate(counters.values())
                },
            )

    def record_failure(self, task_id: str, failure: Mapping[str, Any]) -> None:
        """See TaskTable."""
        with service_errors("Recording a failure"):
            conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="SET failure = :failure",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues=_pack({":failure": _text("failure", failure)}),
            )

    def due(self, kind: Attention, moment: str, limit: int) -> list[str]:
        """See TaskTable."""
        with service_errors("Looking for tasks that need attention"):
            response = self._db.query(
                TableName=self._table,
                IndexName=BY_ATTENTION,
                KeyConditionExpression="attention = :kind AND attention_at <= :moment",
                ExpressionAttributeValues={":kind": {"S": kind}, ":moment": {"S": moment}},
                Limit=limit,
            )
        return [str(_from_item(item["id"])) for item in response["Items"]]

    def postpone(self, task_id: str, until: str) -> None:
        """See TaskTable. Does not change the version, so that it never conflicts with a change of the task."""
        with service_errors("Postponing a task"):
            conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="SET attention_at = :until",
                ConditionExpression="attribute_exists(attention)",
                ExpressionAttributeValues={":until": {"S": until}},
            )

    def claim_name(self, drop_key: str, task_id: str, order: str) -> tuple[bool, str | None]:
        """See TaskTable."""
        with service_errors("Recording a dropped file"):
            response = conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": dropped_name_id(drop_key)}},
                UpdateExpression="SET task_id = :task, #order = :order, expires_at = :end",
                ConditionExpression="attribute_not_exists(id) OR #order < :order OR task_id = :task",
                ExpressionAttributeNames={"#order": "order"},
                ExpressionAttributeValues=_pack(
                    {":task": task_id, ":order": order, ":end": int(time.time()) + _NAME_SECONDS}
                ),
                ReturnValues="ALL_OLD",
            )
        if response is None:
            return False, None
        before = response.get("Attributes", {}).get("task_id", {}).get("S")
        return True, None if before == task_id else before

    def holds_name(self, drop_key: str, task_id: str) -> bool:
        """See TaskTable."""
        with service_errors("Reading a dropped file's record"):
            response = self._db.get_item(
                TableName=self._table, Key={"id": {"S": dropped_name_id(drop_key)}}, ConsistentRead=True
            )
        holder = response.get("Item", {}).get("task_id", {}).get("S")
        return holder is None or holder == task_id

    def secret_versions(self, owner: str) -> list[int]:
        """The valid versions of the owner's webhook secret, newest first. Raises ServiceFailed."""
        with service_errors("Reading a webhook secret's version"):
            response = self._db.get_item(TableName=self._table, Key={"id": {"S": f"secret#{owner}"}})
        values = _unpack(response.get("Item", {}))
        newest = int(values.get("secret_version", 1))
        before = newest > 1 and values.get("previous_until", 0) > time.time()
        return [newest, newest - 1] if before else [newest]

    def rotate_secret(self, owner: str, overlap: int) -> int:
        """Start a new version of the owner's webhook secret and return its number.

        The previous version stays valid for `overlap` seconds. Raises ServiceFailed.
        """
        newest = self.secret_versions(owner)[0] + 1
        with service_errors("Writing a webhook secret's version"):
            self._db.put_item(
                TableName=self._table,
                Item=_pack(
                    {
                        "id": f"secret#{owner}",
                        "secret_version": newest,
                        "previous_until": int(time.time()) + overlap,
                    }
                ),
            )
        return newest


class DynamoKeys:
    """API keys in the same table."""

    def __init__(self, table: str, dynamodb: DynamoDBClient | None = None) -> None:
        self._table = table
        self._db: DynamoDBClient = dynamodb or client("dynamodb")

    def get(self, key_hash: str) -> KeyRecord | None:
        """See KeyTable."""
        with service_errors("Reading a key"):
            response = self._db.get_item(TableName=self._table, Key={"id": {"S": _key_id(key_hash)}})
        if not (item := response.get("Item")):
            return None
        values = _unpack(item)
        return _key_record(values)

    def all(self) -> list[KeyRecord]:
        """Every key, oldest first. Needs permission to scan the whole table, which only administrators have."""
        with service_errors("Listing keys"):
            pages = self._db.get_paginator("scan").paginate(
                TableName=self._table,
                FilterExpression="begins_with(id, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": _key_id("")}},
            )
            items = [_unpack(item) for page in pages for item in page["Items"]]
        return sorted(map(_key_record, items), key=lambda record: record.created_at)

    def put(self, record: KeyRecord) -> None:
        """Write or replace a key. Its attributes have other names than a task's, so that the task index omits it."""
        with service_errors("Writing a key"):
            self._db.put_item(
                TableName=self._table,
                Item=_pack(
                    {
                        "id": _key_id(record.hash),
                        "hash": record.hash,
                        "key_owner": record.owner,
                        "prefix": record.prefix,
                        "name": record.name,
                        "key_created_at": record.created_at,
                        "revoked": record.revoked,
                        "scopes": ",".join(record.scopes),
                        "key_expires_at": record.expires_at or "",
                        "limits": json.dumps(asdict(record.limits)),
                    }
                ),
            )


def _key_record(values: Mapping[str, Any]) -> KeyRecord:
    scopes = values.get("scopes")
    return KeyRecord(
        hash=values["hash"],
        owner=values["key_owner"],
        prefix=values["prefix"],
        name=values["name"],
        created_at=values["key_created_at"],
        revoked=bool(values.get("revoked", False)),
        scopes=tuple(Scope) if scopes is None else tuple(Scope(scope) for scope in scopes.split(",") if scope),
        expires_at=values.get("key_expires_at") or None,
        limits=KeyLimits(**json.loads(values.get("limits", "{}"))),
    )


def _write_cursor(created_at: str, task_id: str) -> str:
    return base64.urlsafe_b64encode(f"{created_at} {task_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if not (found := _CURSOR.match(text)):
        raise InvalidOption("cursor: this is not a cursor of this API.", "Use next_cursor of the previous page.")
    return found[1], found[2]


def _key_id(key_hash: str) -> str:
    return f"key#{key_hash}"


def dropped_name_id(drop_key: str) -> str:
    """The id of the item that records which task holds the dropped name `drop_key`."""
    return f"drop#{hashlib.sha256(drop_key.encode()).hexdigest()}"


def _task(item: Mapping[str, Any]) -> Task:
    values = _unpack(item)
    for name in _AS_JSON & values.keys():
        values[name] = json.loads(values[name])
    values["spent"] = {name.removeprefix(_SPENT): value for name, value in values.items() if name.startswith(_SPENT)}
    return Task.model_validate(values)


def _owned_task(item: Mapping[str, Any], owner: str) -> Task | None:
    """The task in `item` if it belongs to `owner`, else None.

    A compromised renderer can write another owner or unreadable values into its task's item.
    """
    try:
        task = _task(item) if "status" in item else None
    except (ValueError, TypeError, RecursionError) as unreadable:
        _LOG.warning("a task is unreadable and is not listed: %s", unreadable)
        return None
    return task if task is not None and belongs(task, owner) else None


def _text(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_JSON else value


def _pack(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_item(value.value if isinstance(value, Enum) else value) for name, value in values.items()}


def _unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of an item. All of its numbers are integers: counts, timestamps, versions."""
    values = {name: _from_item(value) for name, value in item.items()}
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()}
