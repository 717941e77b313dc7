"""Statistics of measurements and surveys: quantiles, and CSAT, NPS and CES with their uncertainty.

Nothing measured is None, never 0: a team without answers has no score, and an average must leave it out. A
percentage is never shown without its number of answers; the intervals say how little a few answers prove.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from statistics import NormalDist
from typing import Final, Literal, TypeAlias

import attrs

Bounds: TypeAlias = tuple[float, float]
"""A lower and an upper end."""

FEW: Final = 20
"""Fewer answers than this are flagged: their interval is wider than any difference worth acting on."""

_NORMAL: Final = NormalDist()


def quantile(values: Sequence[float], p: float) -> float | None:
    """Return the *p* quantile (0 to 1) of *values* in any order, or None without values.

    Linear interpolation between order statistics: type 7 of Hyndman and Fan, "Sample Quantiles in Statistical
    Packages" (1996), the default of R, numpy and spreadsheets.

    :raises ValueError: *p* is not between 0 and 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a quantile is between 0 and 1, not {p}")
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * p
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    # equal neighbours are returned as they are, without the rounding of an interpolation between them
    return low if low == high else low + (high - low) * (place - below)


def median(values: Sequence[float]) -> float | None:
    """Return the middle value, or None without values."""
    return quantile(values, 0.5)


def p90(values: Sequence[float]) -> float | None:
    """Return the value that nine in ten do not exceed, or None without values."""
    return quantile(values, 0.9)


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, or None without values."""
    return math.fsum(values) / len(values) if values else None


# ------------------------------------------------------------------------------------------------------ proportions


def wilson(positive: int, n: int, confidence: float = 0.95) -> Bounds | None:
    """Return Wilson's score interval (0 to 1) for *positive* of *n* answers, or None without answers.

    ``(p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)``; E. B. Wilson, "Probable Inference, the Law of
    Succession, and Statistical Inference" (1927).

    :raises ValueError: *positive* is not between 0 and *n*, or *confidence* not between 0 and 1.
    """
    _check_count(positive, n)
    z = _z(confidence)
    if n == 0:
        return None
    p = positive / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    margin = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # at the ends the formula gives 0 and 1 but for rounding
    return (0.0 if positive == 0 else centre - margin, 1.0 if positive == n else centre + margin)


def clopper_pearson(positive: int, n: int, confidence: float = 0.95) -> Bounds | None:
    """Return the exact binomial interval (0 to 1) for *positive* of *n* answers, or None without answers.

    It never covers less than *confidence* and is wider than :func:`wilson`; C. J. Clopper and E. S. Pearson, "The
    Use of Confidence or Fiducial Limits" (1934).

    :raises ValueError: as for :func:`wilson`.
    """
    _check_count(positive, n)
    _z(confidence)
    if n == 0:
        return None
    tail = (1 - confidence) / 2
    low = 0.0 if positive == 0 else _bisect(lambda p: _at_least(positive, n, p) - tail)
    high = 1.0 if positive == n else _bisect(lambda p: _at_least(positive + 1, n, p) - (1 - tail))
    return low, high


def nonresponse_bounds(sent: int, responses: int, positive: int) -> Bounds | None:
    """Return the share of positive answers (0 to 1) if everybody silent were negative, and if positive.

    The worst-case bounds of C. F. Manski, "Nonparametric Bounds on Treatment Effects" (1990): what is certain
    without any assumption about those who did not answer. None when nothing was sent.

    :raises ValueError: the counts do not nest (positive within responses within sent).
    """
    _check_count(positive, responses)
    _check_count(responses, sent)
    return (positive / sent, (positive + sent - responses) / sent) if sent else None


def _check_count(part: int, whole: int) -> None:
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is not a share: the part is from 0 to the whole")


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is between 0 and 1, such as 0.95, not {confidence}")
    return _NORMAL.inv_cdf((1 + confidence) / 2)


def _at_least(k: int, n: int, p: float) -> float:
    """Return the probability of *k* or more successes in *n* trials, for *p* above 0 and below 1."""
    whole, log_p, log_q = math.lgamma(n + 1), math.log(p), math.log1p(-p)
    return math.fsum(
        math.exp(whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_q)
        for i in range(k, n + 1)
    )


def _bisect(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return middle


# ------------------------------------------------------------------------------------------------------ CSAT and CES


@attrs.frozen
class Share:
    """How many of the answers were positive, with what that proves; made by :func:`csat` and :func:`ces`."""

    positive: int
    n: int
    percent: float | None
    """0 to 100; None without answers."""
    interval: Bounds | None
    """Wilson's 95 % interval in percent; None without answers."""
    mean: float | None
    """Of the ratings, on their own scale."""

    @property
    def few(self) -> bool:
        """Whether there are fewer than :data:`FEW` answers, so that the number is shown with a warning."""
        return self.n < FEW


