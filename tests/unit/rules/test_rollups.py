"""Reports from sums: what they say, and that sums which are kept up give the same as all conversations at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import events as f
from carekit.ground.calendars import Calendar, parse_hours
from carekit.rules import statistics
from carekit.rules.metrics import Measured, measure
from carekit.rules.rollups import Sums, quantile, report, three_digits

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
OFFICE = Calendar("office", "UTC", parse_hours({"mon-fri": ["09:00-09:30"]}))

IN = f.MessageReceived("hello", "x")
OUT = f.MessageSent("agent:ana", "hi")
SURVEY = f.SurveyOffered("stars", "csat", "How was it?", 5)


def _answer(score: int) -> f.SurveyAnswered:
    return f.SurveyAnswered("stars", "csat", score, 5, score > 3)


def _log(*steps: tuple[float, f.Fact], id: str = "c1", channel: str = "loop") -> list[f.Event]:
    facts = [(0.0, f.ConversationStarted(channel, "main", "p1")), *steps]
    return [
        f.Event(id, seq, START + timedelta(minutes=at), "service", fact, position=seq)
        for seq, (at, fact) in enumerate(facts, 1)
    ]


def _report(*logs: list[f.Event], calendar: Calendar | None = None) -> dict[str, Any]:
    days: dict[str, Sums] = {}
    for measured in measure(event for log in logs for event in log).values():
        days.setdefault(measured.channel, Sums()).add(measured, calendar)
    return report(days.items())


# --- what a report says


def test_an_empty_report_has_no_figures_instead_of_zeros() -> None:
    """Without conversations medians, rates and scores are none."""
    report = _report()
    assert (report["conversations"], report["resolution_rate"], report["csat"]["score"]) == (0, None, None)
    assert report["first_response"]["calendar"] == {"median_s": None, "p90_s": None, "n": 0}


def test_undefined_values_are_left_out_of_medians() -> None:
    """A conversation without a first response does not drag the median to 0."""
    report = _report(_log((0, IN), (10, OUT)), _log((0, IN), id="c2"), _log((0, IN), (20, OUT), id="c3"))
    assert report["first_response"]["calendar"] == {"median_s": 900, "p90_s": pytest.approx(1140), "n": 2}


def test_business_time_is_told_beside_calendar_time() -> None:
    """With office hours to 9:30 a reply at 10:00 took 60 minutes by the calendar and 30 of business."""
    report = _report(_log((0, IN), (60, OUT)), calendar=OFFICE)
    assert report["first_response"]["calendar"]["median_s"] == 3600
    assert report["first_response"]["business"]["median_s"] == 1800


def test_without_a_calendar_there_is_no_business_time() -> None:
    """It is left out, not taken for calendar time."""
    assert _report(_log((0, IN), (60, OUT)))["first_response"]["business"]["n"] == 0


def test_satisfaction_has_its_interval_and_response_rate() -> None:
    """Three of four positive is 75 %, between Wilson's bounds, with the share of the asked who answered."""
    logs = [_log((0, SURVEY), (1, _answer(score)), id=f"c{n}") for n, score in enumerate((5, 4, 5, 1))]
    csat = _report(*logs, _log((0, SURVEY), id="silent"))["csat"]
    assert (csat["score"], csat["n"], csat["offered"], csat["response_rate"]) == (75, 4, 5, 0.8)
    assert (csat["low"], csat["high"]) == (pytest.approx(30.06, abs=0.01), pytest.approx(95.44, abs=0.01))


def test_channels_add_up_to_the_whole() -> None:
    """Each channel has its own figures, and their counts are those of the whole."""
    report = _report(_log((0, IN)), _log((0, IN), (1, OUT), id="c2", channel="mail"))
    assert set(report["by_channel"]) == {"loop", "mail"}
    assert sum(channel["messages"] for channel in report["by_channel"].values()) == report["messages"] == 2
    assert report["by_channel"]["mail"]["replies"] == 1


