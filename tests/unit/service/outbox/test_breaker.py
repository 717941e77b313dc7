"""A destination that fails again and again is left alone, and found well again with one attempt."""

from __future__ import annotations

from datetime import timedelta

from carekit.service.outbox.breaker import FAILURES, LONGEST, PROBING, SHORTEST, Breaker
from carekit.testing.contracts.values import minute


def _open() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(minute(0))
    return breaker


def test_a_few_failures_change_nothing() -> None:
    """One failure less than it takes leaves the circuit closed, and a success begins the count anew."""
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(minute(0))
        assert breaker.closed
        assert breaker.wait(minute(0)) is None
        breaker.succeeded()


def test_too_many_in_a_row_open_it() -> None:
    """Then nobody tries until the rest is over."""
    breaker = _open()
    assert not breaker.closed
    assert breaker.blocks(minute(0))
    assert breaker.wait(minute(0)) == minute(0) + SHORTEST
    assert not breaker.blocks(minute(0) + SHORTEST)


def test_one_attempt_at_a_time_shows_whether_it_is_well() -> None:
    """After the rest the first who asks may try; the others come back a little later."""
    breaker, later = _open(), minute(1)
    assert breaker.wait(later) is None
    assert breaker.wait(later) == later + PROBING
    assert breaker.blocks(later)
    breaker.succeeded()
    assert breaker.closed
    assert breaker.wait(later) is None


def test_each_failed_attempt_doubles_the_rest() -> None:
    """10 s, 20 s, 40 s … at most five minutes."""
    breaker, now, rests = _open(), minute(0), list[timedelta]()
    for _ in range(8):
        opens = breaker.wait(now)
        assert opens is not None
        rests.append(opens - now)
        now = opens
        assert breaker.wait(now) is None
        breaker.failed(now)
    assert rests[:3] == [SHORTEST, 2 * SHORTEST, 4 * SHORTEST]
    assert rests[-1] == LONGEST
