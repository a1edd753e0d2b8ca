"""API keys: random, stored as a hash, looked up with a cache."""

from __future__ import annotations

import pytest

from hyperframes_render.errors import Unauthorized
from hyperframes_render.tasks import keys
from hyperframes_render.tasks.keys import KeyChecker, hash_key, make_record, new_key, owner_of
from hyperframes_render.tasks.ports import KeyRecord


class Table:
    """Records by hash; counts lookups."""

    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.hash: record for record in records}
        self.lookups = 0

    def get(self, key_hash: str) -> KeyRecord | None:
        self.lookups += 1
        return self.records.get(key_hash)


def test_a_key_is_long_random_and_recognisable() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100 and all(key.startswith("hf_live_") and len(key) > 50 for key in made)


def test_a_record_does_not_hold_the_key() -> None:
    key = new_key()
    record = make_record(key, "laptop")
    assert key not in str(record) and record.prefix == key[:12]
    assert record.hash == hash_key(key) and record.owner == owner_of(record.hash)


def test_each_key_has_one_owner_and_other_keys_have_others() -> None:
    assert make_record("k", "a").owner == make_record("k", "b").owner != make_record("l", "a").owner


def test_lookups_of_right_and_wrong_keys_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(make_record("right", "x"))
    checker = KeyChecker(table)
    for _ in range(3):
        assert checker.record("right").owner
        with pytest.raises(Unauthorized):
            checker.record("wrong")
    assert table.lookups == 2
    monkeypatch.setattr(keys, "CACHE_SECONDS", -1.0)
    checker.record("right")
    assert table.lookups == 3


def test_a_flood_of_wrong_keys_does_not_fill_the_memory() -> None:
    checker = KeyChecker(Table())
    for number in range(3000):
        with pytest.raises(Unauthorized):
            checker.record(f"wrong {number}")
    assert len(checker._known) <= 1000


def test_a_record_with_another_hash_is_rejected() -> None:
    table = Table()
    table.records[hash_key("guess")] = make_record("right", "x")
    with pytest.raises(Unauthorized):
        KeyChecker(table).record("guess")
