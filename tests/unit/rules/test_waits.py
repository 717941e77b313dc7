"""Waits follow Erlang's formulas, and what is announced is an honest range."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.rules import waits

CASES = Path(__file__).resolve().parents[3] / "../shared/data/waits.json"
MINUTE = timedelta(minutes=1)


def required(
    transactions: float,
    aht: float,
    interval: float,
    asa: float,
    shrinkage: float,
    service_level: float,
    max_occupancy: float,
) -> Any:
    found = waits.staffing(
        transactions * aht / interval,
        aht,
        target=asa,
        level=service_level,
        max_occupancy=max_occupancy,
        shrinkage=shrinkage,
    )
    return {
        "raw_positions": found.agents,
        "positions": found.scheduled,
        "service_level": found.service_level,
        "occupancy": found.occupancy,
        "waiting_probability": found.wait_probability,
    }


def abandonment(calls_per_hour: float, aht_s: float, mean_patience_s: float, agents: int) -> Any:
    found = waits.erlang_a(agents, calls_per_hour / 3600, aht_s, mean_patience_s)
    return {
        "wait_probability": found.wait_probability,
        "abandon_probability": found.abandon_probability,
        "mean_queue": found.mean_queue,
        "mean_wait_s": found.mean_wait,
        "occupancy": found.occupancy,
    }


def position(servers: int, aht_s: float, ahead_in_queue: int) -> Any:
    quantiles = {f"p{p}_s": waits.position_quantile(ahead_in_queue, servers, aht_s, p / 100) for p in (50, 80, 90)}
    return {"mean_s": waits.position_mean(ahead_in_queue, servers, aht_s), **quantiles}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "erlang_b.blocking": waits.erlang_b,
    "erlang_b.required_with_shrinkage": lambda erlangs, max_blocking, shrinkage: waits.scheduled(
        waits.agents_for_blocking(erlangs, max_blocking), shrinkage
    ),
    "erlang_c.wait_probability": waits.erlang_c,
    "erlang_c.service_level": lambda agents, erlangs, aht_s, target_s: waits.service_level(
        agents, erlangs, aht_s, target_s
    ),
    "erlang_c.asa_s": lambda agents, erlangs, aht_s: waits.mean_wait(agents, erlangs, aht_s),
    "erlang_c.required": required,
    "erlang_a.metrics": abandonment,
    "wait.position": position,
}


def published_cases() -> list[Any]:
    if not CASES.exists():
        reason = "no waits.json: place the shared reference data next to the repository as shared/data"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    vendors = pytest.mark.skip(reason="a vendor's own formula, which is not used here")
    return [pytest.param(c, id=c["id"], marks=[vendors] if c["fn"].startswith("wait.vendor.") else []) for c in cases]


@pytest.mark.parametrize("case", published_cases())
def test_published_case_gives_its_expected_value(case: dict[str, Any]) -> None:
    """Every case is met within its own tolerance."""
    found = FUNCTIONS[case["fn"]](**case["input"])
    assert found == pytest.approx(case["expect"], rel=0, abs=case["tol"])


@pytest.mark.parametrize(("agents", "blocking"), [(0, 1.0), (1, 2 / 3), (2, 2 / 5)])
def test_blocking_follows_from_its_sum(agents: int, blocking: float) -> None:
    """With two erlangs the first values are simple fractions."""
    assert waits.erlang_b(agents, 2) == pytest.approx(blocking)


def test_without_load_nobody_is_turned_away_or_waits() -> None:
    """An idle desk answers at once."""
    assert (waits.erlang_b(3, 0), waits.erlang_c(3, 0), waits.mean_wait(3, 0, 300)) == (0, 0, 0)


@given(st.integers(1, 200), st.floats(0.01, 0.99))
def test_waiting_is_likelier_than_being_turned_away(agents: int, rho: float) -> None:
    """A queue keeps the agents busier than turning people away, and one more agent helps."""
    load = agents * rho
    assert 0 <= waits.erlang_b(agents, load) <= waits.erlang_c(agents, load) <= 1
    assert waits.erlang_c(agents + 1, load) <= waits.erlang_c(agents, load)


@pytest.mark.parametrize(("agents", "load"), [(3, 3.0), (3, 4.0), (0, 0.0)])
def test_an_overload_has_no_waiting_probability(agents: int, load: float) -> None:
    """A queue that grows for ever is an error, not a number."""
    with pytest.raises(ValueError, match="agents cannot keep up"):
        waits.erlang_c(agents, load)


@given(st.floats(0.1, 60), st.floats(0, 120), st.floats(0.5, 0.99))
def test_staffing_is_enough_and_no_more(load: float, target: float, level: float) -> None:
    """The agents found reach the level, and one fewer would not or could not keep up."""
    found = waits.staffing(load, 180, target=target, level=level)
    assert found.service_level >= level
    assert found.agents - 1 <= load or waits.service_level(found.agents - 1, load, 180, target) < level


def test_agents_for_blocking_is_enough_and_no_more() -> None:
    """Seventeen agents turn away at most 2 % of ten erlangs, sixteen more than that."""
    assert waits.agents_for_blocking(10, 0.02) == 17
    assert waits.erlang_b(17, 10) <= 0.02 < waits.erlang_b(16, 10)


@pytest.mark.parametrize(("agents", "shrinkage", "planned"), [(7, 0, 7), (7, 0.3, 10), (0, 0.3, 0), (1, 0.01, 2)])
def test_shrinkage_is_made_up_for(agents: int, shrinkage: float, planned: int) -> None:
    """So many are planned that enough are at work."""
    assert waits.scheduled(agents, shrinkage) == planned


def test_endless_patience_is_erlang_c() -> None:
    """When hardly anybody leaves, the queue is the one of those who always wait."""
    found = waits.erlang_a(12, 10 / 180, 180, 1e9)
    assert found.wait_probability == pytest.approx(waits.erlang_c(12, 10), abs=1e-5)
    assert found.mean_wait == pytest.approx(waits.mean_wait(12, 10, 180), abs=1e-3)


def test_no_patience_is_erlang_b() -> None:
    """When everybody leaves at once, those who would wait are those turned away."""
    found = waits.erlang_a(12, 10 / 180, 180, 1e-6)
    assert found.abandon_probability == pytest.approx(waits.erlang_b(12, 10), abs=1e-6)


@given(st.integers(0, 50), st.floats(0.001, 1), st.floats(10, 1000), st.floats(10, 1000))
def test_everybody_who_comes_is_handled_or_leaves(agents: int, arrivals: float, handle: float, patience: float) -> None:
    """Every load is stable, shares are shares, and the agents' work is what does not leave."""
    found = waits.erlang_a(agents, arrivals, handle, patience)
    assert -1e-9 <= found.abandon_probability <= found.wait_probability + 1e-9 <= 1 + 2e-9
    assert -1e-9 <= found.occupancy <= 1 + 1e-9
    assert found.mean_wait == pytest.approx(found.abandon_probability * patience)


