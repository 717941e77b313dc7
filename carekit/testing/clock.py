"""A clock that stands still until told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carekit.ground.durations import parse_duration

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
"""A Monday, 09:00 UTC."""


class FrozenClock:
    """Tells *start* until it is advanced or set."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta | str) -> datetime:
        """Move on by a duration (``"4h"`` or a timedelta); returns the new instant."""
        self._now += parse_duration(by) if isinstance(by, str) else by
        return self._now

    def set(self, at: datetime) -> None:
        """Stand at *at*, earlier or later."""
        self._now = at
