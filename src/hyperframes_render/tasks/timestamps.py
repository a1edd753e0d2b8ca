"""Timestamps as stored and sent: ISO 8601, UTC, milliseconds. They sort as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Seconds of a day.
DAY = 24 * 3600


def moment(when: datetime | None = None) -> str:
    """`when` (default: now) as text: "2026-01-31T12:00:00.000Z"."""
    when = when or datetime.now(UTC)
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def later(seconds: float, start: datetime | None = None) -> str:
    """The timestamp `seconds` after `start` (default: now)."""
    return moment((start or datetime.now(UTC)) + timedelta(seconds=seconds))


def parse_moment(text: str) -> datetime:
    """Parse a timestamp that `moment` made. Raises ValueError."""
    return datetime.fromisoformat(text)


def seconds_since(text: str) -> float:
    """Seconds since a timestamp that `moment` made. Raises ValueError."""
    return (datetime.now(UTC) - parse_moment(text)).total_seconds()
