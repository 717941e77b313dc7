"""A circuit breaker: what fails again and again is left alone for a while, then tried with a single attempt."""

from __future__ import annotations

from datetime import datetime, timedelta

FAILURES = 5
"""Failures in a row after which the circuit opens."""
SHORTEST = timedelta(seconds=10)
LONGEST = timedelta(minutes=5)
PROBING = timedelta(seconds=2)
"""How long others wait while one attempt shows whether the destination is well again."""


class Breaker:
    """Closed while all is well; open after `FAILURES` in a row; then half-open, with one attempt at a time.

    Each time the attempt fails the rest doubles, from `SHORTEST` to `LONGEST`.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._opens_at: datetime | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether attempts go through as they come."""
        return self._opens_at is None

    def wait(self, now: datetime) -> datetime | None:
        """When to come back with an attempt, None to make it at once; a half-open circuit takes it for its probe."""
        if self._opens_at is None:
            return None
        if self.blocks(now):
            return max(self._opens_at, now + PROBING)
        self._probing = True
        return None

    def blocks(self, now: datetime) -> bool:
        """Whether an attempt would have to wait."""
        return self._opens_at is not None and (now < self._opens_at or self._probing)

    def succeeded(self) -> None:
        """The destination answered, whatever its answer."""
        self.failures = 0
        self._opens_at = None
        self._probing = False

    def failed(self, now: datetime) -> None:
        """The destination could not be reached, or broke off."""
        self.failures += 1
        self._probing = False
        if self.failures >= FAILURES:
            self._opens_at = now + min(LONGEST, SHORTEST * 2 ** min(10, self.failures - FAILURES))
