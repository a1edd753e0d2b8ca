"""Allowed addresses of webhooks, and the waits between attempts."""

from __future__ import annotations

import pytest

from hyperframes_render.errors import InvalidOption
from hyperframes_render.functions.support.settings import DEFAULT_RETRY_SECONDS
from hyperframes_render.tasks.webhooks import MAX_WAIT, check_webhook, wait_before_next

DAY = 24 * 3600


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost/",
        "https://printer.local/",
        "https://vault.internal/",
        "https://10.0.0.1/",
        "https://172.16.9.9/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fd00::1]/",
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com/hook",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX-Evil: 1",
        "https://exämple.com/",
        "javascript:alert(1)",
    ],
)
def test_other_addresses_than_public_https_are_rejected(url: str) -> None:
    with pytest.raises(InvalidOption, match="webhook: "):
        check_webhook(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook?x=1", "https://example.com:8443/", "https://8.8.8.8/", "https://xn--exmple-cua.com"],
)
def test_public_https_addresses_are_accepted(url: str) -> None:
    check_webhook(url, allow_private=False)


def test_private_addresses_can_be_allowed_but_must_be_http() -> None:
    check_webhook("http://127.0.0.1:8000/hook", allow_private=True)
    for url in ("ftp://127.0.0.1/", "hook", "http://user:secret@10.0.0.1/"):
        with pytest.raises(InvalidOption):
            check_webhook(url, allow_private=True)


def test_the_default_schedule_takes_three_days_and_fits_the_queue() -> None:
    assert 2.8 * DAY < sum(DEFAULT_RETRY_SECONDS) < 3.2 * DAY
    assert max(DEFAULT_RETRY_SECONDS) <= MAX_WAIT < 12 * 3600
    assert list(DEFAULT_RETRY_SECONDS[:4]) == sorted(DEFAULT_RETRY_SECONDS[:4])


def test_waits_vary_by_a_fifth_and_end_after_the_last_attempt() -> None:
    schedule = (10, 1000)
    waits = {wait_before_next(2, schedule) for _ in range(200)}
    assert len(waits) > 20 and all(wait is not None and 800 <= wait <= 1200 for wait in waits)
    assert wait_before_next(3, schedule) is None


def test_a_receiver_may_ask_for_a_longer_wait_but_not_a_shorter_one() -> None:
    assert wait_before_next(1, (10,), retry_after=500) == 500
    assert (wait_before_next(1, (10,), retry_after=1) or 0) >= 8
    assert wait_before_next(1, (10,), retry_after=10**9) == MAX_WAIT