def test_a_hopeless_overload_still_has_an_answer() -> None:
    """Thousands of arrivals for one agent: nearly all leave, after about their patience."""
    found = waits.erlang_a(1, 2.0, 600, 1800)
    assert found.abandon_probability == pytest.approx(1 - 1 / 1200, abs=1e-6)
    assert found.occupancy == pytest.approx(1)


def test_patience_of_those_ahead_shortens_the_wait() -> None:
    """Each one ahead may also leave: 1/(N mu) + 1/(N mu + theta)."""
    assert waits.position_mean(1, 2, 300, patience=600) == pytest.approx(1 / (2 / 300) + 1 / (2 / 300 + 1 / 600))
    assert waits.position_mean(1, 2, 300, patience=600) < waits.position_mean(1, 2, 300)


@given(st.integers(0, 400), st.integers(1, 50), st.floats(1, 10_000), st.floats(0.01, 0.99))
def test_position_quantiles_are_where_the_distribution_says(ahead: int, slots: int, handle: float, p: float) -> None:
    """At the quantile, the chance of enough releases is the one asked for."""
    x = waits.position_quantile(ahead, slots, handle, p) * slots / handle
    fewer = math.fsum(math.exp(i * math.log(x) - x - math.lgamma(i + 1)) for i in range(ahead + 1))
    assert 1 - fewer == pytest.approx(p, abs=1e-9)


def test_the_first_in_the_queue_waits_an_exponential_time() -> None:
    """Nobody ahead: the median is ln 2 times the mean."""
    assert waits.position_quantile(0, 3, 300, 0.5) == pytest.approx(100 * math.log(2))
    assert waits.position_quantile(0, 3, 300, 0) == 0
    assert waits.position_quantile(0, 3, 300, 5e-324) == pytest.approx(0)


