"""Scores come with the rule they follow and with how much they prove."""

from __future__ import annotations

import json
import math
import statistics as library
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.rules import statistics

CASES = Path(__file__).resolve().parents[3] / "../shared/data/surveys.json"


def nps_stats(promoters: int, passives: int, detractors: int) -> Any:
    found = statistics.nps(promoters, passives, detractors)
    assert found is not None
    return {"nps": found.score, "variance": found.variance, "se": found.se, "moe95": found.moe95}


def nps_diff(a: list[int], b: list[int]) -> Any:
    before, after = statistics.nps(*a), statistics.nps(*b)
    assert before is not None
    assert after is not None
    found = statistics.nps_difference(before, after)
    return {"diff": found.diff, "se": found.se, "z": found.z, "p_two_sided": found.p_two_sided}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "csat.wilson95": lambda positive, responses: statistics.wilson(positive, responses),
    "csat.wilson": lambda positive, responses, confidence: statistics.wilson(positive, responses, confidence),
    "csat.clopper_pearson95": lambda positive, responses: statistics.clopper_pearson(positive, responses),
    "csat.score": lambda ratings, scale, positive: statistics.csat(ratings, scale, positive).percent,
    "csat.nonresponse_bounds": statistics.nonresponse_bounds,
    "ces.top_box": lambda ratings, scale, positive: statistics.ces(ratings, scale, positive).percent,
    "nps.stats": nps_stats,
    "nps.bucket": statistics.nps_bucket,
    "nps.diff": nps_diff,
}


def published_cases() -> list[Any]:
    if not CASES.exists():
        reason = "no surveys.json: place the shared reference data next to the repository as shared/data"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    elsewhere = pytest.mark.skip(reason="not a statistic: a rule of when to ask")
    return [pytest.param(c, id=c["id"], marks=[] if c["fn"] in FUNCTIONS else [elsewhere]) for c in cases]


@pytest.mark.parametrize("case", published_cases())
def test_published_case_gives_its_expected_value(case: dict[str, Any]) -> None:
    """Every case is met within its own tolerance."""
    found = FUNCTIONS[case["fn"]](**case["input"])
    expected = case["expect"]
    if isinstance(expected, str) or expected is None:
        assert found == expected
    elif isinstance(expected, list):
        assert list(found) == pytest.approx(expected, rel=0, abs=case["tol"])
    else:
        assert found == pytest.approx(expected, rel=0, abs=case["tol"])


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "p", "expected"),
    [([1, 2, 3, 4], 0.5, 2.5), ([4, 1, 3, 2], 0.25, 1.75), ([1, 2], 0.9, 1.9), ([7], 0.9, 7), ([3, 1], 1, 3)],
)
def test_quantiles_interpolate_between_neighbours(values: list[float], p: float, expected: float) -> None:
    """The rule is type 7: position (n - 1) p, linear in between."""
    assert statistics.quantile(values, p) == pytest.approx(expected)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_quantiles_agree_with_the_standard_library(values: list[float]) -> None:
    """The inclusive deciles of the standard library are the same rule."""
    mine = [statistics.quantile(values, step / 10) for step in range(1, 10)]
    assert mine == pytest.approx(library.quantiles(values, n=10, method="inclusive"), abs=1e-6)


