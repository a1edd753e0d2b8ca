"""Events that are published to SNS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperframes_render.aws.events import SnsTopic


class _Sns:
    def __init__(self) -> None:
        self.bodies: list[str] = []

    def publish(self, *, Message: str, **_: Any) -> None:
        self.bodies.append(Message)


_BIG = "x" * 300_000
_EVENT = {"event_id": "evt_1_10", "id": "1", "metadata": {"order": 1}, "error": None, "output": {"key": "outbox/a.mp4"}}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"metadata": _BIG}, {"metadata": None, "left_out": ["metadata", "output.warnings"]}),
        (
            {"output": {"key": "outbox/a.mp4", "warnings": [_BIG]}},
            {"metadata": None, "left_out": ["metadata", "output.warnings"]},
        ),
        (
            {"output": {"key": _BIG}},
            {"metadata": None, "output": None, "left_out": ["metadata", "output", "error"]},
        ),
    ],
)
def test_a_large_event_is_published_without_its_large_fields(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    sns = _Sns()
    SnsTopic("arn:aws:sns:us-east-1:1:t", sns).publish({**_EVENT, **changed}, {})  # type: ignore[arg-type]  # only `publish` is used
    assert [json.loads(body) for body in sns.bodies] == [{**_EVENT, **expected}]
