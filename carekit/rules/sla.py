"""The clock of a target: business time that stands still while a conversation is paused.

Both functions take the *history* of a conversation's states as ``(instant, state)`` pairs in order of time; a state
holds until the next pair, the last one for ever. Before the first pair nothing is paused. Paused time is measured
with the same calendar as the target itself, so a pause over a weekend takes nothing from a target in office hours.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from carekit.ground.calendars import Calendar

History: TypeAlias = Sequence[tuple[datetime, Hashable]]
"""States in order of time; the states may be statuses, texts or anything else that can be compared."""

_ZERO: Final = timedelta(0)


def elapsed(
    calendar: Calendar, history: History, paused: Collection[Hashable], start: datetime, end: datetime
) -> timedelta:
    """Return the open time of *calendar* in ``[start, end)`` during which the state was not one of *paused*.

    Nothing when *end* is not after *start*.

    :raises ValueError: an instant has no time zone, or *history* is not in order of time.
    """
    total = _ZERO
    for since, until in _running(history, paused, start):
        if since >= end:
            break
        total += calendar.between(since, end if until is None else min(until, end))
    return total


def due(
    calendar: Calendar, history: History, paused: Collection[Hashable], start: datetime, target: timedelta
) -> datetime | None:
    """Return the earliest instant *t* with ``elapsed(calendar, history, paused, start, t) == target``.

    None when the last state is a paused one and the target is not used up before it: the clock stands still, so
    nothing is due until the conversation moves. A target of zero is due at *start*.

    :raises ValueError: *target* is negative, an instant has no time zone, *history* is not in order of time, or the
        calendar is not open for so long (see :meth:`~carekit.ground.calendars.Calendar.add`).
    """
    if target < _ZERO:
        raise ValueError(f"a target is zero or more, not {target}")
    if target == _ZERO:
        return calendar.add(start, target)
    left = target
    for since, until in _running(history, paused, start):
        if until is None:
            return calendar.add(since, left)
        spent = calendar.between(since, until)
        if spent >= left:
            return calendar.add(since, left)
        left -= spent
    return None


def _running(
    history: History, paused: Collection[Hashable], start: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the stretches from *start* on in which the clock runs, the last one without an end."""
    since: datetime | None = start
    previous: datetime | None = None
    for at, state in history:
        if previous is not None and at < previous:
            raise ValueError(f"history is not in order of time: {at.isoformat()} follows {previous.isoformat()}")
        previous = at
        if state in paused:
            if since is not None and since < at:
                yield since, at
            since = None
        elif since is None:
            since = max(at, start)
    if since is not None:
        yield since, None
