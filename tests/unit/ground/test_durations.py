"""Durations are read as people write them and written as they can be read back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("4h", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1d 12h", timedelta(hours=36)),
        (" 2 h 5 min ", timedelta(minutes=125)),
        ("1W2D3H4M5S", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, expected: timedelta) -> None:
    """Numbers with units, together or apart, in either case, make a duration."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "4", "h", "4x", "4hours", "-4h", "1.5h", "4h 4h", "30m 1h", "1m 1min", "4h,", "1h 30", "٤h", "4 ſ"],
)
def test_anything_else_is_refused_with_what_is_accepted(text: str) -> None:
    """A missing, unknown, repeated or misplaced unit is an error that shows how to write it."""
    with pytest.raises(ValueError, match="is not a duration: write whole numbers") as caught:
        parse_duration(text)
    assert f'"{text}"' in str(caught.value)


@pytest.mark.parametrize("text", ["999999999999w", "99999999999d"])
def test_a_duration_longer_than_can_be_held_is_refused(text: str) -> None:
    """Too many weeks are a ValueError, never an OverflowError."""
    with pytest.raises(ValueError, match="too long for a duration"):
        parse_duration(text)


def test_a_refusal_repeats_only_the_start_of_a_long_text() -> None:
    """A pasted novel does not become the error message."""
    with pytest.raises(ValueError, match="is not a duration") as caught:
        parse_duration("x" * 100_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(hours=4), "4 h"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=1, hours=3), "1 d 3 h"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(weeks=2), "14 d"),
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=900), "0 s"),
        (timedelta(seconds=59, milliseconds=999), "59 s"),
        (timedelta(hours=-4), "-4 h"),
        (timedelta(milliseconds=-900), "0 s"),
    ],
)
def test_durations_are_written_in_short(duration: timedelta, expected: str) -> None:
    """Only the units that say something are written, fractions of a second never."""
    assert format_duration(duration) == expected


def test_only_the_largest_parts_are_written_when_asked() -> None:
    """A list has room for two units, and what is left out is cut off."""
    duration = timedelta(days=1, hours=3, minutes=59, seconds=59)
    assert [format_duration(duration, parts=count) for count in (1, 2, 9)] == ["1 d", "1 d 3 h", "1 d 3 h 59 min 59 s"]


def test_no_parts_at_all_is_refused() -> None:
    """A duration of no units would be an empty text."""
    with pytest.raises(ValueError, match="parts must be 1 or more, not 0"):
        format_duration(timedelta(hours=1), parts=0)


@given(st.integers(0, 10**10))
def test_what_is_written_can_be_read_back(seconds: int) -> None:
    """Writing and reading any number of seconds gives the same duration."""
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from("wdhms")), min_size=1, max_size=5))
def test_units_add_up_in_order_or_are_refused(parts: list[tuple[int, str]]) -> None:
    """Any units from largest to smallest, each once, sum; any other order is refused."""
    text = " ".join(f"{count}{unit}" for count, unit in parts)
    units = [unit for _, unit in parts]
    if units == sorted(set(units), key="wdhms".index):
        seconds = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
        assert parse_duration(text) == timedelta(seconds=sum(count * seconds[unit] for count, unit in parts))
    else:
        with pytest.raises(ValueError, match="is not a duration"):
            parse_duration(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a duration or a ValueError."""
    try:
        duration = parse_duration(text)
    except ValueError:
        return
    assert duration >= timedelta(0)