def top_box(ratings: Sequence[int], scale: int, positive: Collection[int]) -> float | None:
    """Return the percentage of *ratings* (1 to *scale*) that are among *positive*, or None without ratings.

    :raises ValueError: a rating or a positive answer lies outside of the scale.
    """
    for rating in (*ratings, *positive):
        if not 1 <= rating <= scale:
            raise ValueError(f"{rating} is not on the scale from 1 to {scale}")
    return 100 * sum(rating in positive for rating in ratings) / len(ratings) if ratings else None


def csat(ratings: Sequence[int], scale: int = 5, positive: Collection[int] = (4, 5)) -> Share:
    """Return the customer satisfaction of *ratings*: by default the two best of five are satisfied.

    :raises ValueError: a rating lies outside of the scale.
    """
    percent = top_box(ratings, scale, positive)
    count = sum(rating in positive for rating in ratings)
    bounds = wilson(count, len(ratings))
    interval = None if bounds is None else (100 * bounds[0], 100 * bounds[1])
    return Share(count, len(ratings), percent, interval, mean(ratings))


def ces(ratings: Sequence[int], scale: int = 7, positive: Collection[int] = (5, 6, 7)) -> Share:
    """Return the customer effort score of *ratings*: by default 5 to 7 of 7 ("easy") are positive.

    :raises ValueError: a rating lies outside of the scale.
    """
    return csat(ratings, scale, positive)


# --------------------------------------------------------------------------------------------------------------- NPS


@attrs.frozen
class Nps:
    """A net promoter score with its uncertainty; made by :func:`nps`."""

    promoters: int
    passives: int
    detractors: int
    score: float
    """-100 to 100."""
    variance: float
    """Of one answer valued +1, 0 or -1: ``p + d - (p - d)²`` with the shares of promoters and detractors."""
    se: float
    """Standard error of the score, in points."""
    moe95: float
    """Half the width of the 95 % interval, in points."""

    @property
    def n(self) -> int:
        """The number of answers."""
        return self.promoters + self.passives + self.detractors


@attrs.frozen
class Difference:
    """What lies between two scores of separate groups or periods; made by :func:`nps_difference`."""

    diff: float
    se: float
    z: float | None
    """The difference in standard errors; None when neither group varies."""
    p_two_sided: float | None
    """How likely a difference at least as large is when nothing changed; None when neither group varies."""


def nps_bucket(score: int | None) -> Literal["promoter", "passive", "detractor", "invalid"]:
    """Sort an answer: 9 and 10 promote, 7 and 8 are passive, 0 to 6 detract; anything else is invalid, not clamped."""
    if not isinstance(score, int) or isinstance(score, bool) or not 0 <= score <= 10:
        return "invalid"
    if score >= 9:
        return "promoter"
    return "passive" if score >= 7 else "detractor"


def nps(promoters: int, passives: int, detractors: int) -> Nps | None:
    """Return the net promoter score of the counted answers, or None without answers.

    The answers are a sample of a variable worth +1, 0 or -1, so the standard error is ``sqrt(variance / n)``.

    :raises ValueError: a count is negative.
    """
    n = promoters + passives + detractors
    if min(promoters, passives, detractors) < 0:
        raise ValueError(f"counts are 0 or more, not {promoters}, {passives}, {detractors}")
    if n == 0:
        return None
    p, d = promoters / n, detractors / n
    variance = max(0.0, p + d - (p - d) ** 2)
    se = 100 * math.sqrt(variance / n)
    return Nps(promoters, passives, detractors, 100 * (promoters - detractors) / n, variance, se, _z(0.95) * se)


def nps_difference(before: Nps, after: Nps) -> Difference:
    """Return how much the score changed between two independent samples, and whether that could be chance.

    ``se = sqrt(se₁² + se₂²)``; the p-value is the normal approximation's.
    """
    diff = after.score - before.score
    se = math.hypot(before.se, after.se)
    if se == 0:
        return Difference(diff, se, None, None)
    z = diff / se
    return Difference(diff, se, z, math.erfc(abs(z) / math.sqrt(2)))