def test_a_queue_of_thousands_has_a_quantile() -> None:
    """Far back, the median is close to the mean and no number overflows."""
    assert waits.position_quantile(9_999, 10, 60, 0.5) == pytest.approx(60_000, rel=1e-3)
    assert waits.position_quantile(9_999, 10, 60, 1e-9) == pytest.approx(60_000, rel=0.1)
    assert waits.position_quantile(9_999, 10, 60, 1 - 1e-9) == pytest.approx(60_000, rel=0.1)


# ---- what is announced


def test_the_announced_range_is_rounded_outwards() -> None:
    """A median of 4.2 and a P80 of 7.5 minutes are announced as 2 to 10."""
    found = waits.estimate_wait(ahead=1, slots=2, mean_handle=5 * MINUTE, completions=5)
    assert found is not None
    assert (found.low, found.high) == (2 * MINUTE, 10 * MINUTE)
    assert found.p50.total_seconds() == pytest.approx(251.752, abs=0.001)
    assert found.p80.total_seconds() == pytest.approx(449.146, abs=0.001)


def test_a_short_wait_is_announced_as_a_minute() -> None:
    """Seconds are never promised."""
    found = waits.estimate_wait(0, 20, MINUTE, 100)
    assert found is not None
    assert (found.low, found.high) == (MINUTE, MINUTE)


def test_a_long_wait_is_announced_in_half_hours() -> None:
    """Beyond half an hour, minutes would claim too much."""
    found = waits.estimate_wait(11, 1, 10 * MINUTE, 100)
    assert found is not None
    assert (found.low, found.high) == (90 * MINUTE, 150 * MINUTE)


@pytest.mark.parametrize(("slots", "completions"), [(0, 100), (2, 4), (0, 0)])
def test_no_number_is_announced_without_grounds(slots: int, completions: int) -> None:
    """Nobody on duty, or hardly any experience: say the position instead."""
    assert waits.estimate_wait(3, slots, 5 * MINUTE, completions) is None


@given(st.integers(0, 200), st.integers(1, 50), st.integers(1, 7_200))
def test_an_announced_range_holds_its_quantiles(ahead: int, slots: int, seconds: int) -> None:
    """The range lies on the steps, around the median and the P80, and grows with the queue."""
    found = waits.estimate_wait(ahead, slots, timedelta(seconds=seconds), 20)
    behind = waits.estimate_wait(ahead + 1, slots, timedelta(seconds=seconds), 20)
    assert found is not None
    assert behind is not None
    assert found.low <= max(found.p50, MINUTE)
    assert found.p80 <= found.high
    assert (found.low, found.high) <= (behind.low, behind.high)
    for edge in (found.low, found.high):
        assert edge // MINUTE in waits.STEPS or edge % (30 * MINUTE) == timedelta(0)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: waits.erlang_b(-1, 2), "agents and load are 0 or more"),
        (lambda: waits.erlang_b(1, math.nan), "agents and load are 0 or more"),
        (lambda: waits.agents_for_blocking(10, 0), "max_blocking is between 0 and 1"),
        (lambda: waits.service_level(3, 2, 0, 20), "a handling time is above 0"),
        (lambda: waits.service_level(3, 2, 180, -1), "a target is 0 seconds or more"),
        (lambda: waits.staffing(3, 180, target=20, level=1), "level is between 0 and 1"),
        (lambda: waits.staffing(3, 180, target=20, max_occupancy=0), "max_occupancy is above 0"),
        (lambda: waits.scheduled(3, 1), "shrinkage is at least 0 and below 1"),
        (lambda: waits.erlang_a(3, 0, 180, 60), "arrivals and patience are above 0"),
        (lambda: waits.position_mean(-1, 1, 60), "0 or more ahead and 1 or more slots"),
        (lambda: waits.position_mean(1, 0, 60), "0 or more ahead and 1 or more slots"),
        (lambda: waits.position_mean(1, 1, 60, patience=0), "patience is above 0"),
        (lambda: waits.position_quantile(1, 1, 60, 1), "at least 0 and below 1"),
        (lambda: waits.estimate_wait(1, -1, MINUTE, 5), "slots and completions are 0 or more"),
        (lambda: waits.estimate_wait(-1, 0, MINUTE, 5), "0 or more ahead"),
        (lambda: waits.estimate_wait(1, 1, 0 * MINUTE, 5), "a handling time is above 0"),
    ],
)
def test_impossible_questions_are_refused(ask: Callable[[], object], said: str) -> None:
    """Arguments outside of a formula's range are named."""
    with pytest.raises(ValueError, match=said):
        ask()
