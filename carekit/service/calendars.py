"""``[calendars.NAME]``: from the table to a calendar, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from carekit.ground.calendars import Calendar, country_holidays, parse_hours
from carekit.ground.suggest import did_you_mean
from carekit.service.structure import Problem
from carekit.service.tables import CalendarSettings

HOLIDAY_YEARS = range(2000, 2061)
"""Years for which public holidays are known to a calendar."""


def calendar_of(name: str, settings: CalendarSettings, zone: str) -> tuple[Calendar | None, list[Problem]]:
    """The calendar, in *zone* unless it names one, or None and every problem. *settings* may be a stand-in."""
    timezone = settings.timezone or zone
    problems = [Problem(("timezone",), fault)] if (fault := zone_fault(timezone)) else []
    hours = getattr(settings, "hours", "always")  # without a value: that has been told
    problems += [Problem(("hours",), fault) for fault in _hours_faults(hours)]
    holidays = frozenset[date]()
    try:
        holidays = _holidays(settings.holidays)
    except ValueError as error:
        problems.append(Problem(("holidays",), str(error)))
    if problems:
        return None, problems
    return Calendar(name, timezone, parse_hours(hours), holidays), []


def zone_fault(zone: str) -> str:
    """What is wrong with the name of a time zone, with the remedy; empty if nothing is."""
    known = available_timezones()
    if zone in known:
        return ""
    hint = did_you_mean(zone, known) or '; use a name such as "Europe/Madrid"'
    return f"{zone!r} is not a time zone{hint}"


def _hours_faults(hours: Any) -> Iterator[str]:
    """Of each day and each window, where one look at them all would end at the first."""
    if isinstance(hours, str):
        yield from _fault(hours)
    elif not isinstance(hours, Mapping):
        yield 'must be "always" or a table such as { mon-fri = ["09:00-17:00"] }'
    else:
        known: dict[str, list[str]] = {}
        for days, windows in hours.items():
            yield from (fault := _fault({days: []}))
            if not fault:
                known[days] = []
            for one in windows if isinstance(windows, list) else [windows]:
                piece = {days: [one] if isinstance(windows, list) else one}
                yield from (more for more in _fault(piece) if more not in fault)
        yield from _fault(known)  # a day that is given twice


def _fault(hours: Any) -> list[str]:
    try:
        parse_hours(hours)
    except ValueError as error:
        return [str(error)]
    return []


def _holidays(given: Any) -> frozenset[date]:
    """The dates; raises `ValueError` that says what is wrong."""
    if isinstance(given, dict):
        country, subdivision = given.get("country"), given.get("subdivision")
        if (
            set(given) - {"country", "subdivision"}
            or not isinstance(country, str)
            or not isinstance(subdivision, str | None)
        ):
            raise ValueError('must be { country = "ES" } with an optional subdivision, or a list of dates')
        return country_holidays(country, subdivision, HOLIDAY_YEARS)
    if isinstance(given, list) and all(type(day) is date for day in given):
        return frozenset(given)
    raise ValueError('must be a list of dates such as [2026-12-25], or { country = "ES" }')
