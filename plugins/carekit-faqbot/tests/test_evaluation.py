"""The answers' quality on questions that nothing was tuned on, and the arithmetic behind the figures.

``data/heldout.json`` belongs to the ten articles of the example shop. The weights, coefficients and threshold come from
``data/development.json``, which asks another folder of articles about other things: no entry is in both.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carekit import ConfigError
from carekit_faqbot import index as settings
from carekit_faqbot.articles import Article, load_articles
from carekit_faqbot.calibration import examples, fit
from carekit_faqbot.evaluation import Asked, ask, load_questions, measure, safe_thresholds
from carekit_faqbot.index import THRESHOLD, Hit, Index, Signals
from carekit_faqbot.markdown import Passage

DATA = Path(__file__).parent / "data"
SHOP = Path(__file__).parents[3] / "examples" / "shop" / "articles"


@pytest.fixture(scope="module")
def heldout() -> tuple[Asked, ...]:
    """Every held-out question, asked."""
    if not SHOP.is_dir():
        pytest.skip(f"{SHOP} is absent: the held-out questions belong to the example shop; run from a whole checkout")
    return ask(Index(load_articles(SHOP)), load_questions(DATA / "heldout.json"))


@pytest.fixture(scope="module")
def development() -> tuple[Asked, ...]:
    """Every development question, asked."""
    return ask(Index(load_articles(DATA / "library")), load_questions(DATA / "development.json"))


def test_the_held_out_set_is_large_enough(heldout: tuple[Asked, ...]) -> None:
    """At least 40 paraphrases of ten articles and 15 questions about something else."""
    assert sum(bool(one.wanted) for one in heldout) >= 40
    assert sum(not one.wanted for one in heldout) >= 15
    assert len({one.wanted for one in heldout} - {""}) == 10


def test_the_right_article_is_found(heldout: tuple[Asked, ...]) -> None:
    """First in 70 of 100 paraphrases, among the first three in 85."""
    figures = measure(heldout)
    assert figures.hit_at_1 >= 0.70
    assert figures.hit_at_3 >= 0.85


def test_answers_are_right_and_frequent(heldout: tuple[Asked, ...]) -> None:
    """Nine of ten answers are right while at least half of the questions are answered."""
    figures = measure(heldout)
    assert figures.precision >= 0.90
    assert figures.coverage >= 0.50


def test_a_question_about_something_else_is_rarely_answered(heldout: tuple[Asked, ...]) -> None:
    """At most one of ten foreign questions gets an answer."""
    assert measure(heldout).false_answers <= 0.10


def test_no_article_and_no_question_is_in_both_sets() -> None:
    """The sets are split by entry, so that tuning on one cannot help on the other."""
    first, second = (json.loads((DATA / name).read_text()) for name in ("heldout.json", "development.json"))
    assert not set(first["in_scope"]) & set(second["in_scope"])
    assert not set(first["out_of_scope"]) & set(second["out_of_scope"])


def test_the_threshold_is_the_middle_of_what_the_development_set_allows(development: tuple[Asked, ...]) -> None:
    """The number in the index is the one its documentation derives."""
    safe = safe_thresholds(development)
    assert pytest.approx((safe[0] + safe[-1]) / 2, abs=0.006) == THRESHOLD


def test_the_coefficients_are_those_the_development_set_gives(development: tuple[Asked, ...]) -> None:
    """Fitting again gives the numbers in the index."""
    intercept, factors = fit(examples(development))
    assert intercept == pytest.approx(settings.INTERCEPT, abs=0.006)
    assert factors == pytest.approx(settings.COEFFICIENTS, abs=0.006)


def asked(wanted: str, *found: str, confidence: float = 0.9) -> Asked:
    signals = Signals(1, 1, 1, 1, 1)
    hits = [Hit(Article(slug, slug, (), "", ""), Passage("", "", "", ""), 1.0, confidence, signals) for slug in found]
    return Asked("?", wanted, tuple(hits))


def test_figures_are_shares_of_what_their_names_say() -> None:
    """Worked by hand: five questions in scope, two out of scope, threshold one half."""
    figures = measure(
        [
            asked("a", "a", "b"),
            asked("a", "b", "a"),
            asked("a", "a", confidence=0.2),
            asked("a", "b", "c", "a", confidence=0.2),
            asked("a"),
            asked("", "a"),
            asked("", "a", confidence=0.4),
        ],
        0.5,
    )
    assert (figures.hit_at_1, figures.hit_at_3) == (2 / 5, 4 / 5)
    assert figures.mrr == pytest.approx((1 + 1 / 2 + 1 + 1 / 3) / 5)
    assert (figures.precision, figures.overall_precision) == (1 / 2, 1 / 3)
    assert (figures.coverage, figures.false_answers) == (2 / 5, 1 / 2)


def test_figures_of_nothing_are_no_error() -> None:
    """An empty file of questions has figures too."""
    figures = measure([])
    assert (figures.hit_at_1, figures.precision, figures.coverage, figures.false_answers) == (0, 1, 0, 0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"in_scope": [], "out_of_scope": []}'])
def test_a_file_that_holds_no_questions_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file and shows the shape that is wanted."""
    file = tmp_path / "questions.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="not a question file"):
        load_questions(file)


def test_fitting_separates_what_can_be_separated() -> None:
    """A feature that tells right from wrong gets a positive weight, one that says nothing gets none."""
    rows = [((1.0, 0.5), True), ((0.0, 0.5), False)] * 10
    _, (telling, silent) = fit(rows)
    assert telling > 2
    assert abs(silent) < 0.01
