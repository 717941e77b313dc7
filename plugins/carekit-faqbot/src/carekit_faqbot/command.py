"""``carekit faq``: how well a folder of articles answers a file of questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from carekit_faqbot.articles import load_articles
from carekit_faqbot.calibration import examples, fit
from carekit_faqbot.evaluation import Asked, ask, load_questions, measure, safe_thresholds
from carekit_faqbot.index import THRESHOLD, Index


@click.command("faq")
@click.argument("articles", type=click.Path(path_type=Path))
@click.argument("questions", type=click.Path(path_type=Path))
@click.option("--threshold", default=THRESHOLD, show_default=True, help="Confidence from which the bot answers.")
@click.option("--fit", "refit", is_flag=True, help="Also fit the confidence anew and print its numbers.")
def faq(articles: Path, questions: Path, threshold: float, *, refit: bool) -> None:
    """Measure how well the folder ARTICLES answers the file QUESTIONS, and show what it got wrong."""
    asked = ask(Index(load_articles(articles)), load_questions(questions))
    for line in (*_figures(asked, threshold), *_faults(asked, threshold), *_table(asked)):
        click.echo(line)
    if refit:
        intercept, factors = fit(examples(asked))
        click.echo(f"intercept {intercept:.2f}, coefficients {', '.join(f'{factor:.2f}' for factor in factors)}")


def _figures(asked: Sequence[Asked], threshold: float) -> Iterator[str]:
    figures = measure(asked, threshold)
    inside = sum(bool(one.wanted) for one in asked)
    yield f"{inside} questions in scope, {len(asked) - inside} out of scope"
    yield f"hit@1 {figures.hit_at_1:.3f}  hit@3 {figures.hit_at_3:.3f}  mrr {figures.mrr:.3f}"
    yield f"at threshold {threshold:.2f}: precision {figures.precision:.3f}  coverage {figures.coverage:.3f}"
    yield f"  false answers {figures.false_answers:.3f}  precision with these {figures.overall_precision:.3f}"


def _faults(asked: Sequence[Asked], threshold: float) -> Iterator[str]:
    for one in asked:
        found = one.hits[0].article.slug if one.hits else "nothing"
        if one.wanted and one.rank != 1:
            yield f"wrong  {one.confidence:.2f}  {one.query!r} wants {one.wanted}, found {found}"
        elif not one.wanted and one.confidence >= threshold:
            yield f"false  {one.confidence:.2f}  {one.query!r} has no article, found {found}"


def _table(asked: Sequence[Asked]) -> Iterator[str]:
    yield "threshold  precision  coverage  false answers"
    for step in range(30, 100, 5):
        figures = measure(asked, step / 100)
        yield (f"{step / 100:9.2f}  {figures.precision:9.3f}  {figures.coverage:8.3f}  {figures.false_answers:13.3f}")
    if safe := safe_thresholds(asked):
        yield f"the targets hold from {safe[0]:.2f} to {safe[-1]:.2f}; the middle is {(safe[0] + safe[-1]) / 2:.2f}"
    else:
        yield "at no threshold do all targets hold (precision .90, coverage .50, false answers .10)"
