"""Fits the confidence of `carekit_faqbot.index` to questions whose right article is known.

The numbers in ``index.py`` come from here and from ``tests/data/development.json``; a test fits them again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from carekit_faqbot.evaluation import Asked

RIDGE = 0.003
"""Chosen among .001, .003, .01, .02 and .05 by leaving out one article of the development set at a time."""

STEPS, RATE = 40_000, 0.5


def fit(rows: Sequence[tuple[Sequence[float], bool]]) -> tuple[float, tuple[float, ...]]:
    """Intercept and coefficients of a ridge-penalised logistic regression, by gradient descent from zero.

    *rows* are features and whether the hit was right. The intercept is not penalised.
    """
    weights = [0.0] * (len(rows[0][0]) + 1)
    for _ in range(STEPS):
        slope = [0.0] + [RIDGE * weight for weight in weights[1:]]
        for features, right in rows:
            lifted = (1.0, *features)
            excess = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, lifted, strict=True)))) - right
            slope = [total + excess * value / len(rows) for total, value in zip(slope, lifted, strict=True)]
        weights = [weight - RATE * part for weight, part in zip(weights, slope, strict=True)]
        if max(map(abs, slope)) < 1e-6:
            break
    return weights[0], tuple(weights[1:])


def examples(asked: Sequence[Asked]) -> list[tuple[Sequence[float], bool]]:
    """The features of every first hit, and whether it was right."""
    return [(attrs.astuple(one.hits[0].signals), one.rank == 1) for one in asked if one.hits]
