"""Sends one POST to a webhook receiver, at the IP address that was checked (see fetch.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from hyperframes_render.network.fetch import FetchRefused, pinned_pool

#: Seconds for one response: the convention for webhooks is 15 to 30.
POST_TIMEOUT = 15.0


@dataclass(frozen=True)
class Answer:
    """The receiver's response. `status` is 0 if there was none; `reason` says why. `retry_after` is in seconds."""

    status: int
    reason: str = ""
    retry_after: int | None = None

    @property
    def delivered(self) -> bool:
        """Whether the status is 2xx. Redirects are not followed: their target is not checked."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver asked for no further requests (410 Gone)."""
        return self.status == 410

    def __str__(self) -> str:
        return f"status {self.status}" if self.status else self.reason


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False, timeout: float = POST_TIMEOUT
) -> Answer:
    """POST `body` to `url`. Errors are in the answer, not raised. The response's body is not read. Blocking."""
    return asyncio.run(_post(url, body, headers, allow_private, timeout))


async def _post(url: str, body: bytes, headers: Mapping[str, str], allow_private: bool, timeout: float) -> Answer:
    import httpcore

    try:
        async with (
            asyncio.timeout(timeout),
            pinned_pool(allow_private=allow_private) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
        ):
            fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return Answer(answer.status, retry_after=read_retry_after(fields.get("retry-after")))
    except TimeoutError:
        return Answer(0, f"no answer within {timeout:g} s")
    except FetchRefused as refusal:
        return Answer(0, str(refusal))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, ValueError) as error:
        return Answer(0, f"the connection failed ({type(error).__name__})")
    except httpcore.UnsupportedProtocol:
        return Answer(0, "it is not an http address")


def read_retry_after(value: str | None) -> int | None:
    """The seconds of a Retry-After header, which is a number or an HTTP date; None if it is neither."""
    if not value:
        return None
    if value.strip().isdecimal():
        return int(value.strip()[:9])
    try:
        when = parsedate_to_datetime(value)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0, round((when - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return None
