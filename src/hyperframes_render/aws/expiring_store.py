"""Counters, notes and leases in the table of tasks, each item with a time to live."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hyperframes_render.aws.client import calling, client, code_of, unless_refused
from hyperframes_render.tasks.timestamps import DAY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: A set of leases that nobody touched for so long is removed.
_LEASES_SECONDS = 7 * DAY


class DynamoExpiringStore:
    """An ExpiringStore in a table of DynamoDB."""

    def __init__(self, table: str, dynamodb: DynamoDBClient | None = None) -> None:
        self._table = table
        self._db: DynamoDBClient = dynamodb or client("dynamodb")

    def increment(self, name: str, amount: int, seconds: int) -> int:
        """See ExpiringStore."""
        with calling("Counting"):
            answer = self._db.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="ADD amount :amount SET expires_at = :end",
                ExpressionAttributeValues={":amount": {"N": str(amount)}, ":end": _in(seconds)},
                ReturnValues="ALL_NEW",
            )
        return int(answer["Attributes"]["amount"]["N"])

    def counter(self, name: str) -> int:
        """See ExpiringStore."""
        return int(self._item(name).get("amount", {}).get("N", "0"))

    def put_if_absent(self, name: str, values: Mapping[str, str], seconds: int) -> dict[str, str] | None:
        """See ExpiringStore."""
        with calling("Writing a note"):
            answer = unless_refused(
                self._db.put_item,
                TableName=self._table,
                Item=_note(name, values, seconds),
                # The service removes what is over within days, not at once.
                ConditionExpression="attribute_not_exists(id) OR expires_at < :now",
                ExpressionAttributeValues={":now": _in(0)},
            )
        return (self.get(name) or {}) if answer is None else None

    def put(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        """See ExpiringStore."""
        with calling("Writing a note"):
            self._db.put_item(TableName=self._table, Item=_note(name, values, seconds))

    def get(self, name: str) -> dict[str, str] | None:
        """See ExpiringStore."""
        item = self._item(name)
        if not item or int(item["expires_at"]["N"]) < time.time():
            return None
        return {field: value["S"] for field, value in item.get("note", {}).get("M", {}).items()}

    def delete(self, name: str) -> None:
        """See ExpiringStore."""
        with calling("Forgetting a note"):
            self._db.delete_item(TableName=self._table, Key=_key(name))

    def take_lease(self, name: str, holder: str, limit: int, until: int) -> bool:
        """See ExpiringStore. Holders whose time is over make room."""
        for _ in range(3):
            if self._hold(name, holder, limit, until):
                return True
            holders = self.lease_holders(name)
            if holders:
                over = [other for other, end in holders.items() if end <= time.time()]
                if not over and len(holders) >= limit and holder not in holders:
                    return False
                self.release_lease(name, *over)
            else:
                self._begin(name)
        return False

    def lease_holders(self, name: str) -> dict[str, int]:
        """See ExpiringStore."""
        return {holder: int(end["N"]) for holder, end in self._item(name).get("leases", {}).get("M", {}).items()}

    def release_lease(self, name: str, *holders: str) -> None:
        """See ExpiringStore."""
        if not holders:
            return
        names = {f"#h{number}": holder for number, holder in enumerate(holders[:100])}
        with calling("Ending a lease"):
            unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="REMOVE " + ", ".join(f"leases.{placeholder}" for placeholder in names),
                ConditionExpression="attribute_exists(leases)",
                ExpressionAttributeNames=names,
            )

    def _hold(self, name: str, holder: str, limit: int, until: int) -> bool:
        with calling("Taking a lease"):
            try:
                answer = unless_refused(
                    self._db.update_item,
                    TableName=self._table,
                    Key=_key(name),
                    UpdateExpression="SET leases.#holder = :until, expires_at = :end",
                    ConditionExpression="attribute_exists(leases) AND "
                    "(size(leases) < :limit OR attribute_exists(leases.#holder))",
                    ExpressionAttributeNames={"#holder": holder},
                    ExpressionAttributeValues={
                        ":until": {"N": str(until)},
                        ":limit": {"N": str(limit)},
                        ":end": _in(_LEASES_SECONDS),
                    },
                )
            except ClientError as error:
                # A path into a map that is not there yet is an invalid one.
                if code_of(error) != "ValidationException":
                    raise
                return False
        return answer is not None

    def _begin(self, name: str) -> None:
        with calling("Beginning leases"):
            unless_refused(
                self._db.update_item,
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET leases = :none, expires_at = :end",
                ConditionExpression="attribute_not_exists(leases)",
                ExpressionAttributeValues={":none": {"M": {}}, ":end": _in(_LEASES_SECONDS)},
            )

    def _item(self, name: str) -> dict[str, Any]:
        with calling("Reading a note"):
            answer = self._db.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        return dict(answer.get("Item", {}))


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def _note(name: str, values: Mapping[str, str], seconds: int) -> dict[str, Any]:
    note = {"M": {field: {"S": value} for field, value in values.items()}}
    return {**_key(name), "expires_at": _in(seconds), "note": note}


def _in(seconds: int) -> Any:
    return {"N": str(int(time.time()) + seconds)}