# --- sums that are kept up

FACTS: st.SearchStrategy[f.Fact] = st.sampled_from(
    [
        IN,
        OUT,
        f.MessageReceived("away", "x", automatic=True),
        f.MessageSent("bot:faq", "hi", "answer"),
        f.Resolved(),
        f.Reopened(),
        f.BotAnswered("faq", 2),
        f.HandedOff("faq", "requested"),
        f.TargetMet("a"),
        f.TargetBreached("a", "first_response"),
        SURVEY,
        _answer(5),
        _answer(1),
        f.Closed(),
    ]
)


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**6), FACTS), max_size=40),
    cuts=st.sets(st.integers(0, 40), max_size=6),
)
@settings(max_examples=150)
def test_sums_that_are_kept_up_are_those_of_all_conversations(
    steps: list[tuple[int, int, f.Fact]], cuts: set[int]
) -> None:
    """However the log is cut into pieces, taking out and putting in again ends where counting once does."""
    log = [
        f.Event(f"c{n}", 1, START, "service", f.ConversationStarted("loop", "main", "p1"), position=n + 1)
        for n in range(4)
    ]
    now = START
    for stream, seconds, fact in steps:
        now += timedelta(seconds=seconds)
        log.append(f.Event(f"c{stream}", len(log), now, "service", fact, position=len(log) + 1))

    kept, sums = dict[str, Measured](), Sums()
    bounds = [0, *sorted(cut for cut in cuts if cut < len(log)), len(log)]
    for begin, end in pairwise(bounds):
        for id in {event.stream for event in log[begin:end]} & set(kept):
            sums.add(kept[id], OFFICE, -1)
        kept = measure(log[begin:end], kept)
        for id in {event.stream for event in log[begin:end]}:
            sums.add(kept[id], OFFICE)

    once = Sums()
    for measured in measure(log).values():
        once.add(measured, OFFICE)
    assert sums == once


def test_everything_taken_out_leaves_nothing() -> None:
    """No row of zeros stays behind."""
    [measured] = measure(_log((0, IN), (3, OUT), (9, f.Resolved()))).values()
    sums = Sums()
    sums.add(measured, OFFICE)
    sums.add(measured, OFFICE, -1)
    assert sums == Sums()


def test_merging_is_adding() -> None:
    """The sums of two days are those of both days' conversations."""
    parts = [measure(_log((0, IN), (n, OUT), id=f"c{n}")) for n in (2, 2, 7)]
    merged, together = Sums(), Sums()
    for part in parts:
        [measured] = part.values()
        one = Sums()
        one.add(measured, None)
        merged.merge(one)
        together.add(measured, None)
    assert merged == together


# --- durations


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (0, 0), (0.4, 0), (0.6, 1), (999, 999), (999.6, 1000), (1004, 1000), (1005, 1010), (12_345, 12_300),
        (86_400, 86_400), (1_234_567, 1_230_000), (9_996_000, 10_000_000),
    ],
)  # fmt: skip
def test_durations_keep_three_digits(seconds: float, kept: int) -> None:
    """To the second below a thousand, three significant digits above."""
    assert three_digits(seconds) == kept


@given(st.floats(0, 10**9))
def test_durations_are_off_by_at_most_half_a_percent(seconds: float) -> None:
    """Half a second, or half a part in a hundred."""
    assert abs(three_digits(seconds) - seconds) <= max(0.5, seconds * 0.005 + 0.5)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.sampled_from([0.5, 0.9]))
def test_quantiles_of_counts_are_those_of_the_values(values: list[int], share: float) -> None:
    """R's type 7, as for a plain list."""
    random.Random(0).shuffle(values)
    counted = {value: values.count(value) for value in values}
    plain = statistics.median(values) if share == 0.5 else statistics.p90(values)
    assert quantile(counted, share) == pytest.approx(plain)


def test_there_is_no_quantile_of_nothing() -> None:
    """None, never 0."""
    assert quantile({}, 0.5) is None
