"""Keys: random, kept as a hash, looked up without telling anything."""

from __future__ import annotations

import pytest

from hyperframes_render.errors import Unauthorized
from hyperframes_render.tasks import keys
from hyperframes_render.tasks.keys import KeyChecker, hash_key, make_record, new_key, owner_of
from hyperframes_render.tasks.ports import KeyRecord


class Table:
    """Records by hash, and how often it was asked."""

    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.hash: record for record in records}
        self.asked = 0

    def get(self, key_hash: str) -> KeyRecord | None:
        self.asked += 1
        return self.records.get(key_hash)


def test_a_key_is_long_random_and_recognisable() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100 and all(key.startswith("hf_live_") and len(key) > 50 for key in made)


def test_a_record_does_not_hold_the_key() -> None:
    key = new_key()
    record = make_record(key, "laptop")
    assert key not in str(record) and record.prefix == key[:12]
    assert record.hash == hash_key(key) and record.owner == owner_of(record.hash)


def test_the_same_key_is_always_the_same_owner_and_another_another() -> None:
    assert make_record("k", "a").owner == make_record("k", "b").owner != make_record("l", "a").owner


def test_answers_are_kept_for_a_moment_for_right_and_wrong_keys_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(make_record("right", "x"))
    checker = KeyChecker(table)
    for _ in range(3):
        assert checker.record("right").owner
        with pytest.raises(Unauthorized):
            checker.record("wrong")
    assert table.asked == 2
    monkeypatch.setattr(keys, "CACHE_SECONDS", -1.0)
    checker.record("right")
    assert table.asked == 3


def test_a_flood_of_wrong_keys_does_not_fill_the_memory() -> None:
    checker = KeyChecker(Table())
    for number in range(3000):
        with pytest.raises(Unauthorized):
            checker.record(f"wrong {number}")
    assert len(checker._known) <= 1000


def test_a_record_that_a_table_gives_for_another_hash_is_not_believed() -> None:
    table = Table()
    table.records[hash_key("guess")] = make_record("right", "x")
    with pytest.raises(Unauthorized):
        KeyChecker(table).record("guess")
