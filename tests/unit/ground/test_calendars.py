"""Business time: the published cases, the laws they follow from, and the edges of calendars."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.ground.calendars import ALWAYS, Calendar, parse_hours

CASES = Path(__file__).resolve().parents[3] / "../shared/data/business_hours.json"
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def calendar_of(spec: dict[str, Any]) -> Calendar:
    def seconds(text: str) -> int:
        hours, minutes = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60

    def windows(pairs: list[list[str]]) -> tuple[tuple[int, int], ...]:
        return tuple((seconds(start), seconds(end)) for start, end in pairs)

    return Calendar(
        name="case",
        timezone=spec["tz"],
        weekly=tuple(windows([[s, e] for number, s, e in spec["weekly"] if number == day]) for day in range(7)),
        holidays=frozenset(date.fromisoformat(day) for day in spec["holidays"]),
        overrides={date.fromisoformat(day): windows(pairs) for day, pairs in spec.get("overrides", {}).items()},
    )


def published_cases() -> list[Any]:
    if not CASES.exists():
        reason = "no business_hours.json: place the shared reference data next to the repository as shared/data"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    return [pytest.param(case, id=case["id"]) for case in json.loads(CASES.read_text(encoding="utf-8"))["cases"]]


@pytest.mark.parametrize("case", published_cases())
def test_published_case_gives_its_expected_value(case: dict[str, Any]) -> None:
    """Every case agreed between independent implementations is met exactly, to the second."""
    calendar = calendar_of(case["calendar"])
    if case["op"] == "between":
        assert calendar.between(at(case["start"]), at(case["end"])) == timedelta(seconds=case["expect"])
    else:
        assert calendar.add(at(case["start"]), timedelta(seconds=case["seconds"])) == at(case["expect"])


OFFICE = Calendar("office", "Europe/Madrid", parse_hours({"mon-fri": ["09:00-13:00", "14:00-18:00"]}))
NIGHT = Calendar("night", "America/New_York", parse_hours({"mon-sun": ["22:00-06:00"]}))
SYDNEY = Calendar("sydney", "Australia/Lord_Howe", parse_hours({"sat-mon": ["01:30-02:15", "02:15-24:00"]}))
FEAST = Calendar(
    "feast",
    "Europe/Berlin",
    parse_hours({"mon-thu": ["08:00-12:00"], "fri": ["20:00-04:00"]}),
    holidays=frozenset({date(2024, 5, 1), date(2024, 10, 4)}),
    overrides={date(2024, 4, 30): ((36_000, 7_200),), date(2024, 10, 27): ((3_600, 14_400),)},
)
ROUND_THE_CLOCK = Calendar("24x7", "Europe/Berlin", parse_hours("always"))

instants = st.datetimes(datetime(2024, 1, 1), datetime(2025, 6, 1), timezones=st.just(UTC))
amounts = st.timedeltas(timedelta(0), timedelta(days=20))
calendars = st.sampled_from([OFFICE, NIGHT, SYDNEY, FEAST, ROUND_THE_CLOCK, ALWAYS])


@given(calendars, instants, amounts)
def test_between_measures_what_add_added(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    """Adding open time and measuring it again gives the same amount."""
    assert calendar.between(start, calendar.add(start, amount)) == amount


@given(calendars, instants, amounts)
def test_between_measures_what_add_took_away(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    """Walking backwards is the mirror of walking forwards."""
    assert calendar.between(start, calendar.add(start, -amount)) == -amount


@given(calendars, instants, amounts, amounts)
def test_add_is_additive(calendar: Calendar, start: datetime, first: timedelta, second: timedelta) -> None:
    """Two additions in a row end where one addition of their sum ends, unless the second one is nothing."""
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)


@given(calendars, instants, instants, amounts)
def test_add_is_monotone_in_its_start(calendar: Calendar, one: datetime, other: datetime, amount: timedelta) -> None:
    """Whoever starts later is not due earlier."""
    early, late = sorted([one, other])
    assert calendar.add(early, amount) <= calendar.add(late, amount)


@given(calendars, instants, instants, instants)
def test_between_adds_up_in_any_order(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    """A stretch may be cut anywhere, also outside of it."""
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)


@given(calendars, instants, instants)
def test_between_is_at_most_the_elapsed_time(calendar: Calendar, one: datetime, other: datetime) -> None:
    """Open time is never negative in order and never more than all the time there was."""
    start, end = sorted([one, other])
    assert timedelta(0) <= calendar.between(start, end) <= end - start


@given(st.sampled_from([ALWAYS, ROUND_THE_CLOCK]), instants, instants)
def test_round_the_clock_is_plain_time(calendar: Calendar, start: datetime, end: datetime) -> None:
    """With every hour open, business time is elapsed time, also across clock changes."""
    assert calendar.between(start, end) == end - start
    assert calendar.add(start, end - start) == end


@given(instants, instants, st.dates(date(2024, 1, 1), date(2025, 6, 1)))
def test_a_holiday_never_adds_open_time(one: datetime, other: datetime, day: date) -> None:
    """Closing a date can only make the open time shorter."""
    start, end = sorted([one, other])
    closed = Calendar("closed", FEAST.timezone, FEAST.weekly, FEAST.holidays | {day}, FEAST.overrides)
    assert closed.between(start, end) <= FEAST.between(start, end)


@given(instants, instants, st.integers(0, 86_399), st.integers(0, 86_400))
def test_a_window_never_takes_open_time_away(one: datetime, other: datetime, opening: int, closing: int) -> None:
    """Opening for longer can only make the open time longer."""
    start, end = sorted([one, other])
    weekly = (*FEAST.weekly[:6], (*FEAST.weekly[6], (opening, closing)))
    wider = Calendar("wider", FEAST.timezone, weekly, FEAST.holidays, FEAST.overrides)
    assert wider.between(start, end) >= FEAST.between(start, end)


@given(calendars, instants, amounts)
def test_intervals_are_apart_ordered_and_sum_to_between(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    """The stretches neither touch nor overlap, lie in the range, and add up to the open time."""
    found = list(calendar.intervals(start, start + amount))
    edges = [edge for interval in found for edge in interval]
    assert edges == sorted(set(edges))
    assert all(start <= edge <= start + amount for edge in edges)
    assert sum((b - a for a, b in found), timedelta(0)) == calendar.between(start, start + amount)


@given(calendars, instants)
def test_is_open_agrees_with_the_second_that_follows(calendar: Calendar, moment: datetime) -> None:
    """An instant is open exactly when time spent from it on counts."""
    moment = moment.replace(microsecond=0)
    assert calendar.is_open(moment) == (calendar.between(moment, moment + SECOND) == SECOND)


@settings(max_examples=50)
@given(calendars, instants)
def test_next_opening_and_closing_are_edges(calendar: Calendar, moment: datetime) -> None:
    """The next opening is closed just before and open at it; the next closing the other way round."""
    opening, closing = calendar.next_opening(moment), calendar.next_closing(moment)
    tick = timedelta(microseconds=1)
    if opening is not None:
        assert opening > moment
        assert (calendar.is_open(opening - tick), calendar.is_open(opening)) == (False, True)
    if closing is not None:
        assert closing > moment
        assert (calendar.is_open(closing - tick), calendar.is_open(closing)) == (True, False)


def test_time_used_up_at_closing_time_is_due_at_closing_time() -> None:
    """Eight hours from the opening end at that day's closing, not at the next opening."""
    assert OFFICE.add(at("2024-01-08T08:00:00Z"), 8 * HOUR) == at("2024-01-08T17:00:00Z")