@given(numbers, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_within_the_values(values: list[float], one: float, other: float) -> None:
    """A higher quantile is never smaller, and none leaves the range."""
    low = statistics.quantile(values, min(one, other))
    high = statistics.quantile(values, max(one, other))
    assert low is not None
    assert high is not None
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= low <= high + slack <= max(values) + 2 * slack


@given(numbers)
def test_median_and_p90_are_quantiles(values: list[float]) -> None:
    """The two everyday names follow the same rule."""
    assert statistics.median(values) == pytest.approx(library.median(values), abs=1e-6)
    assert statistics.p90(values) == statistics.quantile(values, 0.9)


def test_nothing_measured_is_none() -> None:
    """No values give no number, so that nobody averages a zero."""
    nothing = [
        statistics.quantile([], 0.5),
        statistics.median([]),
        statistics.p90([]),
        statistics.mean([]),
        statistics.wilson(0, 0),
        statistics.clopper_pearson(0, 0),
        statistics.nonresponse_bounds(0, 0, 0),
        statistics.top_box([], 5, [5]),
        statistics.nps(0, 0, 0),
    ]
    assert nothing == [None] * len(nothing)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_of_0_to_1_is_refused(p: float) -> None:
    """90 instead of 0.9 is found at once."""
    with pytest.raises(ValueError, match="a quantile is between 0 and 1"):
        statistics.quantile([1, 2], p)


@given(st.integers(1, 500), st.data(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_intervals_hold_the_observed_share(n: int, data: st.DataObject, confidence: float) -> None:
    """Both intervals lie in 0 to 1 around what was observed, Wilson's with its centre drawn to the middle."""
    positive = data.draw(st.integers(0, n))
    for interval in (statistics.wilson, statistics.clopper_pearson):
        found = interval(positive, n, confidence)
        assert found is not None
        assert 0 <= found[0] <= positive / n <= found[1] <= 1


@given(st.integers(1, 500), st.data())
def test_intervals_mirror_when_the_answers_do(n: int, data: st.DataObject) -> None:
    """Counting the negative answers instead turns the interval around."""
    positive = data.draw(st.integers(0, n))
    for interval in (statistics.wilson, statistics.clopper_pearson):
        one, other = interval(positive, n), interval(n - positive, n)
        assert one is not None
        assert other is not None
        assert one == pytest.approx((1 - other[1], 1 - other[0]), abs=1e-9)


def test_the_exact_interval_solves_its_definition() -> None:
    """At each end, the observed count or a more extreme one has a chance of exactly 2.5 %."""
    found = statistics.clopper_pearson(3, 12)
    assert found is not None

    def chance(counts: range, p: float) -> float:
        return sum(math.comb(12, k) * p**k * (1 - p) ** (12 - k) for k in counts)

    assert (chance(range(3, 13), found[0]), chance(range(4), found[1])) == pytest.approx((0.025, 0.025))


def test_more_answers_make_the_interval_narrower() -> None:
    """The same share of ten times the answers is better known."""
    few, many = statistics.wilson(9, 10), statistics.wilson(90, 100)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(("positive", "n"), [(-1, 5), (6, 5), (1, 0), (0, -1)])
def test_counts_that_are_no_share_are_refused(positive: int, n: int) -> None:
    """More positive answers than answers is a mistake upstream."""
    with pytest.raises(ValueError, match="is not a share"):
        statistics.wilson(positive, n)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_outside_of_0_to_1_is_refused(confidence: float) -> None:
    """95 instead of 0.95 is found at once, also without answers."""
    with pytest.raises(ValueError, match="confidence is between 0 and 1"):
        statistics.wilson(0, 0, confidence)


def test_csat_counts_the_two_best_of_five() -> None:
    """The score carries its count, interval and mean."""
    found = statistics.csat([5, 4, 3, 1])
    assert (found.positive, found.n, found.percent, found.mean) == (2, 4, 50.0, 3.25)
    assert found.interval == pytest.approx((15.0, 85.0), abs=0.1)


def test_ces_counts_five_to_seven_of_seven() -> None:
    """Effort is measured on seven steps."""
    found = statistics.ces([7, 5, 4, 1])
    assert (found.positive, found.percent, found.mean) == (2, 50.0, 4.25)


def test_a_score_without_answers_is_empty() -> None:
    """Nobody answered: there is a count of zero and nothing else."""
    assert statistics.csat([]) == statistics.Share(0, 0, None, None, None)


@pytest.mark.parametrize(("count", "few"), [(0, True), (19, True), (20, False)])
def test_few_answers_are_flagged(count: int, few: bool) -> None:
    """Below twenty answers a score is shown with a warning."""
    assert statistics.csat([5] * count).few is few


@pytest.mark.parametrize("ratings", [[0], [6], [5, -1]])
def test_a_rating_off_the_scale_is_refused(ratings: list[int]) -> None:
    """A 6 of 5 is not clamped to a 5."""
    with pytest.raises(ValueError, match="is not on the scale from 1 to 5"):
        statistics.csat(ratings)


@pytest.mark.parametrize(
    ("score", "bucket"),
    [
        (0, "detractor"),
        (6, "detractor"),
        (7, "passive"),
        (8, "passive"),
        (9, "promoter"),
        (10, "promoter"),
        (11, "invalid"),
        (-1, "invalid"),
        (None, "invalid"),
        (True, "invalid"),
        (9.5, "invalid"),
        ("9", "invalid"),
    ],
)
def test_nps_answers_are_sorted_or_rejected(score: Any, bucket: str) -> None:
    """Only the whole numbers 0 to 10 count, and nothing is clamped."""
    assert statistics.nps_bucket(score) == bucket


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100))
def test_nps_is_the_mean_of_plus_one_zero_and_minus_one(promoters: int, passives: int, detractors: int) -> None:
    """Score and variance are those of the answers valued +1, 0 and -1."""
    found = statistics.nps(promoters, passives, detractors)
    values = [1.0] * promoters + [0.0] * passives + [-1.0] * detractors
    assert found is not None
    assert found.n == len(values)
    assert found.score == pytest.approx(100 * library.fmean(values))
    assert found.variance == pytest.approx(library.pvariance(values), abs=1e-9)


def test_negative_counts_are_refused() -> None:
    """Fewer than no promoters is a mistake upstream."""
    with pytest.raises(ValueError, match="counts are 0 or more"):
        statistics.nps(-1, 2, 3)


def test_a_difference_without_any_variation_has_no_significance() -> None:
    """Two unanimous groups differ, but their spread says nothing about chance."""
    happy, unhappy = statistics.nps(5, 0, 0), statistics.nps(0, 0, 5)
    assert happy is not None
    assert unhappy is not None
    assert statistics.nps_difference(happy, unhappy) == statistics.Difference(-200.0, 0.0, None, None)


def test_the_same_score_twice_is_no_difference() -> None:
    """No change has a p-value of one."""
    same = statistics.nps(5, 3, 2)
    assert same is not None
    assert statistics.nps_difference(same, same).p_two_sided == 1.0
