"""How good the answers are, on questions whose right article is known.

A question file is JSON: ``{"in_scope": {"returns": ["can I send it back", ...], ...}, "out_of_scope": ["...", ...]}``.
Keep two, one to choose settings by and one to judge them by: a figure from questions that were tuned on says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import attrs

from carekit import ConfigError
from carekit_faqbot.index import THRESHOLD, Hit, Index

TOP = 3


@attrs.frozen
class Asked:
    """One question, the article that answers it ("" when none does), and what the index found."""

    query: str
    wanted: str
    hits: tuple[Hit, ...]

    @property
    def rank(self) -> int:
        """Place of the wanted article among the hits from 1, or 0 when it is not there."""
        return next((at for at, hit in enumerate(self.hits, 1) if hit.article.slug == self.wanted), 0)

    @property
    def confidence(self) -> float:
        """That of the first hit, 0 without one."""
        return self.hits[0].confidence if self.hits else 0.0


@attrs.frozen
class Figures:
    """Shares from 0 to 1; all from ``precision`` on depend on the threshold.

    ``precision`` is right answers / answers given to in-scope questions; ``overall_precision`` the same with answers to
    out-of-scope questions counted as wrong; ``coverage`` answers given / in-scope questions; ``false_answers`` answers
    given / out-of-scope questions. ``mrr`` is the mean of 1 / rank, within the first three.
    """

    hit_at_1: float
    hit_at_3: float
    mrr: float
    precision: float
    overall_precision: float
    coverage: float
    false_answers: float


def load_questions(file: Path) -> tuple[tuple[str, str], ...]:
    """Pairs of question and wanted slug ("" out of scope). Raises ConfigError when *file* is not a question file."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        pairs = [(str(query), str(slug)) for slug, queries in table["in_scope"].items() for query in queries]
        return (*pairs, *((str(query), "") for query in table["out_of_scope"]))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"{file}: not a question file ({error!r}); write "
            '{"in_scope": {"slug": ["question"]}, "out_of_scope": ["question"]}'
        ) from error


def ask(index: Index, questions: Iterable[tuple[str, str]]) -> tuple[Asked, ...]:
    """Put every question to *index*."""
    return tuple(Asked(query, wanted, index.search(query, TOP)) for query, wanted in questions)


def measure(asked: Iterable[Asked], threshold: float = THRESHOLD) -> Figures:
    """The figures at *threshold*; a share of nothing is 0, but the precision of no answers is 1."""
    everything = list(asked)
    inside = [one for one in everything if one.wanted]
    outside = [one for one in everything if not one.wanted]
    answered = [one for one in inside if one.confidence >= threshold]
    false = sum(one.confidence >= threshold for one in outside)
    right = sum(one.rank == 1 for one in answered)
    return Figures(
        hit_at_1=sum(one.rank == 1 for one in inside) / max(1, len(inside)),
        hit_at_3=sum(one.rank > 0 for one in inside) / max(1, len(inside)),
        mrr=sum(1 / one.rank for one in inside if one.rank) / max(1, len(inside)),
        precision=right / len(answered) if answered else 1.0,
        overall_precision=right / (len(answered) + false) if answered or false else 1.0,
        coverage=len(answered) / max(1, len(inside)),
        false_answers=false / max(1, len(outside)),
    )


def safe_thresholds(asked: Iterable[Asked]) -> tuple[float, ...]:
    """Where, in steps of .01, precision >= .90, coverage >= .50 and false answers <= .10 hold together; their middle is
    the threshold to take."""
    everything = tuple(asked)
    tried = ((step / 100, measure(everything, step / 100)) for step in range(1, 100))
    return tuple(step for step, f in tried if f.precision >= 0.9 and f.coverage >= 0.5 and f.false_answers <= 0.1)