def test_time_taken_away_up_to_the_opening_ends_at_the_opening() -> None:
    """Walking back exactly one day of work ends at that day's opening, not at the closing before."""
    assert OFFICE.add(at("2024-01-08T17:00:00Z"), -8 * HOUR) == at("2024-01-08T08:00:00Z")


def test_adding_nothing_while_closed_changes_nothing() -> None:
    """Zero open time has passed at the start itself, wherever it lies."""
    assert OFFICE.add(at("2024-01-07T03:00:00Z"), timedelta(0)) == at("2024-01-07T03:00:00Z")


def test_results_are_in_utc_whatever_zone_was_asked_in() -> None:
    """A local instant is understood and answered in UTC."""
    due = OFFICE.add(datetime(2024, 1, 8, 9, 0, tzinfo=ZoneInfo("Europe/Madrid")), HOUR)
    assert (due, due.tzinfo) == (at("2024-01-08T09:00:00Z"), UTC)


def test_local_datetimes_across_a_clock_change_are_measured_in_elapsed_time() -> None:
    """Two instants of one zone are 25 hours apart on the day the clocks go back, for every calendar."""
    berlin = ZoneInfo("Europe/Berlin")
    day = (datetime(2024, 10, 27, tzinfo=berlin), datetime(2024, 10, 28, tzinfo=berlin))
    assert (ROUND_THE_CLOCK.between(*day), ALWAYS.between(*day)) == (25 * HOUR, 25 * HOUR)


