"""Quiet hours by the contact's clock, and the pace of a number."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_sms.quiet import Pace, Quiet, parse_hours

MADRID, TOKYO, MOBILE, RUSSIA, TOLL_FREE = (
    "+34911000000",
    "+81312345678",
    "+34612345678",
    "+79161234567",
    "+18005551234",
)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "number", "now", "until"),
    [
        ("21:00-08:00", MADRID, at("2026-11-24 20:59", "Europe/Madrid"), None),
        ("21:00-08:00", MADRID, at("2026-11-24 21:00", "Europe/Madrid"), at("2026-11-25 08:00", "Europe/Madrid")),
        ("21:00-08:00", MADRID, at("2026-11-25 07:59", "Europe/Madrid"), at("2026-11-25 08:00", "Europe/Madrid")),
        ("21:00-08:00", MADRID, at("2026-11-25 08:00", "Europe/Madrid"), None),
        ("13:00-15:00", MADRID, at("2026-11-25 14:00", "Europe/Madrid"), at("2026-11-25 15:00", "Europe/Madrid")),
        ("21:00-08:00", TOKYO, at("2026-11-24 12:30"), at("2026-11-25 08:00", "Asia/Tokyo")),
        ("21:00-08:00", MOBILE, at("2026-11-25 08:30", "Europe/Madrid"), at("2026-11-25 09:00", "Europe/Madrid")),
    ],
)
def test_quiet_hours_end_on_the_contacts_clock(hours: str, number: str, now: datetime, until: datetime | None) -> None:
    """Over midnight or not; a number that may lie in two zones waits for both."""
    assert Quiet(hours, "", MADRID).until(number, now) == until


def test_the_files_zone_wins() -> None:
    """Where the file names a zone, numbers do not matter."""
    assert Quiet("21:00-08:00", "UTC", MADRID).until(TOKYO, at("2026-11-24 12:30")) is None


def test_a_number_of_nowhere_goes_by_ours() -> None:
    """And where ours says nothing either, by UTC."""
    now = at("2026-11-24 21:30")
    assert Quiet("21:00-08:00", "", TOKYO).until("+447700900123", now) == at("2026-11-25 08:00", "Asia/Tokyo")
    assert Quiet("21:00-08:00", "", "13013").until("+447700900123", now) == at("2026-11-25 08:00")


def test_a_wide_country_has_a_moment_for_all() -> None:
    """From Kaliningrad to Kamchatka the hours left over are few; where there are none, our own zone decides."""
    until = Quiet("21:00-08:00", "", MADRID).until(RUSSIA, at("2026-11-24 12:00"))
    assert until is not None
    for zone in ("Europe/Moscow", "Asia/Kamchatka"):
        assert 8 <= until.astimezone(ZoneInfo(zone)).hour < 21
    quiet = Quiet("18:00-12:00", "", MADRID)
    assert quiet.until(TOLL_FREE, at("2026-11-24 13:00", "Europe/Madrid")) is None


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    hours=st.sampled_from(["21:00-08:00", "00:00-06:30", "01:30-02:30", "02:15-02:45", "12:00-11:00"]),
    zone=st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
)
def test_what_is_held_is_let_go_on_any_day(now: datetime, hours: str, zone: str) -> None:
    """Also on the nights when clocks change: the end lies ahead, within a day and a bit, and is not quiet itself."""
    quiet = Quiet(hours, zone, MADRID)
    until = quiet.until(MADRID, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet.until(MADRID, until) is None


@pytest.mark.parametrize("hours", ["", "21-8", "21:00", "25:00-08:00", "21:60-08:00", "08:00-08:00"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    """With an example of what to write."""
    with pytest.raises(ValueError, match=r"write them like|leave some hours"):
        parse_hours(hours)


@given(arrivals=st.lists(st.integers(0, 20_000), min_size=1, max_size=60), rate=st.sampled_from([0.5, 1.0, 3.0]))
def test_a_pace_is_never_exceeded(arrivals: list[int], rate: float) -> None:
    """However texts come, those let go are a step apart, each once, and each when it was told or later."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    pace, step = Pace(rate), timedelta(seconds=1 / rate)
    waiting = sorted((start + timedelta(milliseconds=ms), f"text {number}") for number, ms in enumerate(arrivals))
    gone: list[datetime] = []
    while waiting:
        now, id = waiting.pop(0)
        until = pace.until(id, now)
        if until is None:
            gone.append(now)
        else:
            assert until > now
            waiting = sorted([*waiting, (until, id)])
    assert len(gone) == len(arrivals)
    assert all(after - before >= step for before, after in itertools.pairwise(gone))


def test_places_that_nobody_comes_for_are_forgotten() -> None:
    """A text that was erased while it waited leaves nothing behind for long."""
    pace, now = Pace(1.0), datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(50):
        pace.until(f"text {number}", now)
    assert len(pace._places) == 49
    assert pace.until("later", now + timedelta(hours=3)) is None
    assert len(pace._places) == 0
