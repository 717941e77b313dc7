"""Business time: calendars of opening hours and exact arithmetic inside them.

The rules, all of which the tests pin:

- A window is local wall time, half open: ``[start, end)``. ``end <= start`` runs into the next local day; 86400 as
  an end is the next local midnight. Overlapping and adjacent windows count once.
- Elapsed time is absolute: a Sunday open 00:00-24:00 has 25 hours when the clocks go back.
- A local time skipped by a clock change maps forward by the gap, a repeated one to its first occurrence. A window
  never leaves its local date because of that, and a date the zone skipped altogether is empty.
- A holiday is closed from midnight to midnight: a window that runs into one ends at midnight, and of a window
  that begins on one only the part after midnight is left. A holiday closes an override too.
- An override replaces the windows that begin on its date; one that began the evening before still runs in.
- Adding follows the closing-time convention: time used up exactly at closing time is due then, not at the
  next opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import attrs

from carekit.ground.durations import format_duration
from carekit.ground.hours import DAY, EVERY_DAY, Weekly, Window, Windows, parse_hours
from carekit.ground.public_holidays import country_holidays
from carekit.ground.suggest import did_you_mean

__all__ = [
    "ALWAYS",
    "HORIZON",
    "Calendar",
    "Interval",
    "Weekly",
    "Window",
    "Windows",
    "country_holidays",
    "parse_hours",
]

Interval: TypeAlias = tuple[datetime, datetime]
"""An open stretch ``[start, end)`` of two UTC instants."""

HORIZON: Final = timedelta(days=36_525)
"""How far :meth:`Calendar.add` looks (100 years) before it says that the calendar does not open for so long."""

_ONE_DAY: Final = timedelta(days=1)
_ZERO: Final = timedelta(0)
_SETTLED: Final = 20  # days in which a weekly pattern shows every edge it has, even if its zone skips one date
_DAYS_KEPT: Final = 4_096  # eleven years of local dates; a full cache is dropped and fills again

_T = TypeVar("_T", int, datetime)


def _weekly(value: Iterable[Iterable[Window]]) -> Weekly:
    return tuple(tuple(windows) for windows in value)


def _dates(value: Iterable[date]) -> frozenset[date]:
    return frozenset(value)


def _overrides(value: Mapping[date, Iterable[Window]]) -> Mapping[date, Windows]:
    return {day: tuple(windows) for day, windows in value.items()}


@attrs.frozen
class Calendar:
    """Opening hours in a time zone; two calendars with the same hours are equal.

    :raises ValueError: the time zone is unknown, *weekly* has not seven days or a window is out of range.
    """

    name: str
    """What the configuration calls it; only shown in messages."""
    timezone: str
    """An IANA name such as "Europe/Madrid"."""
    weekly: Weekly = attrs.field(converter=_weekly)
    """Seven tuples of windows, Monday first, by the weekday on which a window begins."""
    holidays: frozenset[date] = attrs.field(default=frozenset(), converter=_dates)
    """Local dates closed from midnight to midnight."""
    overrides: Mapping[date, Windows] = attrs.field(factory=dict, converter=_overrides, hash=False)
    """Local dates with windows of their own instead of the weekly ones."""

    _zone: tzinfo = attrs.field(init=False, eq=False, repr=False)
    _special: tuple[date, date] = attrs.field(init=False, eq=False, repr=False)
    _always: bool = attrs.field(init=False, eq=False, repr=False)
    _days: dict[date, tuple[Interval, ...]] = attrs.field(init=False, eq=False, repr=False, factory=dict)

    @weekly.validator
    def _check_weekly(self, _attribute: object, value: Weekly) -> None:
        if len(value) != 7:
            raise ValueError(f'calendar "{self.name}": weekly hours have {len(value)} days instead of 7')
        for windows in value:
            self._check_windows(windows)

    @overrides.validator
    def _check_overrides(self, _attribute: object, value: Mapping[date, Windows]) -> None:
        for windows in value.values():
            self._check_windows(windows)

    def _check_windows(self, windows: Windows) -> None:
        for start, end in windows:
            if not (0 <= start < DAY and 0 <= end <= DAY):
                raise ValueError(
                    f'calendar "{self.name}": window ({start}, {end}) is out of range: '
                    f"the start is 0 to {DAY - 1}, the end 0 to {DAY} seconds after midnight"
                )

    @_zone.default
    def _find_zone(self) -> tzinfo:
        # UTC needs no zone database, so that ALWAYS can be made while importing
        if self.timezone in ("UTC", "Etc/UTC"):
            return UTC
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            hint = did_you_mean(self.timezone, available_timezones())
            raise ValueError(
                f'calendar "{self.name}": "{self.timezone}" is not a time zone{hint}: '
                'use a name such as "Europe/Madrid" or "UTC"'
            ) from None

    @_special.default
    def _find_special(self) -> tuple[date, date]:
        # the dates between which the weekly pattern is broken; outside them it repeats
        dates = [*self.holidays, *self.overrides]
        return (min(dates), max(dates)) if dates else (date.max, date.min)

    @_always.default
    def _find_always(self) -> bool:
        if self.holidays or self.overrides or len(self.weekly) != 7:
            return False
        return all(_union(_spans(self.weekly[day], self.weekly[day - 1])) == [(0, DAY)] for day in range(7))

    def is_open(self, at: datetime) -> bool:
        """Tell whether *at* lies in a window; a closing time is closed, an opening time is open.

        :raises ValueError: *at* has no time zone.
        """
        at = _utc(at)
        if self._always:
            return True
        day = at.astimezone(self._zone).date()
        # a repeated hour around midnight can put an instant into the window of the date before or after its own
        return any(
            start <= at < end for each in (day, day - _ONE_DAY, day + _ONE_DAY) for start, end in self._open_on(each)
        )

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Yield the open stretches within ``[start, end)`` in order, as UTC instants, computed as they are asked for.

        Stretches that touch, also at midnight, are one. A reversed or empty range yields nothing.

        :raises ValueError: a bound has no time zone.
        """
        return self._merged(_utc(start), _utc(end))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the elapsed open time from *start* to *end*, in absolute time and not wall-clock time.

        Negative when *end* is before *start*, so that ``between(a, b) == -between(b, a)`` and
        ``between(a, b) + between(b, c) == between(a, c)`` hold in any order.

        :raises ValueError: a bound has no time zone.
        """
        start, end = _utc(start), _utc(end)
        if self._always:
            return end - start
        if end < start:
            return -self.between(end, start)
        total = _ZERO
        for opening, closing in self._ahead(start, end):
            total += min(closing, end) - max(opening, start)
        return total

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the earliest instant at or after *start* by which *amount* of open time has passed.

        Time used up exactly at closing time gives that closing time. A negative amount walks backwards and gives
        the latest such instant at or before *start*: an opening time when it is used up exactly there. Zero gives
        *start*, also while closed.

        :raises ValueError: *start* has no time zone, or the calendar is not open for that long within
            :data:`HORIZON` (because it never opens, for instance).
        """
        start = _utc(start)
        try:
            if self._always or not amount:
                return start + amount
            found = self._forward(start, amount) if amount > _ZERO else self._backward(start, -amount)
        except OverflowError:
            found = None
        if found is None:
            raise ValueError(
                f'calendar "{self.name}" is not open for {format_duration(abs(amount))} within 100 years '
                f"{'after' if amount > _ZERO else 'before'} {start.date()}: "
                "check its hours, holidays and overrides, and the duration"
            )
        return found

    def next_opening(self, at: datetime) -> datetime | None:
        """Return the first instant after *at* at which the calendar goes from closed to open, in UTC.

        While it is open that is the opening after the next closing. None when it never opens again, also when
        it is open from now on.

        :raises ValueError: *at* has no time zone.
        """
        at = _utc(at)
        return next((start for start, _ in self._merged(at, self._settled(at)) if start > at), None)

    def next_closing(self, at: datetime) -> datetime | None:
        """Return the first instant after *at* at which the calendar goes from open to closed, in UTC.

        While it is closed that is the closing after the next opening. None when it never closes again, also when
        it never opens.

        :raises ValueError: *at* has no time zone.
        """
        at = _utc(at)
        limit = self._settled(at)
        return next((end for _, end in self._merged(at, limit) if end < limit), None)

    def _settled(self, at: datetime) -> datetime:
        # an instant before which every edge that the weekly pattern has must have come up
        last = min(max(at.date(), self._special[1]), date.max - timedelta(days=2 * _SETTLED))
        return datetime.combine(last + timedelta(days=_SETTLED), time.min, UTC)

    def _merged(self, start: datetime, end: datetime) -> Iterator[Interval]:
        if self._always:
            if start < end:
                yield start, end
            return
        opening = closing = start
        for first, last in self._ahead(start, end):
            if first > closing:
                if opening < closing:
                    yield opening, closing
                opening = first
            closing = min(last, end)
        if opening < closing:
            yield opening, closing

    def _forward(self, start: datetime, amount: timedelta) -> datetime | None:
        for opening, closing in self._ahead(start, start + HORIZON):
            opening = max(opening, start)
            if closing - opening >= amount:
                return opening + amount
            amount -= closing - opening
        return None

    def _backward(self, start: datetime, amount: timedelta) -> datetime | None:
        for opening, closing in self._behind(start, start - HORIZON):
            closing = min(closing, start)
            if closing - opening >= amount:
                return closing - amount
            amount -= closing - opening
        return None

    def _ahead(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Yield the unclipped open stretches of each date that overlap ``[start, end)``, in order."""
        day = start.astimezone(self._zone).date() - _ONE_DAY
        quiet = 0
        while quiet < _SETTLED:
            spans = self._open_on(day)
            for span in spans:
                if span[0] >= end:
                    return
                if span[1] > start:
                    yield span
            if not spans:
                if self._midnight(day) >= end:
                    return
                quiet = quiet + 1 if day > self._special[1] else 0
            else:
                quiet = 0
            day += _ONE_DAY

    def _behind(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Yield the unclipped open stretches of each date that begin before *start*, latest first, back to *end*."""
        day = start.astimezone(self._zone).date() + _ONE_DAY
        quiet = 0
        while quiet < _SETTLED:
            spans = self._open_on(day)
            for span in reversed(spans):
                if span[1] <= end:
                    return
                if span[0] < start:
                    yield span
            if not spans:
                if self._midnight(day) < end:
                    return
                quiet = quiet + 1 if day < self._special[0] else 0
            else:
                quiet = 0
            day -= _ONE_DAY

    def _open_on(self, day: date) -> tuple[Interval, ...]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            found = self._days[day] = self._compute(day)
        return found

    def _compute(self, day: date) -> tuple[Interval, ...]:
        if day in self.holidays:
            return ()
        floor, ceiling = self._midnight(day), self._midnight(day + _ONE_DAY)
        spans = _spans(self._windows(day), self._windows(day - _ONE_DAY))
        # the union is taken of instants: windows that are apart on the wall clock can overlap around a gap
        instants = ((max(floor, self._instant(day, a)), min(ceiling, self._instant(day, b))) for a, b in spans)
        return tuple(_union((start, end) for start, end in instants if start < end))

    def _windows(self, day: date) -> Windows:
        found = self.overrides.get(day)
        return self.weekly[day.weekday()] if found is None else found

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone).astimezone(UTC)

    def _instant(self, day: date, second: int) -> datetime:
        # adding before the zone is attached keeps this wall time; the default fold is the first occurrence, and in
        # a gap the offset before the change, which moves the time forward by the gap
        wall = datetime.combine(day, time.min) + timedelta(seconds=second)
        return wall.replace(tzinfo=self._zone).astimezone(UTC)


def _utc(at: datetime) -> datetime:
    # also when it has a zone: subtracting two datetimes of one zone gives wall-clock time, not elapsed time
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone: business time needs aware datetimes")
    return at.astimezone(UTC)


def _spans(windows: Windows, before: Windows) -> list[Window]:
    """Return what *windows* and the overnight ones of the date *before* cover of one date, as local seconds."""
    own = [(start, end if end > start else DAY) for start, end in windows]
    return own + [(0, end) for start, end in before if 0 < end <= start]


def _union(spans: Iterable[tuple[_T, _T]]) -> list[tuple[_T, _T]]:
    merged: list[tuple[_T, _T]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


ALWAYS: Final = Calendar(name="always", timezone="UTC", weekly=EVERY_DAY)
"""Open round the clock: ``between`` is ``end - start`` and ``add`` is ``start + amount``."""