@pytest.mark.parametrize("hours", ["00:00-24:00", "00:00-00:00"])
def test_a_full_sunday_has_as_many_hours_as_the_clock_change_leaves(hours: str) -> None:
    """A Sunday open from midnight to midnight lasts 23 hours in spring and 25 in autumn."""
    sunday = Calendar("sunday", "Europe/Berlin", parse_hours({"sun": [hours]}))
    spring = sunday.between(at("2024-03-30T00:00:00Z"), at("2024-04-02T00:00:00Z"))
    autumn = sunday.between(at("2024-10-26T00:00:00Z"), at("2024-10-29T00:00:00Z"))
    assert (spring, autumn) == (23 * HOUR, 25 * HOUR)


def test_an_opening_in_the_spring_gap_moves_forward_by_the_gap() -> None:
    """02:30 does not exist that Sunday, so the window opens at 03:30."""
    early = Calendar("early", "America/New_York", parse_hours({"sun": ["02:30-10:00"]}))
    assert early.next_opening(at("2024-03-10T00:00:00Z")) == at("2024-03-10T07:30:00Z")


def test_windows_pushed_together_by_a_gap_are_not_counted_twice() -> None:
    """02:30 becomes 03:30 and overlaps the window that opens at 03:00; the shared half hour counts once."""
    split = Calendar("split", "America/New_York", parse_hours({"sun": ["01:00-02:30", "03:00-05:00"]}))
    assert split.between(at("2024-03-10T00:00:00Z"), at("2024-03-11T00:00:00Z")) == 3 * HOUR


def test_a_repeated_hour_means_its_first_occurrence() -> None:
    """A window ending 01:30 on the autumn Sunday ends at the first 01:30."""
    late = Calendar("late", "America/New_York", parse_hours({"sun": ["00:00-01:30"]}))
    assert late.next_closing(at("2024-11-03T04:30:00Z")) == at("2024-11-03T05:30:00Z")


def test_a_date_that_its_zone_skipped_is_empty() -> None:
    """Samoa had no 30 December 2011, so nobody worked that Friday."""
    samoa = Calendar("samoa", "Pacific/Apia", parse_hours({"fri": ["09:00-17:00"]}))
    assert samoa.between(at("2011-12-28T00:00:00Z"), at("2012-01-03T00:00:00Z")) == timedelta(0)
    assert samoa.next_opening(at("2011-12-24T12:00:00Z")) == at("2012-01-05T19:00:00Z")


def test_a_window_into_a_holiday_ends_at_midnight() -> None:
    """The night shift before the holiday stops when the holiday begins."""
    night = Calendar("night", "UTC", NIGHT.weekly, holidays=frozenset({date(2024, 5, 1)}))
    assert night.next_closing(at("2024-04-30T23:00:00Z")) == at("2024-05-01T00:00:00Z")


def test_a_window_that_begins_on_a_holiday_survives_after_midnight() -> None:
    """The part of the night shift that lies on the next, ordinary date is worked."""
    night = Calendar("night", "UTC", NIGHT.weekly, holidays=frozenset({date(2024, 5, 1)}))
    found = list(night.intervals(at("2024-05-01T00:00:00Z"), at("2024-05-02T12:00:00Z")))
    assert found == [(at("2024-05-02T00:00:00Z"), at("2024-05-02T06:00:00Z"))]


def test_an_override_replaces_the_windows_of_its_date() -> None:
    """Christmas Eve until noon closes the afternoon of that date only."""
    eve = Calendar("eve", "UTC", OFFICE.weekly, overrides={date(2024, 12, 24): ((32_400, 43_200),)})
    assert eve.between(at("2024-12-24T00:00:00Z"), at("2024-12-26T00:00:00Z")) == 11 * HOUR


def test_an_empty_override_closes_its_date() -> None:
    """No windows of its own means closed, not the weekly hours."""
    shut = Calendar("shut", "UTC", OFFICE.weekly, overrides={date(2024, 12, 24): ()})
    assert not shut.is_open(at("2024-12-24T10:00:00Z"))


