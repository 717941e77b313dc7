"""Token buckets: so many at once, so many a minute, and how long until the next."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.define
class _Level:
    left: float
    at: datetime


class Buckets:
    """One bucket per key; the instant comes from the caller. Full buckets are forgotten, so memory stays bounded."""

    def __init__(self, per_minute: int, *, keep: int = 10_000) -> None:
        self._size = float(per_minute)
        self._rate = per_minute / 60
        self._keep = keep
        self._levels: dict[str, _Level] = {}

    def take(self, key: str, now: datetime) -> float:
        """Take one from the bucket of *key*: 0 if there was one, else the seconds until there will be."""
        level = self._levels.get(key)
        if level is None:
            self._forget(now)
            level = self._levels[key] = _Level(self._size, now)
        elapsed = max(0.0, (now - level.at).total_seconds())
        level.left = min(self._size, level.left + elapsed * self._rate)
        level.at = now
        if level.left >= 1:
            level.left -= 1
            return 0.0
        return (1 - level.left) / self._rate

    def _forget(self, now: datetime) -> None:
        if len(self._levels) < self._keep:
            return
        for key, level in list(self._levels.items()):
            if level.left + (now - level.at).total_seconds() * self._rate >= self._size:
                del self._levels[key]
        while len(self._levels) >= self._keep:
            # Nothing to forget: the one not heard of for longest gets a full bucket again.
            del self._levels[min(self._levels, key=lambda key: self._levels[key].at)]
