"""API keys: random, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from hyperframes_render.errors import Forbidden, Unauthorized
from hyperframes_render.tasks.ports import KeyLimits, KeyRecord, KeyTable, Scope
from hyperframes_render.tasks.timestamps import moment

#: People and secret scanners recognise a leaked key by this prefix.
KEY_PREFIX = "hf_live_"
#: Seconds that a lookup is cached: a revoked key stops working within this time.
CACHE_SECONDS = 30.0
#: Cached lookups at most: a flood of wrong keys must not fill the memory.
_CACHE_SIZE = 1000
#: Characters of a key at most: more than keys of `new_key` and of other tools have.
_MAX_KEY_LENGTH = 256


def new_key() -> str:
    """A new key: the prefix and 32 random bytes as base64url."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """The SHA-256 of a key, in hexadecimal, which is stored instead of it. Keys are random, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def owner_of(key_hash: str) -> str:
    """The owner of a key's tasks and files: the first 16 digits of the key's hash."""
    return key_hash[:16]


def make_record(
    key: str,
    name: str,
    *,
    scopes: tuple[Scope, ...] = tuple(Scope),
    expires_at: str | None = None,
    limits: KeyLimits | None = None,
) -> KeyRecord:
    """The record to store for `key`, which need not come from `new_key`."""
    key_hash = hash_key(key)
    shown = key[: len(KEY_PREFIX) + 4] if key.startswith(KEY_PREFIX) else key[:3]
    return KeyRecord(
        key_hash,
        owner_of(key_hash),
        shown,
        name,
        moment(),
        scopes=scopes,
        expires_at=expires_at,
        limits=limits or KeyLimits(),
    )


def check_scope(record: KeyRecord, scope: Scope) -> None:
    """Raise Forbidden if the key lacks `scope`."""
    if scope not in record.scopes:
        raise Forbidden(f'This key lacks the scope "{scope}".', "Use a key that has this scope, or ask for one.")


class KeyChecker:
    """Looks up keys and caches the results for CACHE_SECONDS."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        self._known: dict[str, tuple[float, KeyRecord | None]] = {}

    def record(self, key: str) -> KeyRecord:
        """The stored record of `key`. Raises Unauthorized (missing, unknown, revoked or expired)."""
        if not key:
            raise Unauthorized("The request has no API key.", 'Send the header "Authorization: Bearer YOUR_KEY".')
        record = self._find(hash_key(key)) if len(key) <= _MAX_KEY_LENGTH else None
        if record is None or record.revoked:
            raise Unauthorized("This API key is unknown or was revoked.", "Check the key, or make a new one.")
        if record.expires_at is not None and record.expires_at <= moment():
            raise Unauthorized(f"This API key expired at {record.expires_at}.", "Make a new one.")
        return record

    def _find(self, key_hash: str) -> KeyRecord | None:
        now = time.monotonic()
        known = self._known.get(key_hash)
        if known is None or now - known[0] > CACHE_SECONDS:
            record = self._table.get(key_hash)
            # The table compares by equality; this comparison takes constant time.
            if record is not None and not hmac.compare_digest(record.hash, key_hash):
                record = None
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            known = self._known[key_hash] = (now, record)
        return known[1]
