"""The report from sums instead of the log: what each conversation adds to the sums of the day on which it began.

A conversation's contribution is taken out and put in again whenever it changes, so that the sums are always those of
the conversations as they stand. Durations are counted by value, exactly to the second below 1,000 s and to three
significant digits above; medians and percentiles are taken over these values (R's type 7), so they are off by at most
half a part in a hundred, whatever the distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from carekit.ground.calendars import Calendar
from carekit.rules.metrics import Measured, Span
from carekit.rules.statistics import wilson

SPANS = ("first_response", "next_response", "resolution", "first_resolution")
"""The durations of a report."""
Counts = dict[int, int]
"""How often each whole number of seconds was measured."""


class Sums(msgspec.Struct):
    """What the conversations of one day, channel and inbox add up to."""

    counts: dict[str, int] = msgspec.field(default_factory=dict)
    durations: dict[str, Counts] = msgspec.field(default_factory=dict)
    """By what is measured and on which clock: ``first_response.business``."""

    def add(self, measured: Measured, calendar: Calendar | None, sign: int = 1) -> None:
        """Put a conversation in, or with a *sign* of -1 take it out; *calendar* is that of its channel."""
        for name, number in _counts_of(measured).items():
            _count(self.counts, name, sign * number)
        for name, span in _spans_of(measured):
            self._add_duration(f"{name}.calendar", span.seconds(), sign)
            if calendar is not None:
                self._add_duration(f"{name}.business", span.seconds(calendar), sign)

    def _add_duration(self, name: str, seconds: float, sign: int) -> None:
        counted = self.durations.setdefault(name, {})
        _count(counted, three_digits(seconds), sign)
        if not counted:
            del self.durations[name]

    def merge(self, other: Sums) -> None:
        """Put everything of *other* in, too."""
        for name, number in other.counts.items():
            _count(self.counts, name, number)
        for name, counted in other.durations.items():
            mine = self.durations.setdefault(name, {})
            for seconds, number in counted.items():
                _count(mine, seconds, number)


def three_digits(seconds: float) -> int:
    """*seconds* as a whole number of at most three significant digits."""
    whole = round(seconds)
    unit = 1
    while whole // unit >= 1000:
        unit *= 10
    return (whole + unit // 2) // unit * unit


def _count(counts: dict[Any, int], key: Any, number: int) -> None:
    total = counts.get(key, 0) + number
    if total:
        counts[key] = total
    else:
        counts.pop(key, None)


def _counts_of(m: Measured) -> dict[str, int]:
    answers = [answer for answer in m.answers if answer.survey_kind == "csat"]
    return {
        "conversations": 1,
        "messages": m.inbound,
        "replies": m.replies,
        "resolved": int(m.resolved),
        "reopens": m.reopens,
        "csat_answers": len(answers),
        "csat_positive": sum(answer.positive for answer in answers),
        "surveys_offered": m.surveys_offered,
        "targets_met": m.targets_met,
        "targets_breached": m.targets_breached,
        "bot_conversations": int(bool(m.bot_answers or m.bot_misses or m.handed_off)),
        "bot_handed_off": int(bool(m.handed_off)),
        "bot_contained": int(m.contained),
    }


def _spans_of(m: Measured) -> Iterable[tuple[str, Span]]:
    if m.first_response is not None:
        yield "first_response", m.first_response
    for span in m.next_responses:
        yield "next_response", span
    if m.resolution is not None and m.resolved:
        yield "resolution", m.resolution
    if m.first_resolution is not None:
        yield "first_resolution", m.first_resolution


# --- the report


def report(days: Iterable[tuple[str, Sums]]) -> dict[str, Any]:
    """The figures over the sums of *days*, each with its channel, altogether and by channel."""
    everything, channels = Sums(), dict[str, Sums]()
    for channel, sums in days:
        everything.merge(sums)
        channels.setdefault(channel, Sums()).merge(sums)
    return {**figures(everything), "by_channel": {name: figures(channels[name]) for name in sorted(channels)}}


def figures(sums: Sums) -> dict[str, Any]:
    """The figures of a report as plain JSON values, durations in seconds."""
    count = sums.counts.get
    total = count("conversations", 0)
    return {
        "conversations": total,
        "messages": count("messages", 0),
        "replies": count("replies", 0),
        **{name: _durations(sums, name) for name in SPANS},
        "resolved": count("resolved", 0),
        "resolution_rate": count("resolved", 0) / total if total else None,
        "reopens": count("reopens", 0),
        "csat": _csat(sums),
        "targets": {"met": count("targets_met", 0), "breached": count("targets_breached", 0)},
        "bot": {name: count(f"bot_{name}", 0) for name in ("conversations", "handed_off", "contained")},
    }


def _durations(sums: Sums, name: str) -> dict[str, Any]:
    return {clock: _summary(sums.durations.get(f"{name}.{clock}", {})) for clock in ("calendar", "business")}


def _summary(counted: Mapping[int, int]) -> dict[str, Any]:
    return {"median_s": quantile(counted, 0.5), "p90_s": quantile(counted, 0.9), "n": sum(counted.values())}


def quantile(counted: Mapping[int, int], share: float) -> float | None:
    """The quantile of values with how often each was seen, None without any: R's type 7, as for a plain list."""
    total = sum(counted.values())
    if not total:
        return None
    place = (total - 1) * share
    low = _at(counted, int(place))
    high = _at(counted, min(int(place) + 1, total - 1))
    return low + (high - low) * (place - int(place))


def _at(counted: Mapping[int, int], index: int) -> float:
    """The value at *index* of all values in order."""
    seen = 0
    for value in sorted(counted):
        seen += counted[value]
        if seen > index:
            return float(value)
    raise IndexError(index)


def _csat(sums: Sums) -> dict[str, Any]:
    count = sums.counts.get
    answers, positive, offered = count("csat_answers", 0), count("csat_positive", 0), count("surveys_offered", 0)
    bounds = wilson(positive, answers) if answers else None
    return {
        "score": 100 * positive / answers if answers else None,
        "positive": positive,
        "n": answers,
        "low": 100 * bounds[0] if bounds else None,
        "high": 100 * bounds[1] if bounds else None,
        "offered": offered,
        "response_rate": answers / offered if offered else None,
    }
