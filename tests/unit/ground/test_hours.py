"""Weekly opening hours are read from a table, and every mistake is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.hours import DAYS, EVERY_DAY, parse_hours, parse_window


def test_ranges_and_days_fill_the_week() -> None:
    """A range gives all its days the same windows; days not named are closed."""
    weekly = parse_hours({"mon-fri": ["09:00-13:00", "14:00-18:00"], "sat": ["10:00-14:00"]})
    assert weekly == (((32_400, 46_800), (50_400, 64_800)),) * 5 + (((36_000, 50_400),), ())


def test_a_range_may_wrap_around_the_week() -> None:
    """Friday to Monday is four days, not an error."""
    weekly = parse_hours({"fri-mon": ["10:00-11:00"]})
    assert [bool(windows) for windows in weekly] == [True, False, False, False, True, True, True]


def test_a_range_of_one_day_is_that_day() -> None:
    """From Monday to Monday is Monday, not the whole week."""
    assert [bool(windows) for windows in parse_hours({"mon-mon": ["10:00-11:00"]})] == [True] + [False] * 6


def test_full_names_capitals_and_spaces_are_read() -> None:
    """People write days in more than one way."""
    assert parse_hours({" Monday - FRI ": [" 9:00 – 17:00 "]}) == parse_hours({"mon-fri": ["09:00-17:00"]})


@pytest.mark.parametrize("text", ["always", " Always "])
def test_always_is_round_the_clock(text: str) -> None:
    """One word stands for seven full days."""
    assert parse_hours(text) == EVERY_DAY == parse_hours({"mon-sun": ["00:00-24:00"]})


def test_an_empty_list_closes_the_day() -> None:
    """A day may be named only to say that it is closed."""
    assert parse_hours({"sun": []}) == ((),) * 7


@pytest.mark.parametrize(
    ("text", "window"),
    [("22:00-06:00", (79_200, 21_600)), ("18:00-24:00", (64_800, 86_400)), ("00:00-00:00", (0, 0))],
)
def test_windows_may_end_at_midnight_or_after(text: str, window: tuple[int, int]) -> None:
    """An end at or before its start is kept as it is: the calendar reads it as the next day."""
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text", ["", "always", "9-17", "09:00", "24:00-06:00", "09:60-10:00", "09:00-24:01", "25:00-26:00"]
)
def test_a_bad_window_is_named_with_its_day(text: str) -> None:
    """The message says which day and which window, and how to write one."""
    with pytest.raises(ValueError, match='"mon-fri" has "') as caught:
        parse_hours({"mon-fri": ["09:00-12:00", text]})
    assert f'"{text}" is not a window' in str(caught.value)


def test_an_unknown_day_is_named_with_a_suggestion() -> None:
    """The message names the part, the key it stands in and the likely day."""
    with pytest.raises(ValueError, match=r'"firday" in "mon-firday" is not a day \(did you mean "friday"\?\)'):
        parse_hours({"mon-firday": ["09:00-17:00"]})


@pytest.mark.parametrize("key", ["", "mon-", "-fri", "mon-wed-fri", "everyday", "mon,tue"])
def test_a_key_that_is_no_day_or_range_is_refused(key: str) -> None:
    """Half a range, two ranges or a list are not guessed at."""
    with pytest.raises(ValueError, match="is not a day"):
        parse_hours({key: ["09:00-17:00"]})


def test_a_day_given_twice_names_both_keys() -> None:
    """Neither key silently wins."""
    with pytest.raises(ValueError, match='"fri" is given twice, by "mon-fri" and by "fri-sun"'):
        parse_hours({"mon-fri": ["09:00-17:00"], "fri-sun": ["10:00-12:00"]})


@pytest.mark.parametrize("value", ["09:00-17:00", 9, None])
def test_windows_must_be_a_list(value: Any) -> None:
    """A lone text is not read letter by letter."""
    with pytest.raises(ValueError, match='"mon" needs a list of windows'):
        parse_hours({"mon": value})


def test_another_word_than_always_is_refused() -> None:
    """The message offers both forms."""
    with pytest.raises(ValueError, match='"never" is not opening hours: write "always" or a table'):
        parse_hours("never")


@given(st.integers(0, 1439), st.integers(0, 1440))
def test_every_minute_of_the_day_can_be_written(start: int, end: int) -> None:
    """Any opening and closing minute is read back in seconds."""
    text = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    assert parse_window(text) == (start * 60, end * 60)


@given(st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_a_range_begins_and_ends_at_its_days(first: str, last: str) -> None:
    """Both ends are open, and as many days as lie from one to the other going forward."""
    weekly = parse_hours({f"{first}-{last}": ["09:00-17:00"]})
    assert weekly[DAYS.index(first)]
    assert weekly[DAYS.index(last)]
    assert sum(map(bool, weekly)) == (DAYS.index(last) - DAYS.index(first)) % 7 + 1
