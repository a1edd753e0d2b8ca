"""API keys: random, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from hyperframes_render.errors import Forbidden, Unauthorized
from hyperframes_render.tasks.ports import KeyLimits, KeyRecord, KeyTable, Scope
from hyperframes_render.tasks.timestamps import moment

#: So that a key that leaked is recognised by people and by secret scanners.
KEY_PREFIX = "hf_live_"
#: A revoked key stops within this many seconds.
CACHE_SECONDS = 30.0
#: Answers kept: a flood of wrong keys must not fill the memory.
_CACHE_SIZE = 1000
#: Longer than any key that is made here, and than what a client's tool may make.
_MAX_KEY_LENGTH = 256


def new_key() -> str:
    """A key of 32 random bytes."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is stored of a key. Keys are random, so a plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(key.encode()).hexdigest()


def owner_of(key_hash: str) -> str:
    """The name under which a key's tasks and files are kept: the same key is always the same owner."""
    return key_hash[:16]


def make_record(
    key: str,
    name: str,
    *,
    scopes: tuple[Scope, ...] = tuple(Scope),
    expires_at: str | None = None,
    limits: KeyLimits | None = None,
) -> KeyRecord:
    """What is stored of `key`, whoever made it up."""
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
    """Raise Forbidden where the key may not be used for `scope`."""
    if scope not in record.scopes:
        raise Forbidden(
            f'This key may not do that: it lacks the scope "{scope}".', "Use another key, or have one made with it."
        )


class KeyChecker:
    """Finds out whose key it is, and remembers it for a moment."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        self._known: dict[str, tuple[float, KeyRecord | None]] = {}

    def record(self, key: str) -> KeyRecord:
        """What is stored of `key`. Raises Unauthorized."""
        if not key:
            raise Unauthorized(
                "There is no API key in the request.", 'Send the header "Authorization: Bearer YOUR_KEY".'
            )
        record = self._find(hash_key(key)) if len(key) <= _MAX_KEY_LENGTH else None
        if record is None or record.revoked:
            raise Unauthorized("This API key is not known here, or was revoked.", "Check the key, or make a new one.")
        if record.expires_at is not None and record.expires_at <= moment():
            raise Unauthorized(f"This API key expired at {record.expires_at}.", "Make a new one.")
        return record

    def _find(self, key_hash: str) -> KeyRecord | None:
        now = time.monotonic()
        known = self._known.get(key_hash)
        if known is None or now - known[0] > CACHE_SECONDS:
            record = self._table.get(key_hash)
            # The table finds by equality; this comparison takes the same time wherever the two differ.
            if record is not None and not hmac.compare_digest(record.hash, key_hash):
                record = None
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            known = self._known[key_hash] = (now, record)
        return known[1]
