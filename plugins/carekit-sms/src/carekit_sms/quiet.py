"""When a text may not go out yet: quiet hours where the contact is, and the pace of the sending number. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from carekit_sms.numbers import local, zones_of

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LONGEST = timedelta(hours=48)
_KEPT = timedelta(hours=1)


def parse_hours(text: str) -> tuple[time, time]:
    """Begin and end of ``21:00-08:00``; raises ValueError."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} are no hours; write them like "21:00-08:00"')
    begin_hour, begin_minute, end_hour, end_minute = map(int, match.groups())
    begin, end = time(begin_hour, begin_minute), time(end_hour, end_minute)
    if begin == end:
        raise ValueError(f"{text!r} would be all day; leave some hours for sending")
    return begin, end


class Quiet:
    """Quiet hours on the contact's clock.

    Their zone is *timezone*, else where their number lies (all zones in which it may lie have to be awake), else where
    *ours* lies, else UTC.
    """

    def __init__(self, hours: str, timezone: str, ours: str) -> None:
        self._begin, self._end = parse_hours(hours)
        self._timezone = timezone
        self._ours = ours

    def until(self, to: str, now: datetime) -> datetime | None:
        """When the hours that are quiet at *to* now are over, None if they are not quiet."""
        zones = (self._timezone,) if self._timezone else zones_of(to)
        fallback = self._timezone or next(iter(zones_of(self._ours)), "UTC")
        at = self._awake(zones or (fallback,), now)
        if at is None:  # somewhere in so wide a country it is always night
            at = self._awake((fallback,), now)
        return at if at is not None and at > now else None

    def _awake(self, zones: Sequence[str], now: datetime) -> datetime | None:
        """The first instant from *now* on that is quiet in none of *zones*, None if there is none within two days."""
        at = now
        while at - now <= _LONGEST:
            later = max(self._end_of(zone, at) for zone in zones)
            if later <= at:
                return at
            at = later
        return None

    def _end_of(self, zone: str, at: datetime) -> datetime:
        """When the quiet hours that hold *at* in *zone* end; *at* itself outside of them."""
        there = local(at, zone)
        clock, over_midnight = there.time(), self._begin > self._end
        if over_midnight:
            quiet = clock >= self._begin or clock < self._end
        else:
            quiet = self._begin <= clock < self._end
        if not quiet:
            return at
        day = there.date() + timedelta(days=1 if over_midnight and clock >= self._begin else 0)
        end = datetime.combine(day, self._end, there.tzinfo).astimezone(at.tzinfo)
        return max(end, at + timedelta(minutes=1))  # where clocks are set back, the same hour comes twice


class Pace:
    """At most so many texts a second from one number: each gets a place in a line, and comes when it is its turn.

    Counted in this process: where several send for one number, each keeps the pace by itself.
    """

    def __init__(self, rate: float) -> None:
        self._step = timedelta(seconds=1 / rate)
        self._free: datetime | None = None
        self._places: dict[str, datetime] = {}

    def until(self, id: str, now: datetime) -> datetime | None:
        """When it is the turn of the text *id*, None if that is now; asked again after that it waits no more."""
        place = self._places.get(id)
        if place is None:
            place = now if self._free is None or self._free < now else self._free
            self._free = place + self._step
            self._places[id] = place
        if place > now:
            return place
        del self._places[id]
        self._forget(now)
        return None

    def _forget(self, now: datetime) -> None:
        """Let go of places that nobody came for, such as those of texts that were erased."""
        while self._places and self._places[first := next(iter(self._places))] < now - _KEPT:
            del self._places[first]