def test_an_override_leaves_the_shift_that_began_the_evening_before() -> None:
    """Windows belong to the date on which they begin."""
    night = Calendar("night", "UTC", NIGHT.weekly, overrides={date(2024, 5, 1): ()})
    assert night.is_open(at("2024-05-01T05:00:00Z"))
    assert not night.is_open(at("2024-05-01T23:00:00Z"))


def test_a_holiday_closes_an_override_of_the_same_date() -> None:
    """A date that is both is closed."""
    both = Calendar(
        "both", "UTC", OFFICE.weekly, frozenset({date(2024, 5, 1)}), overrides={date(2024, 5, 1): ((0, 86_400),)}
    )
    assert not both.is_open(at("2024-05-01T10:00:00Z"))


def test_stretches_that_touch_at_midnight_are_one_interval() -> None:
    """Monday and Tuesday round the clock are one stretch of 48 hours."""
    two = Calendar("two", "UTC", parse_hours({"mon-tue": ["00:00-24:00"]}))
    found = list(two.intervals(at("2024-01-06T00:00:00Z"), at("2024-01-12T00:00:00Z")))
    assert found == [(at("2024-01-08T00:00:00Z"), at("2024-01-10T00:00:00Z"))]


def test_a_reversed_range_has_no_intervals() -> None:
    """Nothing lies between a later and an earlier instant."""
    assert list(OFFICE.intervals(at("2024-01-09T00:00:00Z"), at("2024-01-08T00:00:00Z"))) == []
    assert list(ALWAYS.intervals(at("2024-01-09T00:00:00Z"), at("2024-01-08T00:00:00Z"))) == []


def test_intervals_are_computed_as_they_are_asked_for() -> None:
    """The first stretch of a range of centuries comes without walking the centuries."""
    calendar = Calendar("lazy", "UTC", OFFICE.weekly)
    next(calendar.intervals(at("2024-01-08T00:00:00Z"), at("9000-01-01T00:00:00Z")))
    assert len(calendar._days) < 10


def test_next_opening_while_open_is_the_one_after_the_break() -> None:
    """Whoever asks while the door is open hears of the next time it opens."""
    assert OFFICE.next_opening(at("2024-01-08T09:00:00Z")) == at("2024-01-08T13:00:00Z")


def test_next_opening_at_an_opening_is_the_one_after() -> None:
    """The answer is always later than the question."""
    assert OFFICE.next_opening(at("2024-01-08T13:00:00Z")) == at("2024-01-09T08:00:00Z")


def test_next_closing_while_closed_is_the_one_after_the_opening() -> None:
    """At the weekend the next closing is Monday's lunch break."""
    assert OFFICE.next_closing(at("2024-01-06T12:00:00Z")) == at("2024-01-08T12:00:00Z")


@pytest.mark.parametrize("calendar", [ALWAYS, ROUND_THE_CLOCK, Calendar("never", "UTC", ((),) * 7)])
def test_a_calendar_without_edges_has_no_next_one(calendar: Calendar) -> None:
    """What never opens or never closes answers None to both questions."""
    moment = at("2024-01-08T09:00:00Z")
    assert (calendar.next_opening(moment), calendar.next_closing(moment)) == (None, None)


def test_a_distant_override_is_found() -> None:
    """A calendar that opens on one date years ahead has its next opening there."""
    once = Calendar("once", "UTC", ((),) * 7, overrides={date(2034, 2, 3): ((36_000, 39_600),)})
    assert once.next_opening(at("2024-01-01T00:00:00Z")) == at("2034-02-03T10:00:00Z")
    assert once.add(at("2024-01-01T00:00:00Z"), HOUR) == at("2034-02-03T11:00:00Z")
    assert once.add(at("2044-01-01T00:00:00Z"), -HOUR) == at("2034-02-03T10:00:00Z")


def test_open_from_now_on_closes_for_the_last_holiday_only() -> None:
    """Round the clock with one holiday closes once, and never again after it."""
    nearly = Calendar("nearly", "UTC", ROUND_THE_CLOCK.weekly, holidays=frozenset({date(2030, 1, 1)}))
    assert nearly.next_closing(at("2024-01-01T00:00:00Z")) == at("2030-01-01T00:00:00Z")
    assert nearly.next_opening(at("2024-01-01T00:00:00Z")) == at("2030-01-02T00:00:00Z")
    assert nearly.next_closing(at("2030-01-02T00:00:00Z")) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_adding_to_a_calendar_that_never_opens_says_so(sign: int) -> None:
    """The error names the calendar and what to check instead of searching for ever."""
    never = Calendar("never", "UTC", ((),) * 7, holidays=frozenset({date(2024, 5, 1)}))
    with pytest.raises(ValueError, match=r'calendar "never" is not open for 1 h within 100 years (after|before) 2024'):
        never.add(at("2024-01-01T00:00:00Z"), sign * HOUR)


