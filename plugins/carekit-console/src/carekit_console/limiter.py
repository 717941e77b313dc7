"""How many failed log-ins are let through: a sliding window per address and per account."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Final

import attrs

WINDOW: Final = timedelta(minutes=15)
PER_ADDRESS: Final = 30
PER_ACCOUNT: Final = 8
KEPT: Final = 20_000
"""Keys remembered at most; the longest untouched is forgotten first."""


@attrs.define
class Limiter:
    """Attempts of this process by key. An attempt counts when it begins, so parallel guesses cannot slip through."""

    limit: int
    window: timedelta = WINDOW
    _attempts: OrderedDict[str, deque[datetime]] = attrs.field(factory=OrderedDict)

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long *key* must wait before its next attempt; zero if it may try now."""
        attempts = self._recent(key, now)
        return attempts[0] + self.window - now if len(attempts) >= self.limit else timedelta(0)

    def count(self, key: str, now: datetime) -> None:
        """Note an attempt of *key*."""
        attempts = self._recent(key, now)
        attempts.append(now)
        self._attempts[key] = attempts
        self._attempts.move_to_end(key)
        while len(self._attempts) > KEPT:
            self._attempts.popitem(last=False)

    def clear(self, key: str) -> None:
        """Forget the attempts of *key*: it has proved itself."""
        self._attempts.pop(key, None)

    def _recent(self, key: str, now: datetime) -> deque[datetime]:
        attempts = self._attempts.get(key, deque())
        while attempts and attempts[0] <= now - self.window:
            attempts.popleft()
        return attempts
