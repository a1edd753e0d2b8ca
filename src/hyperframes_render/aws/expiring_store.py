"""Counters, records and leases in the task table. Each item has a time to live."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hyperframes_render.aws.client import client, code_of, conditional_write, service_errors
from hyperframes_render.tasks.timestamps import DAY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Seconds after the last change of a lease set at which the set expires.
_LEASES_SECONDS = 7 * DAY


class DynamoExpiringStore:
    """An ExpiringStore in a DynamoDB table."""

    def __init__(self, table: str, dynamodb: DynamoDBClient | None = None) -> None:
        self._table = table
        self._db: DynamoDBClient = dynamodb or client("dynamodb")

    def increment(self, name: str, amount: int, seconds: int) -> int:
        """See ExpiringStore."""
        with service_errors("Incrementing a counter"):
            response = self._db.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="ADD amount :amount SET expires_at = :end",
                ExpressionAttributeValues={":amount": {"N": str(amount)}, ":end": _from_now(seconds)},
                ReturnValues="ALL_NEW",
            )
        return int(response["Attributes"]["amount"]["N"])

    def counter(self, name: str) -> int:
        """See ExpiringStore."""
        return int(self._item(name).get("amount", {}).get("N", "0"))

    def put_if_absent(self, name: str, values: Mapping[str, str], seconds: int) -> dict[str, str] | None:
        """See ExpiringStore."""
        with service_errors("Writing a record"):
            response = conditional_write(
                self._db.put_item,
                TableName=self._table,
                Item=_record(name, values, seconds),
                # DynamoDB removes expired items within days, not at once.
                ConditionExpression="attribute_not_exists(id) OR expires_at < :now",
                ExpressionAttributeValues={":now": _from_now(0)},
            )
        return (self.get(name) or {}) if response is None else None

    def put(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        """See ExpiringStore."""
        with service_errors("Writing a record"):
            self._db.put_item(TableName=self._table, Item=_record(name, values, seconds))

    def get(self, name: str) -> dict[str, str] | None:
        """See ExpiringStore."""
        item = self._item(name)
        if not item or int(item["expires_at"]["N"]) < time.time():
            return None
        return {field: value["S"] for field, value in item.get("note", {}).get("M", {}).items()}

    def delete(self, name: str) -> None:
        """See ExpiringStore."""
        with service_errors("Deleting a record"):
            self._db.delete_item(TableName=self._table, Key=_key(name))

    def take_lease(self, name: str, holder: str, limit: int, until: int) -> bool:
        """See ExpiringStore. Expired leases are released first."""
        for _ in range(3):
            if self._try_lease(name, holder, limit, until):
                return True
            holders = self.lease_holders(name)
            if holders:
                expired = [other for other, end in holders.items() if end <= time.time()]
                if not expired and len(holders) >= limit and holder not in holders:
                    return False
                self.release_lease(name, *expired)
            else:
                self._create_lease_set(name)
        return False

    def lease_holders(self, name: str) -> dict[str, int]:
        """See ExpiringStore."""
        return {holder: int(end["N"]) for holder, end in self._item(name).get("leases", {}).get("M", {}).items()}

    def release_lease(self, name: str, *holders: str) -> None:
        """See ExpiringStore."""
        if not holders:
            return
        names = {f"#h{number}": holder for number, holder in enumerate(holders[:100])}
        with service_errors("Releasing a lease"):
            conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="REMOVE " + ", ".join(f"leases.{placeholder}" for placeholder in names),
                ConditionExpression="attribute_exists(leases)",
                ExpressionAttributeNames=names,
            )

    def _try_lease(self, name: str, holder: str, limit: int, until: int) -> bool:
        with service_errors("Taking a lease"):
            try:
                response = conditional_write(
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
                        ":end": _from_now(_LEASES_SECONDS),
                    },
                )
            except ClientError as error:
                # The lease map does not exist yet: DynamoDB rejects a path into a missing map.
                if code_of(error) != "ValidationException":
                    raise
                return False
        return response is not None

    def _create_lease_set(self, name: str) -> None:
        with service_errors("Creating a lease set"):
            conditional_write(
                self._db.update_item,
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET leases = :none, expires_at = :end",
                ConditionExpression="attribute_not_exists(leases)",
                ExpressionAttributeValues={":none": {"M": {}}, ":end": _from_now(_LEASES_SECONDS)},
            )

    def _item(self, name: str) -> dict[str, Any]:
        with service_errors("Reading a record"):
            response = self._db.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        return dict(response.get("Item", {}))


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": name}}


def _record(name: str, values: Mapping[str, str], seconds: int) -> dict[str, Any]:
    values_map = {"M": {field: {"S": value} for field, value in values.items()}}
    return {**_key(name), "expires_at": _from_now(seconds), "note": values_map}


def _from_now(seconds: int) -> Any:
    return {"N": str(int(time.time()) + seconds)}
