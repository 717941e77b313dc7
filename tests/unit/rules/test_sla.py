"""Targets are counted in business time that stands still while paused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.calendars import ALWAYS, Calendar, parse_hours
from carekit.ground.hours import DAYS
from carekit.rules.sla import due, elapsed

CASES = Path(__file__).resolve().parents[3] / "../shared/data/sla.json"
HOUR = timedelta(hours=1)
OFFICE = Calendar("office", "Europe/Madrid", parse_hours({"mon-fri": ["09:00-13:00", "14:00-18:00"]}))
START = datetime(2024, 1, 12, 8, tzinfo=UTC)  # Friday 09:00 in Madrid
PAUSED = frozenset({"waiting"})


def published_cases() -> list[Any]:
    if not CASES.exists():
        reason = "no sla.json: place the shared reference data next to the repository as shared/data"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    return [pytest.param(case, id=case["id"]) for case in json.loads(CASES.read_text(encoding="utf-8"))["cases"]]


def calendar_of(spec: dict[str, Any]) -> Calendar:
    hours: dict[str, list[str]] = {}
    for day, start, end in spec["weekly"]:
        hours.setdefault(DAYS[day], []).append(f"{start}-{end}")
    holidays = frozenset(datetime.fromisoformat(day).date() for day in spec["holidays"])
    return Calendar("case", spec["tz"], parse_hours(hours), holidays)


@pytest.mark.parametrize("case", published_cases())
def test_published_case_gives_its_expected_value(case: dict[str, Any]) -> None:
    """Every published and computed case is met to the second."""
    calendar = calendar_of(case["calendar"])
    history = [(datetime.fromisoformat(moment), state) for moment, state in case["history"]]
    if case.get("drop_final_pause"):
        history[-1] = (history[-1][0], "not pausing")
    start = datetime.fromisoformat(case["start"])
    if case["op"] == "due":
        found = due(calendar, history, case["paused_states"], start, timedelta(seconds=case["target_seconds"]))
        assert found == datetime.fromisoformat(case["expect"])
    else:
        end = datetime.fromisoformat(case["end"])
        expected = timedelta(seconds=case["expect"])
        assert elapsed(calendar, history, case["paused_states"], start, end) == expected


def test_a_pause_over_the_weekend_takes_nothing_from_office_hours() -> None:
    """Waiting from Friday's closing to Monday's opening leaves the deadline where it was."""
    history = [
        (START, "open"),
        (datetime(2024, 1, 12, 17, tzinfo=UTC), "waiting"),
        (datetime(2024, 1, 15, 8, tzinfo=UTC), "open"),
    ]
    assert due(OFFICE, history, PAUSED, START, 10 * HOUR) == due(OFFICE, [], PAUSED, START, 10 * HOUR)


def test_nothing_is_due_while_the_clock_stands_still() -> None:
    """A conversation that waits with time left has no deadline until it moves."""
    history = [(START, "open"), (START + HOUR, "waiting")]
    assert due(OFFICE, history, PAUSED, START, 2 * HOUR) is None


def test_a_target_used_up_before_the_pause_is_due() -> None:
    """Waiting afterwards does not undo a deadline."""
    history = [(START, "open"), (START + HOUR, "waiting")]
    assert due(OFFICE, history, PAUSED, START, HOUR) == START + HOUR


def test_a_target_of_zero_is_due_at_the_start_even_while_paused() -> None:
    """Nothing is used up at once."""
    assert due(OFFICE, [(START, "waiting")], PAUSED, START, timedelta(0)) == START


def test_nothing_is_paused_before_the_history_begins() -> None:
    """Without a state yet, the clock runs."""
    assert elapsed(ALWAYS, [(START + HOUR, "waiting")], PAUSED, START, START + 5 * HOUR) == HOUR


def test_a_state_from_before_the_start_still_holds() -> None:
    """A clock that starts in the middle of a pause waits for its end."""
    history = [(START - HOUR, "waiting"), (START + HOUR, "open")]
    assert elapsed(ALWAYS, history, PAUSED, START, START + 3 * HOUR) == 2 * HOUR


def test_the_last_of_several_states_at_one_instant_holds() -> None:
    """Two changes in one moment leave the later entry in force."""
    history = [(START, "open"), (START + HOUR, "waiting"), (START + HOUR, "open")]
    assert elapsed(ALWAYS, history, PAUSED, START, START + 3 * HOUR) == 3 * HOUR


def test_a_reversed_range_has_nothing_elapsed() -> None:
    """The clock does not run before its start."""
    assert elapsed(ALWAYS, [], PAUSED, START, START - HOUR) == timedelta(0)


def test_a_history_out_of_order_is_refused() -> None:
    """A shuffled history would be counted wrongly in silence."""
    history = [(START + HOUR, "waiting"), (START, "open")]
    with pytest.raises(ValueError, match="history is not in order of time"):
        elapsed(ALWAYS, history, PAUSED, START, START + HOUR)


def test_a_negative_target_is_refused() -> None:
    """There is no deadline before the start."""
    with pytest.raises(ValueError, match="a target is zero or more"):
        due(ALWAYS, [], PAUSED, START, -HOUR)


minutes = st.integers(0, 10_000)
histories = st.lists(st.tuples(minutes, st.sampled_from(["open", "waiting"])), max_size=8).map(
    lambda pairs: [(START + timedelta(minutes=minute), state) for minute, state in sorted(pairs, key=lambda p: p[0])]
)


@given(st.sampled_from([OFFICE, ALWAYS]), histories, st.integers(1, 5_000))
def test_due_is_the_earliest_instant_with_the_target_elapsed(
    calendar: Calendar, history: list[tuple[datetime, str]], target: int
) -> None:
    """At the due instant exactly the target has elapsed, and a moment before it less; without one it never will."""
    wanted = timedelta(minutes=target)
    found = due(calendar, history, PAUSED, START, wanted)
    if found is None:
        assert elapsed(calendar, history, PAUSED, START, START + timedelta(days=365)) < wanted
    else:
        assert elapsed(calendar, history, PAUSED, START, found) == wanted
        assert elapsed(calendar, history, PAUSED, START, found - timedelta(microseconds=1)) < wanted


@given(st.sampled_from([OFFICE, ALWAYS]), histories, minutes)
def test_running_and_paused_time_make_up_the_open_time(
    calendar: Calendar, history: list[tuple[datetime, str]], length: int
) -> None:
    """What runs under one set of paused states stands still under the other."""
    history = [(START, "open"), *history]
    end = START + timedelta(minutes=length)
    running = elapsed(calendar, history, {"waiting"}, START, end)
    standing = elapsed(calendar, history, {"open"}, START, end)
    assert running + standing == calendar.between(START, end)
