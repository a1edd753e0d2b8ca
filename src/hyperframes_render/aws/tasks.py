"""DynamoDB as a TaskTable and a KeyTable: one table for tasks, keys and the names of dropped files.

A change is conditional on the item's `version`, which every change of state raises; counting frames and cost leaves
it alone, so that hundreds of chunks never stand in the way of a change of state.
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

from hyperframes_render.aws.client import calling, client, unless_refused
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
#: The name of a dropped file is remembered as long as anything may still be rendered under it.
_NAME_SECONDS = 7 * DAY
#: Kept as JSON text: what callers give may hold numbers that DynamoDB's are not wide enough for.
_AS_JSON = frozenset({"input", "metadata", "output", "error", "failure", "warnings"})
_CURSOR = re.compile(r"^([0-9TZ:.-]{20,30}) ([0-9a-f]{8,64})$")
_to_item, _from_item = TypeSerializer().serialize, TypeDeserializer().deserialize


class DynamoTasks:
    """Tasks in a table of DynamoDB."""

    def __init__(self, table: str, dynamodb: DynamoDBClient | None = None) -> None:
        self._table = table
        self._db: DynamoDBClient = dynamodb or client("dynamodb")

    def create(self, task: Task) -> bool:
        """See TaskTable."""
        with calling("Writing a new task"):
            answer = unless_refused(
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
        return answer is not None

    def get(self, task_id: str) -> Task | None:
        """See TaskTable."""
        with calling("Reading a task"):
            answer = self._db.get_item(TableName=self._table, Key={"id": {"S": task_id}}, ConsistentRead=True)
        item = answer.get("Item")
        return _task(item) if item and "status" in item else None

    def delete(self, task_id: str) -> None:
        """See TaskTable."""
        with calling("Deleting a task"):
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
            with calling("Listing tasks"):
                answer = self._db.query(**query)
                ids = [item["id"]["S"] for item in answer["Items"]]
                items = self._items(ids)
            # What was deleted since the index was written is left out.
            tasks = [task for one in ids if (task := _own(items.get(one, {}), owner)) is not None]
            if "LastEvaluatedKey" not in answer:
                return TaskPage(tasks, None)
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return TaskPage(tasks, _write_cursor(tasks[-1].created_at, tasks[-1].id))

    def _items(self, ids: list[str]) -> dict[str, Any]:
        """Whole items by id; the service may give them in pieces."""
        found: dict[str, Any] = {}
        wanted: Any = {self._table: {"Keys": [{"id": {"S": one}} for one in ids]}} if ids else {}
        while wanted:
            answer = self._db.batch_get_item(RequestItems=wanted)
            found |= {item["id"]["S"]: item for item in answer["Responses"].get(self._table, [])}
            wanted = answer.get("UnprocessedKeys", {})
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
        with calling("Changing a task"):
            answer = unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task.id}},
                UpdateExpression=expression,
                ConditionExpression="#version = :old",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_pack(values),
                ReturnValues="ALL_NEW",
            )
        return None if answer is None else _task(answer["Attributes"])

    def add_frames(self, task_id: str, frames: int) -> TaskStatus:
        """See TaskTable."""
        with calling("Counting frames"):
            answer = unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="ADD frames_done :frames SET updated_at = :now",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues={":frames": {"N": str(frames)}, ":now": {"S": moment()}},
                ReturnValues="ALL_NEW",
            )
        if answer is None:
            raise NotFound(f"There is no task {task_id}.", "It may have been deleted.")
        return _task(answer["Attributes"]).status

    def add_spent(self, task_id: str, counters: Mapping[str, int]) -> None:
        """See TaskTable."""
        names = {f"#n{number}": f"{_SPENT}{name}" for number, name in enumerate(counters)}
        with calling("Counting cost"):
            unless_refused(
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
        with calling("Noting a failure"):
            unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="SET failure = :failure",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeValues=_pack({":failure": _text("failure", failure)}),
            )

    def due(self, kind: Attention, moment: str, limit: int) -> list[str]:
        """See TaskTable."""
        with calling("Looking for tasks that need attention"):
            answer = self._db.query(
                TableName=self._table,
                IndexName=BY_ATTENTION,
                KeyConditionExpression="attention = :kind AND attention_at <= :moment",
                ExpressionAttributeValues={":kind": {"S": kind}, ":moment": {"S": moment}},
                Limit=limit,
            )
        return [str(_from_item(item["id"])) for item in answer["Items"]]

    def postpone(self, task_id: str, until: str) -> None:
        """See TaskTable. The version stays: nobody's change of the task is in the way, and this is in nobody's."""
        with calling("Putting off a task"):
            unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": task_id}},
                UpdateExpression="SET attention_at = :until",
                ConditionExpression="attribute_exists(attention)",
                ExpressionAttributeValues={":until": {"S": until}},
            )

    def claim_name(self, drop_key: str, task_id: str, order: str) -> tuple[bool, str | None]:
        """See TaskTable."""
        with calling("Noting a dropped file"):
            answer = unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key={"id": {"S": name_id(drop_key)}},
                UpdateExpression="SET task_id = :task, #order = :order, expires_at = :end",
                ConditionExpression="attribute_not_exists(id) OR #order < :order OR task_id = :task",
                ExpressionAttributeNames={"#order": "order"},
                ExpressionAttributeValues=_pack(
                    {":task": task_id, ":order": order, ":end": int(time.time()) + _NAME_SECONDS}
                ),
                ReturnValues="ALL_OLD",
            )
        if answer is None:
            return False, None
        before = answer.get("Attributes", {}).get("task_id", {}).get("S")
        return True, None if before == task_id else before

    def holds_name(self, drop_key: str, task_id: str) -> bool:
        """See TaskTable."""
        with calling("Reading a dropped file's note"):
            answer = self._db.get_item(TableName=self._table, Key={"id": {"S": name_id(drop_key)}}, ConsistentRead=True)
        holder = answer.get("Item", {}).get("task_id", {}).get("S")
        return holder is None or holder == task_id

    def secret_versions(self, owner: str) -> list[int]:
        """The versions of the owner's webhook secret that are in force, the newest first."""
        with calling("Reading a webhook secret's version"):
            answer = self._db.get_item(TableName=self._table, Key={"id": {"S": f"secret#{owner}"}})
        values = _unpack(answer.get("Item", {}))
        newest = int(values.get("secret_version", 1))
        before = newest > 1 and values.get("previous_until", 0) > time.time()
        return [newest, newest - 1] if before else [newest]

    def rotate_secret(self, owner: str, overlap: int) -> int:
        """Begin a new version of the owner's webhook secret; the one before stays in force for `overlap` seconds."""
        newest = self.secret_versions(owner)[0] + 1
        with calling("Writing a webhook secret's version"):
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
        with calling("Reading a key"):
            answer = self._db.get_item(TableName=self._table, Key={"id": {"S": _key_id(key_hash)}})
        if not (item := answer.get("Item")):
            return None
        values = _unpack(item)
        return _key_record(values)

    def all(self) -> list[KeyRecord]:
        """Every key, the oldest first: for its administrator, who may read the whole table."""
        with calling("Listing keys"):
            pages = self._db.get_paginator("scan").paginate(
                TableName=self._table,
                FilterExpression="begins_with(id, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": _key_id("")}},
            )
            items = [_unpack(item) for page in pages for item in page["Items"]]
        return sorted(map(_key_record, items), key=lambda record: record.created_at)

    def put(self, record: KeyRecord) -> None:
        """Store a key, or store it anew. Its attributes have names of their own: the tasks' index must not list it."""
        with calling("Writing a key"):
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
        raise InvalidOption("cursor: it is none that was answered.", "Give next_cursor of the page before.")
    return found[1], found[2]


def _key_id(key_hash: str) -> str:
    return f"key#{key_hash}"


def name_id(drop_key: str) -> str:
    return f"drop#{hashlib.sha256(drop_key.encode()).hexdigest()}"


def _task(item: Mapping[str, Any]) -> Task:
    values = _unpack(item)
    for name in _AS_JSON & values.keys():
        values[name] = json.loads(values[name])
    values["spent"] = {name.removeprefix(_SPENT): value for name, value in values.items() if name.startswith(_SPENT)}
    return Task.model_validate(values)


def _own(item: Mapping[str, Any], owner: str) -> Task | None:
    """The task of the item, if it is `owner`'s: a renderer that was taken over can put its task under another's name,
    and make nonsense of it.
    """
    try:
        task = _task(item) if "status" in item else None
    except (ValueError, TypeError, RecursionError) as unreadable:
        _LOG.warning("a task cannot be read and is not listed: %s", unreadable)
        return None
    return task if task is not None and belongs(task, owner) else None


def _text(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_JSON else value


def _pack(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_item(value.value if isinstance(value, Enum) else value) for name, value in values.items()}


def _unpack(item: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of these items are whole: counts, moments, versions."""
    values = {name: _from_item(value) for name, value in item.items()}
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()}
