from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from carekit_chat.limits import Buckets

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_minutes_worth_at_once_then_a_wait() -> None:
    """The bucket holds one minute's allowance; then it tells how long until the next."""
    buckets = Buckets(20)
    assert [buckets.take("a", START) for _ in range(20)] == [0.0] * 20
    assert buckets.take("a", START) == pytest.approx(3.0)


def test_the_wait_told_is_the_wait_there_is() -> None:
    """Coming back after the seconds told succeeds."""
    buckets = Buckets(20)
    for _ in range(20):
        buckets.take("a", START)
    wait = buckets.take("a", START)
    assert buckets.take("a", START + timedelta(seconds=wait)) == 0


def test_keys_do_not_share() -> None:
    """One visitor's flood is nobody else's wait."""
    buckets = Buckets(1)
    buckets.take("a", START)
    assert buckets.take("a", START) > 0
    assert buckets.take("b", START) == 0


def test_memory_is_bounded() -> None:
    """A flood of new keys does not grow without end."""
    buckets = Buckets(1, keep=50)
    for number in range(500):
        buckets.take(str(number), START)
    assert len(buckets._levels) <= 50


def test_a_clock_set_back_gives_nothing_for_free() -> None:
    """Time running backwards neither fills the bucket nor breaks it."""
    buckets = Buckets(1)
    buckets.take("a", START)
    assert buckets.take("a", START - timedelta(hours=1)) == pytest.approx(60)
