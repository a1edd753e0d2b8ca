"""Limits of a session for one task."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from hyperframes_render.aws.grants import SESSION_SECONDS, StsGrants, session_policy
from hyperframes_render.tasks.grants import Grant
from hyperframes_render.tasks.ids import DROP_OWNER, new_task_id, task_id_from
from hyperframes_render.tasks.model import Task, TaskStatus
from tests.template import load_template

#: Maximum characters of a session policy (STS).
POLICY_LIMIT = 2048
MINE = task_id_from("mine", "me")
DROPPED = task_id_from("mine", DROP_OWNER)


def task(**fields: Any) -> Task:
    task_id, owner = (DROPPED, DROP_OWNER) if "drop_key" in fields else (MINE, "me")
    given = {"source_key": f"work/{task_id}/source.html", "input": {"codec": "h264"}, **fields}
    return Task(id=task_id, owner=owner, status=TaskStatus.QUEUED, created_at="", updated_at="", **given)


def policy_of(task: Task, bucket: str = "bucket") -> dict[str, Any]:
    return session_policy(Grant.of_task(task), bucket)


def allowed(policy: dict[str, Any], action: str) -> list[str]:
    found: list[str] = []
    for statement in policy["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        found += resources if action in actions else []
    return [one.removeprefix("arn:aws:s3:::bucket/") for one in found]


def may(policy: dict[str, Any], action: str, key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in allowed(policy, action))


def test_a_task_reads_its_folder_and_its_uploads() -> None:
    policy = policy_of(task(source_key="uploads/me/1/a.zip", audio_key="uploads/me/2/b.mp3"))
    assert all(may(policy, "s3:GetObject", key) for key in (f"work/{MINE}/plan.json", "uploads/me/1/a.zip"))
    assert may(policy, "s3:GetObject", "uploads/me/2/b.mp3")
    others = (
        "work/other/plan.json",
        f"work/{MINE}",
        "uploads/me/3/c.mp3",
        "uploads/you/1/a.zip",
        f"outbox/tasks/{MINE}/x",
    )
    assert not any(may(policy, "s3:GetObject", key) for key in others)


def test_a_task_writes_its_folder_and_its_result() -> None:
    policy = policy_of(task())
    written = (f"work/{MINE}/chunks/00000.mp4", f"outbox/tasks/{MINE}/video.mp4", f"outbox/tasks/{MINE}/poster.jpg")
    assert all(may(policy, "s3:PutObject", key) for key in written)
    others = ("work/other/plan.json", "outbox/tasks/other/video.mp4", "inbox/a.html", f"outbox/tasks/{MINE}/error.json")
    assert not any(may(policy, "s3:PutObject", key) for key in others)


def test_a_source_url_is_not_treated_as_a_key() -> None:
    policy = policy_of(task(source_key="https://a.example/b.html"))
    assert "a.example" not in json.dumps(policy)


def items(policy: dict[str, Any], action: str) -> list[str]:
    """The table items on which `action` is allowed."""
    found: list[str] = []
    for statement in policy["Statement"]:
        if fnmatchcase(action, str(statement["Action"])):
            ((_, keys),) = statement["Condition"].items()
            found += keys["dynamodb:LeadingKeys"]
    return found


def test_the_items_are_task_frame_counter_and_dropped_name() -> None:
    read = items(policy_of(task(drop_key="inbox/a.html")), "dynamodb:GetItem")
    assert read[0] == DROPPED and "drop" in read[1] and read[2].startswith("drop#") and len(read) == 3
    read = items(policy_of(task()), "dynamodb:GetItem")
    assert read[0] == MINE and "me" in read[1] and len(read) == 2


def test_a_task_cannot_change_the_holder_of_its_dropped_name() -> None:
    written = items(policy_of(task(drop_key="inbox/a.html")), "dynamodb:UpdateItem")
    assert len(written) == 2 and not [one for one in written if one.startswith("drop#")]


@pytest.mark.parametrize("name", ["*", "?", "a*", "${aws:userid}", "$", "a?b$*"])
def test_special_characters_in_a_name_allow_no_other_key(name: str) -> None:
    policy = policy_of(task(drop_key=f"inbox/x{name}.html"))
    patterns = allowed(policy, "s3:PutObject")
    assert not any("*" in one.removesuffix("/*") or "$" in one for one in patterns)
    assert any(fnmatchcase(f"outbox/x{name}.mp4", one) for one in patterns)
    assert not may(policy, "s3:PutObject", "outbox/other.mp4")


@pytest.mark.parametrize("name", ["x" * 1000, "ü" * 480, "名" * 330])
def test_the_policy_of_the_longest_name_fits_the_limit_of_sts(name: str) -> None:
    policy = policy_of(task(drop_key=f"inbox/{name}.html", audio_key=f"uploads/{'o' * 64}/{'0' * 24}/a.mp3"), "b")
    text = json.dumps(policy, separators=(",", ":"))
    assert len(text) <= POLICY_LIMIT and text.isascii()


def test_the_policy_of_a_typical_task_fits_the_limit_of_sts() -> None:
    upload = f"uploads/{'o' * 16}/{'0' * 24}/{'a' * 80}.html"
    given = task(source_key=upload, audio_key=upload).model_copy(update={"id": new_task_id("me")})
    assert len(json.dumps(policy_of(given, "b" * 63), separators=(",", ":"))) <= POLICY_LIMIT


def test_a_session_outlives_the_longest_function() -> None:
    longest = max(int(one["Properties"]["Timeout"]) for one in load_template().functions().values())
    # A role that assumes another role gets a session of at most one hour.
    assert longest < SESSION_SECONDS <= 3600


def test_the_session_is_named_after_the_task() -> None:
    asked: dict[str, Any] = {}

    class Sts:
        def assume_role(self, **given: Any) -> Any:
            asked.update(given)
            return {"Credentials": {"AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t"}}

    sts: Any = Sts()
    grants = StsGrants("arn:aws-us-gov:iam::1:role/r", "bucket", sts)
    assert grants.credentials(Grant.of_task(task())) == {"access_key": "a", "secret_key": "s", "token": "t"}
    assert asked["RoleSessionName"] == MINE and f"arn:aws-us-gov:s3:::bucket/work/{MINE}/*" in asked["Policy"]
