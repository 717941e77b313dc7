"""The view behind the report: what is measured of each conversation, and the sums of each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from carekit.facts.events import Event
from carekit.ground.calendars import Calendar
from carekit.rules.metrics import Measured, measure
from carekit.rules.rollups import Sums, report
from carekit.seams.scope import Scope
from carekit.seams.store import Store, ViewKey
from carekit.service.views.readers import Step

_VERSION = 1
"""Raised when the meaning of what is kept changes, so that it is made again from the log."""

_measured = msgspec.json.Decoder(Measured).decode
_sums = msgspec.json.Decoder(Sums).decode
_encode = msgspec.json.Encoder().encode


class ReportView:
    """Measures conversations. *hours* gives each channel's calendar, *timezone* says when a day begins.

    Both are part of its name: with other hours or another zone, everything is measured anew.
    """

    def __init__(self, hours: Mapping[str, Calendar], timezone: str) -> None:
        self._hours = hours
        self._zone = ZoneInfo(timezone)
        told = repr((_VERSION, timezone, sorted((name, repr(calendar)) for name, calendar in hours.items())))
        self.name = f"report-{sha256(told.encode()).hexdigest()[:12]}"
        self._of_each = f"{self.name}-each"

    def step(self, events: Sequence[Event], store: Store) -> Step:
        streams = {event.stream for event in events}
        kept = store.rows(self._of_each, streams)
        before = {id: _measured(text) for id, text in kept.items()}
        after = measure(events, {id: _measured(text) for id, text in kept.items()})
        days = self._sums({self._day(m) for m in after.values()}, store)
        for id, measured in after.items():
            sums, calendar = days[self._day(measured)], self._hours.get(measured.channel)
            if id in before:
                sums.add(before[id], calendar, -1)
            sums.add(measured, calendar)
        rows: dict[ViewKey, str] = {(self.name, day): _encode(sums).decode() for day, sums in days.items()}
        for id, measured in after.items():
            rows[self._of_each, id] = _encode(measured).decode()
        return Step(rows)

    def _sums(self, days: set[str], store: Store) -> dict[str, Sums]:
        kept = store.rows(self.name, days)
        return {day: _sums(kept[day]) if day in kept else Sums() for day in days}

    def _day(self, measured: Measured) -> str:
        """The key of the sums that a conversation belongs to: day, channel and inbox."""
        day = measured.started_at.astimezone(self._zone).date()
        return f"{day.isoformat()}\t{measured.channel}\t{measured.inbox}"

    def read(
        self, store: Store, scope: Scope, since: datetime | None, until: datetime | None, now: datetime
    ) -> dict[str, object]:
        """The report over the days from that of *since* to that of *until*, both included, within *scope*."""
        first = since.astimezone(self._zone).date() if since else date.min
        last = _last_day((until or now).astimezone(self._zone))
        days = []
        for key, text in store.view(self.name, first.isoformat(), f"{last.isoformat()}\x7f"):
            _, channel, inbox = key.split("\t")
            if (scope.inboxes is None or inbox in scope.inboxes) and scope.channel in ("", channel):
                days.append((channel, _sums(text)))
        return {"period": self._period(since and first, last), **report(days)}

    def _period(self, first: date | None, last: date) -> dict[str, Any]:
        end = datetime.combine(last + timedelta(days=1), datetime.min.time(), self._zone)
        return {
            "since": datetime.combine(first, datetime.min.time(), self._zone).isoformat() if first else None,
            "until": end.isoformat(),
            "timezone": self._zone.key,
            "basis": "conversations by the day on which they began, as they stand now",
        }


def _last_day(until: datetime) -> date:
    """The last day that has begun before *until*."""
    midnight = until.time() == datetime.min.time()
    return until.date() - timedelta(days=1) if midnight else until.date()