@pytest.mark.parametrize("sign", [1, -1])
def test_adding_more_than_a_hundred_years_hold_says_so(sign: int) -> None:
    """One hour a week does not reach a thousand days of work, forwards or backwards."""
    sparse = Calendar("sparse", "UTC", parse_hours({"wed": ["13:00-14:00"]}))
    with pytest.raises(ValueError, match="within 100 years"):
        sparse.add(at("2024-01-01T00:00:00Z"), sign * timedelta(days=1000))


@pytest.mark.parametrize(("start", "sign"), [("1850-01-01T00:00:00Z", 1), ("2200-01-01T00:00:00Z", -1)])
def test_an_opening_beyond_a_hundred_years_is_not_reached(start: str, sign: int) -> None:
    """The search ends at its horizon even where an opening lies behind it."""
    once = Calendar("once", "UTC", ((),) * 7, overrides={date(2034, 2, 3): ((36_000, 39_600),)})
    with pytest.raises(ValueError, match="within 100 years"):
        once.add(at(start), sign * HOUR)


@pytest.mark.parametrize("calendar", [OFFICE, ALWAYS])
def test_adding_past_the_end_of_time_says_so(calendar: Calendar) -> None:
    """What no datetime can hold is a ValueError like every other refusal."""
    with pytest.raises(ValueError, match="is not open for"):
        calendar.add(at("9990-01-01T00:00:00Z"), timedelta(days=100_000))


def test_a_naive_datetime_is_refused() -> None:
    """Business time cannot be guessed from a time without a zone."""
    naive = datetime(2024, 1, 8, 9)
    for question in (OFFICE.is_open, OFFICE.next_opening, OFFICE.next_closing):
        with pytest.raises(ValueError, match="has no time zone"):
            question(naive)
    with pytest.raises(ValueError, match="has no time zone"):
        OFFICE.intervals(naive, naive)


def test_a_fixed_offset_is_an_aware_datetime() -> None:
    """Any aware datetime will do, not only UTC."""
    moment = datetime(2024, 1, 8, 10, tzinfo=timezone(timedelta(hours=1)))
    assert OFFICE.is_open(moment)


def test_an_unknown_time_zone_is_named_with_a_suggestion() -> None:
    """A misspelt zone is found when the calendar is made."""
    with pytest.raises(ValueError, match=r'"Europe/Madird" is not a time zone \(did you mean "Europe/Madrid"\?\)'):
        Calendar("office", "Europe/Madird", OFFICE.weekly)


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "/etc/localtime"])
def test_a_path_is_not_a_time_zone(name: str) -> None:
    """Whatever the zone database makes of a strange name, the error is ours."""
    with pytest.raises(ValueError, match="is not a time zone"):
        Calendar("office", name, OFFICE.weekly)


def test_a_week_needs_seven_days() -> None:
    """Six days are a mistake, not a closed Sunday."""
    with pytest.raises(ValueError, match="6 days instead of 7"):
        Calendar("office", "UTC", ((),) * 6)


@pytest.mark.parametrize("window", [(-1, 10), (86_400, 10), (0, 86_401)])
def test_a_window_out_of_the_day_is_refused(window: tuple[int, int]) -> None:
    """Seconds must lie in the day, in the week as in an override."""
    with pytest.raises(ValueError, match="out of range"):
        Calendar("office", "UTC", ((window,),) * 7)
    with pytest.raises(ValueError, match="out of range"):
        Calendar("office", "UTC", ((),) * 7, overrides={date(2024, 1, 1): (window,)})


def test_equal_calendars_are_equal_and_hash_alike() -> None:
    """A calendar is a value: what it has cached does not matter."""
    one, other = (Calendar("o", "UTC", OFFICE.weekly, overrides={date(2024, 1, 1): ()}) for _ in range(2))
    one.is_open(at("2024-01-01T00:00:00Z"))
    assert (one, hash(one)) == (other, hash(other))


def test_the_cache_stays_bounded() -> None:
    """A walk over decades does not keep every date it saw."""
    calendar = Calendar("long", "UTC", OFFICE.weekly)
    calendar.between(at("2000-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z"))
    assert len(calendar._days) <= 4_096
