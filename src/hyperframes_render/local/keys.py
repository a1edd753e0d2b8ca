"""Manages the API keys of the stack on this machine, or of a stack in AWS."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.aws.tasks import DynamoKeys, DynamoTasks
from hyperframes_render.errors import InvalidOption, NotFound, SetupIncomplete
from hyperframes_render.local.deploy import STACK_NAME, local_client
from hyperframes_render.tasks.keys import make_record, new_key
from hyperframes_render.tasks.ports import KeyLimits, KeyRecord, Scope
from hyperframes_render.tasks.timestamps import DAY, moment

#: Seconds after a rotation during which webhooks are signed with both secrets.
OVERLAP_SECONDS = DAY
_UNITS = {"h": 3600, "d": DAY, "w": 7 * DAY}


@dataclass(frozen=True)
class NewKey:
    """A new key in plain text, its record, and its webhook secret. The text is not stored."""

    key: str
    record: KeyRecord
    webhook_secret: str


@dataclass(frozen=True)
class KeyRing:
    """The keys of one stack."""

    keys: DynamoKeys
    tasks: DynamoTasks
    secrets: KmsSecrets

    def create(
        self, name: str, scopes: Iterable[str] = (), expires_in: str | None = None, limits: KeyLimits | None = None
    ) -> NewKey:
        """Create and store a key. `expires_in` is a time such as 90d; None means no end. Raises InvalidOption."""
        key = new_key()
        record = make_record(
            key,
            _name(name),
            scopes=tuple(Scope(scope) for scope in scopes) or tuple(Scope),
            expires_at=_end(expires_in),
            limits=limits,
        )
        self.keys.put(record)
        return NewKey(key, record, self.secrets.secrets(record.owner)[0])

    def all(self) -> list[KeyRecord]:
        """All keys, the oldest first."""
        return self.keys.all()

    def revoke(self, which: str) -> KeyRecord:
        """Revoke a key; takes effect within half a minute. Raises NotFound or InvalidOption."""
        record = replace(self.find(which), revoked=True)
        self.keys.put(record)
        return record

    def rotate_webhook_secret(self, which: str) -> tuple[KeyRecord, str]:
        """Create a new webhook secret for a key; webhooks are signed with both for a day. Raises as `revoke`."""
        record = self.find(which)
        version = self.tasks.rotate_secret(record.owner, OVERLAP_SECONDS)
        return record, self.secrets.secret(record.owner, version)

    def find(self, which: str) -> KeyRecord:
        """The key with this id (owner), prefix or name. Raises NotFound, or InvalidOption if several match."""
        found = [record for record in self.all() if which in (record.owner, record.prefix, record.name)]
        if not found:
            raise NotFound(f"There is no key {which[:60]!r}.", "List the keys with `hyperframes-render keys list`.")
        if len(found) > 1:
            raise InvalidOption(
                f"There are {len(found)} keys with the name {which[:60]!r}.", "Use the id of one of them."
            )
        return found[0]


def open_keys(data: Path | None, stack: str = STACK_NAME) -> KeyRing:
    """The keys of the server that uses the folder `data`; if `data` is None, of `stack` in AWS.

    Raises SetupIncomplete if there is no such server or stack.
    """
    if data is None:
        outputs = _outputs(boto3.client("cloudformation"), stack)
        clients = [boto3.client(service) for service in ("dynamodb", "kms")]
    else:
        endpoint = _endpoint(data)
        outputs = _outputs(local_client("cloudformation", endpoint), STACK_NAME)
        clients = [local_client(service, endpoint) for service in ("dynamodb", "kms")]
    dynamodb, kms = clients
    table, tasks = outputs["TaskTable"], DynamoTasks(outputs["TaskTable"], dynamodb)
    secrets = KmsSecrets(outputs["WebhookSecretKeyArn"], tasks.secret_versions, kms)
    return KeyRing(DynamoKeys(table, dynamodb), tasks, secrets)


def _endpoint(data: Path) -> str:
    """The URL of the emulator's services for the data folder `data`. Raises SetupIncomplete."""
    try:
        endpoint = f"http://127.0.0.1:{int(json.loads((data / 'port.json').read_text()))}"
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):
            return endpoint
    except (OSError, ValueError, TypeError, urllib.error.URLError):
        raise SetupIncomplete(
            f"No server runs on the data folder {data}.", f"Start `hyperframes-render serve --data {data}` first."
        ) from None


def _outputs(cloudformation: object, stack: str) -> dict[str, str]:
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]  # type: ignore[attr-defined]
    except (ClientError, BotoCoreError) as error:
        raise SetupIncomplete(
            f'The stack "{stack}" cannot be read: {error}.',
            "Set the name with --stack, and the region and credentials as for the AWS CLI.",
        ) from None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def _name(name: str) -> str:
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidOption("name: it must have 1 to 100 printable characters.")
    return name


def _end(expires_in: str | None) -> str | None:
    """The timestamp that is `expires_in` (such as "90d") from now. Raises InvalidOption."""
    if expires_in is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", expires_in.strip().lower())
    if not found:
        raise InvalidOption(f"expires-in: {expires_in[:20]!r} is not a valid time.", "Use 12h, 90d or 52w.")
    return moment(datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=int(found[1]) * _UNITS[found[2]]))
