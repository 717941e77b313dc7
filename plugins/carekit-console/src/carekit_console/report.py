"""The report as figures and bars to show. Every key of the desk's report may be missing: the page then says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import attrs

from carekit_console.words import remaining

ENOUGH: Final = 10
"""Answers below which a percentage would say more than is known."""


@attrs.frozen
class Figure:
    """A headline number with what it is based on."""

    label: str
    value: str
    basis: str


@attrs.frozen
class Bar:
    """One bar: ``share`` of the longest, 0 to 100."""

    label: str
    value: str
    share: float
    note: str = ""


@attrs.frozen
class Chart:
    """Bars of one kind, and what they count."""

    key: str
    title: str
    basis: str
    bars: tuple[Bar, ...]


@attrs.frozen
class Summary:
    """A whole report; ``conversations`` is None when the desk did not count them."""

    conversations: int | None
    figures: tuple[Figure, ...]
    charts: tuple[Chart, ...]


def summary(report: Mapping[str, object], titles: Mapping[str, str]) -> Summary:
    """What to show of *report*; *titles* names the channels."""
    count = report.get("conversations")
    conversations = count if isinstance(count, int) else None
    charts = [
        _durations(
            "first-reply", "First reply", report.get("first_response"), "From the first message to our first reply"
        ),
        _durations("resolution", "Resolution", report.get("resolution"), "From the start to the last resolution"),
        _channels(report.get("by_channel"), titles),
        _targets(report.get("targets")),
    ]
    figures = (
        Figure("Conversations", "–" if conversations is None else f"{conversations:,}", "that began in the period"),
        _median(report.get("first_response"), "First reply"),
        _median(report.get("resolution"), "Resolution"),
        _rate(report.get("resolution_rate")),
        _satisfaction(report.get("csat")),
    )
    return Summary(conversations, figures, tuple(chart for chart in charts if chart.bars))


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def _median(value: object, label: str) -> Figure:
    table = _table(value)
    basis = "business" if _number(_table(table.get("business")).get("median_s")) is not None else "calendar"
    times = _table(table.get(basis))
    seconds, n = _number(times.get("median_s")), _number(times.get("n"))
    if seconds is None:
        return Figure(label, "–", "nothing to measure yet")
    words = "business hours" if basis == "business" else "calendar time"
    return Figure(label, _length(seconds), f"median, {words}{f', {int(n)} measured' if n is not None else ''}")


def _rate(value: object) -> Figure:
    rate = _number(value)
    if rate is None:
        return Figure("Resolved", "–", "nothing to measure yet")
    return Figure("Resolved", _percent(rate * 100 if rate <= 1 else rate), "of the conversations in the period")


def _satisfaction(value: object) -> Figure:
    table = _table(value)
    n, score = int(_number(table.get("n")) or 0), _number(table.get("score"))
    if score is None or n == 0:
        return Figure("Satisfaction", "–", "no answers yet")
    if n < ENOUGH:
        return Figure("Satisfaction", "–", f"not enough answers ({n})")
    low, high = _number(table.get("low")), _number(table.get("high"))
    interval = f", 95 % interval {low:.0f} to {high:.0f} %" if low is not None and high is not None else ""
    return Figure("Satisfaction", _percent(score), f"{n} answers{interval}")


def _durations(key: str, title: str, value: object, basis: str) -> Chart:
    table = _table(value)
    found: list[tuple[str, float, str]] = []
    for kind, words in (("calendar", "calendar time"), ("business", "business hours")):
        times = _table(table.get(kind))
        n = _number(times.get("n"))
        for name, label in (("median_s", "Median"), ("p90_s", "90th percentile")):
            seconds = _number(times.get(name))
            if seconds is not None:
                found.append((f"{label}, {words}", seconds, f"{int(n)} measured" if n is not None else ""))
    longest = max((seconds for _, seconds, _ in found), default=0.0)
    bars = tuple(Bar(label, _length(seconds), _share(seconds, longest), note) for label, seconds, note in found)
    return Chart(key, title, basis, bars)


def _channels(value: object, titles: Mapping[str, str]) -> Chart:
    counted: list[tuple[str, float]] = []
    for name, entry in _table(value).items():
        count = _number(entry)
        if count is None:
            count = _number(_table(entry).get("conversations"))
        if count is not None:
            counted.append((titles.get(str(name), str(name)), count))
    counted.sort(key=lambda pair: (-pair[1], pair[0]))
    most = max((count for _, count in counted), default=0.0)
    bars = tuple(Bar(label, f"{count:,.0f}", _share(count, most)) for label, count in counted)
    return Chart("channels", "Conversations by channel", "Conversations that began in the period", bars)


def _targets(value: object) -> Chart:
    table = _table(value)
    met, missed = _number(table.get("met")) or 0.0, _number(table.get("breached")) or 0.0
    counted = (("Met", met), ("Missed", missed)) if met + missed else ()
    bars = tuple(Bar(label, f"{count:,.0f}", _share(count, met + missed)) for label, count in counted)
    return Chart("targets", "Promises about time", "Targets of these conversations that were met or missed", bars)


def _share(value: float, longest: float) -> float:
    return round(100 * value / longest, 1) if longest > 0 else 0.0


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else remaining(timedelta(seconds=seconds))
