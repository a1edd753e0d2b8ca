"""Webhooks: the check of their address, their body, their signature, and the wait between attempts."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import random
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from hyperframes_render.errors import InvalidOption
from hyperframes_render.network.public_addresses import is_private_name, is_public

#: Seconds between two attempts at most. SQS hides a message for at most 12 hours after it was received.
MAX_WAIT = 43_000


def check_webhook(url: str, *, allow_private: bool) -> None:
    """Raise InvalidOption unless `url` is https to a public host; `allow_private` also allows http and any host."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise InvalidOption(f"webhook: {url[:80]!r} is not an address.", "Use one like https://host/path.") from None
    if parts.scheme not in ("https", "http") or not host or not url.isascii() or any(c <= " " for c in url):
        raise InvalidOption(f"webhook: {url[:80]!r} is not an address.", "Use one like https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise InvalidOption(
            "webhook: it contains a user name or password.", "Webhooks are signed: check the signature."
        )
    if allow_private:
        return
    if parts.scheme != "https":
        raise InvalidOption("webhook: it is not https.", "Use an https address.")
    if port == 0 or _is_private(host):
        raise InvalidOption(
            f'webhook: "{host[:80]}" is not a public address.',
            "Use a public one, or ask the stack's owner to allow private webhooks.",
        )


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        pass
    if is_private_name(host):
        return True
    try:
        # 127.1, 0x7f.1 and 2130706433 are IPv4 addresses too.
        return not is_public(str(ipaddress.ip_address(socket.inet_aton(host))))
    except OSError:
        return False


def check_webhook_name(url: str, *, timeout: float = 1.0) -> None:
    """Raise InvalidOption if the host's name resolves to a private address now.

    This reports a mistake early; the address is checked again when the webhook is sent. A name that cannot be resolved
    within `timeout` seconds is accepted.
    """
    host = urlsplit(url).hostname or ""
    found: list[str] = []

    def resolve() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(str(entry[4][0]) for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(timeout)
    if not all(is_public(address.partition("%")[0]) for address in tuple(found)):
        raise InvalidOption(f'webhook: "{host[:80]}" is not a public address.', "Use a public one.")


def secret_label(owner: str, version: int) -> str:
    """The label from which a secret is derived, together with a key that never leaves KMS."""
    return f"webhook-secret:{owner}:{version}"


def webhook_body(view: dict[str, Any]) -> str:
    """The JSON body: flat, as in the public convention. `view` is the task as GET returns it."""
    keys = ("id", "status", "output", "error", "session_id", "created_at", "updated_at")
    return json.dumps({key: view.get(key) for key in keys}, ensure_ascii=False)


def sign(event_id: str, body: str, secrets: Sequence[str], now: datetime | None = None) -> dict[str, str]:
    """Headers of the Standard Webhooks convention: one signature for each secret, in the order of `secrets`."""
    from standardwebhooks import Webhook

    now = now or datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, now, body) for secret in secrets),
    }


def wait_before_next(attempt: int, schedule: Sequence[int], retry_after: int | None = None) -> int | None:
    """Seconds to wait after attempt number `attempt` (from 1) failed; None if it was the last.

    The wait varies by up to a fifth, so that deliveries that failed together are not repeated together. A receiver may
    ask for a longer wait with Retry-After (`retry_after`, seconds).
    """
    if attempt > len(schedule):
        return None
    wait = schedule[attempt - 1] * random.uniform(0.8, 1.2)
    return round(min(MAX_WAIT, max(wait, retry_after or 0)))
