"""Credentials that reach one task. They limit a renderer and are made outside it.

The credentials are an STS session of one role (RenderTaskRole), narrowed by a session policy. A session allows the
intersection of both. The policy therefore names only the task's folders and table items; the role names the actions
and the table.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hyperframes_render.aws.client import client, service_errors
from hyperframes_render.aws.tasks import dropped_name_id
from hyperframes_render.tasks.grants import Grant
from hyperframes_render.tasks.quotas import frames_counter

#: Seconds. The longest function runs 15 minutes, which is also the minimum of STS; the rest covers its clean-up.
SESSION_SECONDS = 1200
#: Characters of a key in the policy's JSON, which may have 2,048 in total (STS). The name of a dropped file may be
#: longer: it is cut, and its task may then write to every key with the same beginning.
_KEY_CHARACTERS = 300
#: Special characters in the resource of a policy. Each is replaced by "?", which matches any one character.
_SPECIAL = re.compile(r"[*?$]")


class StsGrants:
    """Sessions of the role `role_arn` for tasks whose files are in `bucket`."""

    def __init__(self, role_arn: str, bucket: str, sts: Any = None) -> None:
        self._role, self._bucket = role_arn, bucket
        self._sts = sts or client("sts")

    def credentials(self, grant: Grant) -> dict[str, str]:
        """Credentials for `grant` only, valid for SESSION_SECONDS. Raises ServiceFailed.

        The keys are access_key, secret_key and token.
        """
        policy = session_policy(grant, self._bucket, self._role.split(":")[1])
        with service_errors("Granting access to a task's files"):
            response = self._sts.assume_role(
                RoleArn=self._role,
                RoleSessionName=grant.task_id,  # CloudTrail shows it
                Policy=json.dumps(policy, separators=(",", ":")),
                DurationSeconds=SESSION_SECONDS,
            )
        credentials = response["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
        }


def session_policy(grant: Grant, bucket: str, partition: str = "aws") -> dict[str, Any]:
    """The IAM policy document that allows what `grant` lists."""

    def objects(*keys: str) -> list[str]:
        return [f"arn:{partition}:s3:::{bucket}/{_pattern(key)}" for key in keys]

    folder = f"arn:{partition}:s3:::{bucket}/{grant.folder}*"
    listed = {"StringLike": {"s3:prefix": f"{grant.folder}*"}}
    names = [dropped_name_id(grant.drop_key)] if grant.drop_key else []
    items = [grant.task_id, frames_counter(grant.owner)]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("s3:GetObject", [*objects(*grant.reads), folder]),
            _allow(["s3:PutObject", "s3:AbortMultipartUpload"], [*objects(*grant.writes), folder]),
            _allow("s3:ListBucket", f"arn:{partition}:s3:::{bucket}", listed),
            _allow("dynamodb:*", "*", _items(items)),
            # Only the function `drop` changes which task holds a dropped name.
            *([_allow("dynamodb:GetItem", "*", _items(names))] if names else []),
            # SNS cannot limit this to one task's events: the topic is the smallest resource.
            _allow("sns:Publish", "*"),
        ],
    }


def _items(keys: list[str]) -> dict[str, Any]:
    return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}}


def _allow(action: object, resource: object, condition: object = None) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    }


def _pattern(key: str) -> str:
    plain = kept = _SPECIAL.sub("?", key)
    while len(json.dumps(kept)) > _KEY_CHARACTERS:
        kept = kept[:-1]
    return kept if kept == plain else f"{kept}*"
