"""Computes the cost of a render: the usage that its functions reported, times a price table.

Prices are AWS's public on-demand prices for us-east-1, without free tier and discounts, as of PRICES_DATE. They were
entered by hand and AWS changes them: check them with each release. Lambda and Step Functions make up nearly all of the
cost. Data transfer out of AWS is not included: it depends on how often and where the video is downloaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PRICES_DATE = "2026-01"
PRICES_SOURCE = "AWS public prices, us-east-1, on demand"

Architecture = Literal["x86_64", "arm64"]


@dataclass(frozen=True)
class Prices:
    """US dollars per unit."""

    lambda_gb_second: Mapping[str, float]
    lambda_request: float = 0.20 / 1e6
    #: A GB-second of /tmp beyond the free 512 MB.
    storage_gb_second: float = 0.0000000309
    transition: float = 0.025 / 1e3
    s3_write: float = 0.005 / 1e3
    s3_read: float = 0.0004 / 1e3
    dynamodb_write: float = 0.625 / 1e6
    dynamodb_read: float = 0.125 / 1e6
    sns_publish: float = 0.50 / 1e6
    sqs_request: float = 0.40 / 1e6


PRICES = Prices(lambda_gb_second={"x86_64": 0.0000166667, "arm64": 0.0000133334})

#: State transitions of a task without and with a Map, including start and end, as AWS's examples count them.
_TRANSITIONS_WHOLE, _TRANSITIONS_MAP = 7, 8
#: Transitions of one child of the Map, a standard execution: its state, start and end.
_CHILD_TRANSITIONS = 3
#: GB-seconds of one task's small functions together (api, record, notify: 256 MB for some tenths of a second each).
#: They are an estimate, because a function cannot report its duration before it has ended.
_SMALL_FUNCTIONS_GB_SECONDS = 0.25
_SMALL_FUNCTIONS_CALLS = 3
#: GB-seconds of one call of `grant` (512 MB for 60 ms). Each render function starts with one.
_GRANT_GB_SECONDS = 0.03
#: Requests of one task and of one chunk to each service, counted in the code. A retry repeats them.
_S3_WRITES, _S3_READS = 6, 10
_S3_WRITES_CHUNK, _S3_READS_CHUNK = 3, 4
_DYNAMODB_WRITES, _DYNAMODB_READS = 9, 10
_EVENTS = 5
#: MB of /tmp that are free.
_FREE_STORAGE_MB = 512
#: Seconds between two progress updates of a chunk.
_PROGRESS_SECONDS = 3


@dataclass(frozen=True)
class Usage:
    """Usage that the functions of one task reported, by function, including failed attempts.

    Memory in gigabyte-seconds, time in seconds, /tmp beyond the free 512 MB in gigabyte-seconds, and calls.
    """

    gb_seconds: Mapping[str, float]
    seconds: Mapping[str, float]
    storage_gb_seconds: Mapping[str, float]
    calls: Mapping[str, int]

    @classmethod
    def of_task(cls, counters: Mapping[str, int]) -> Usage:
        """From the counters of a task's item. See `usage_counters` for their names."""

        def named(kind: str, unit: float) -> dict[str, float]:
            ending = f"_{kind}"
            return {name.removesuffix(ending): n / unit for name, n in counters.items() if name.endswith(ending)}

        calls = {name: int(n) for name, n in named("calls", 1).items()}
        return cls(named("mbms", 1024 * 1000), named("ms", 1000), named("storage", 1024 * 1000), calls)


def usage_counters(function: str, seconds: float, memory_mb: int, storage_mb: int) -> dict[str, int]:
    """The increments of a task's counters for one call of `function`.

    Milliseconds, MB-milliseconds and calls: integers, which DynamoDB adds exactly.
    """
    milliseconds = round(seconds * 1000)
    return {
        f"{function}_calls": 1,
        f"{function}_ms": milliseconds,
        f"{function}_mbms": milliseconds * memory_mb,
        f"{function}_storage": milliseconds * max(0, storage_mb - _FREE_STORAGE_MB),
    }


def cost_of(
    usage: Usage,
    *,
    chunks: int,
    architecture: Architecture = "x86_64",
    prices: Prices = PRICES,
) -> dict[str, Any]:
    """The cost of one task in US dollars, in total and by kind, with the usage that it was computed from."""
    grants = sum(usage.calls.values())
    gb_seconds = sum(usage.gb_seconds.values()) + _SMALL_FUNCTIONS_GB_SECONDS + grants * _GRANT_GB_SECONDS
    calls = sum(usage.calls.values()) + grants + _SMALL_FUNCTIONS_CALLS
    render_seconds = usage.seconds.get("render", 0.0)
    children = chunks if chunks > 1 else 0
    transitions = (_TRANSITIONS_MAP if children else _TRANSITIONS_WHOLE) + children * _CHILD_TRANSITIONS
    writes = _DYNAMODB_WRITES + sum(usage.calls.values()) + math.ceil(render_seconds / _PROGRESS_SECONDS)
    dollars = {
        "compute": gb_seconds * prices.lambda_gb_second[architecture],
        "storage": sum(usage.storage_gb_seconds.values()) * prices.storage_gb_second,
        "requests": calls * prices.lambda_request,
        "workflow": transitions * prices.transition,
        "objects": (_S3_WRITES + children * _S3_WRITES_CHUNK) * prices.s3_write
        + (_S3_READS + children * _S3_READS_CHUNK) * prices.s3_read,
        "table": writes * prices.dynamodb_write + (_DYNAMODB_READS + children + grants) * prices.dynamodb_read,
        "events": _EVENTS * (prices.sns_publish + 3 * prices.sqs_request),
    }
    return {
        "usd": round(sum(dollars.values()), 8),
        "by_kind": {kind: round(value, 8) for kind, value in dollars.items()},
        "gb_seconds": {name: round(value, 3) for name, value in sorted(usage.gb_seconds.items())},
        "seconds": {name: round(value, 3) for name, value in sorted(usage.seconds.items())},
        "calls": dict(sorted(usage.calls.items())),
        "transitions": transitions,
        "architecture": architecture,
        "prices": f"{PRICES_SOURCE}, {PRICES_DATE}",
    }
