"""Credentials that reach one task: what a page's renderer may touch is decided here, outside the renderer.

A session of one role (RenderTaskRole), narrowed by a session policy. What it allows is the intersection of both, so
the policy says only what of the role's folders and table items is this task's; actions and table are the role's.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hyperframes_render.aws.client import calling, client
from hyperframes_render.aws.tasks import name_id
from hyperframes_render.tasks.grants import Grant
from hyperframes_render.tasks.quotas import frames_counter

#: The longest function has 15 minutes, which is also the least that STS gives; some more for what it does at its end.
SESSION_SECONDS = 1200
#: Characters of a key in the policy's JSON, which may have 2,048 in all (STS). A dropped file's name may be longer: its
#: task may then write to every name that begins alike.
_KEY_CHARACTERS = 300
#: These mean something in a policy's resource. "?" is any one character, so it stands for each of them.
_SPECIAL = re.compile(r"[*?$]")


class StsGrants:
    """Sessions of the role at `role_arn` for tasks whose files lie in `bucket`."""

    def __init__(self, role_arn: str, bucket: str, sts: Any = None) -> None:
        self._role, self._bucket = role_arn, bucket
        self._sts = sts or client("sts")

    def credentials(self, reach: Grant) -> dict[str, str]:
        """Credentials for `reach` and nothing else, for SESSION_SECONDS. Raises ServiceFailed."""
        policy = session_policy(reach, self._bucket, self._role.split(":")[1])
        with calling("Granting access to a task's files"):
            answer = self._sts.assume_role(
                RoleArn=self._role,
                RoleSessionName=reach.task_id,  # what the account's trail shows
                Policy=json.dumps(policy, separators=(",", ":")),
                DurationSeconds=SESSION_SECONDS,
            )
        given = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
        }


def session_policy(reach: Grant, bucket: str, partition: str = "aws") -> dict[str, Any]:
    """`reach` as a policy."""

    def objects(*keys: str) -> list[str]:
        return [f"arn:{partition}:s3:::{bucket}/{_pattern(key)}" for key in keys]

    folder = f"arn:{partition}:s3:::{bucket}/{reach.folder}*"
    listed = {"StringLike": {"s3:prefix": f"{reach.folder}*"}}
    names = [name_id(reach.drop_key)] if reach.drop_key else []
    items = [reach.task_id, frames_counter(reach.owner)]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("s3:GetObject", [*objects(*reach.reads), folder]),
            _allow(["s3:PutObject", "s3:AbortMultipartUpload"], [*objects(*reach.writes), folder]),
            _allow("s3:ListBucket", f"arn:{partition}:s3:::{bucket}", listed),
            _allow("dynamodb:*", "*", _items(items)),
            # Who holds the dropped name is for `drop` to say.
            *([_allow("dynamodb:GetItem", "*", _items(names))] if names else []),
            # A topic knows no tasks: whoever may tell of one may tell of all.
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
