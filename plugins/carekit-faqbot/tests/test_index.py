"""Searching articles: order, passages, confidence, languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.articles import Article, load_articles
from carekit_faqbot.index import THRESHOLD, Index, Signals

LIBRARY = load_articles(Path(__file__).parent / "data" / "library")
INDEX = Index(LIBRARY)


def found(query: str, language: str | None = None) -> list[str]:
    return [hit.article.slug for hit in INDEX.search(query, language=language)]


def test_a_title_finds_its_own_article_surely() -> None:
    """Asking in the words of a title is answered with that article."""
    for article in LIBRARY:
        hit = INDEX.answer(article.title)
        assert hit is not None and hit.article is article


def test_an_alias_finds_its_own_article() -> None:
    """Every alias leads first to the article that claims it."""
    wrong = [alias for article in LIBRARY for alias in article.aliases if found(alias)[:1] != [article.slug]]
    assert wrong == []


def test_a_question_outweighs_the_body() -> None:
    """An article that is about a word comes before one that mentions it."""
    about = Article.from_markdown("about", "Parking", "Behind the house.")
    mentions = Article.from_markdown("mentions", "Visits", "There is parking here.")
    assert [hit.article.slug for hit in Index([mentions, about]).search("parking")] == ["about", "mentions"]


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("the e-book app does not work", "When it does not work"),
        ("forgotten pin", "Forgotten PIN"),
        ("how do I close my account", "Closing the account"),
        ("wifi", ""),
    ],
)
def test_the_passage_that_answers_is_quoted(query: str, heading: str) -> None:
    """An answer names the right section, or the beginning when nothing points elsewhere."""
    assert INDEX.search(query)[0].passage.heading == heading


def test_a_typing_slip_still_finds_the_article() -> None:
    """Two misspelt words lead where the right ones would."""
    assert found("interlibary lones")[:1] == found("interlibrary loans")[:1]


def test_words_that_no_article_knows_find_nothing() -> None:
    """There is no nearest answer to a question about something else."""
    assert found("quantum chromodynamics") == []


@pytest.mark.parametrize("query", ["", "   ", "?!", "how is it that you are", "的", "\x00", "9", "20 80"])
def test_a_query_without_content_finds_nothing(query: str) -> None:
    """Stop words, signs and silence are no question."""
    assert found(query) == []


def test_an_unknown_word_lowers_the_confidence() -> None:
    """The less of the question an article covers, the less sure the answer."""
    assert INDEX.search("wifi")[0].confidence > INDEX.search("wifi zeppelin")[0].confidence


def test_below_the_threshold_there_is_no_answer() -> None:
    """A weak match is offered as a hit, never given as the answer."""
    query = "the dog chewed a book"
    assert INDEX.search(query)[0].confidence < THRESHOLD
    assert INDEX.answer(query) is None


def test_the_threshold_is_the_callers_to_move() -> None:
    """A lower one answers more."""
    assert INDEX.answer("the dog chewed a book", 0.0) is not None


def test_languages_are_searched_apart_and_together() -> None:
    """Each language has its own stems; a contact's language, when known, decides."""
    index = Index(
        [
            Article.from_markdown("returns", "Returns", "Send the parcel back.", language="en"),
            Article.from_markdown("devoluciones", "Devoluciones", "Envía el paquete de vuelta.", language="es"),
            Article.from_markdown("retouren", "Rückgabe", "Schick das Paket zurück.", language="de"),
            Article.from_markdown("retours", "Retours et échanges", "Renvoyez le colis.", language="fr"),
        ]
    )
    assert index.search("una devolución")[0].article.slug == "devoluciones"
    assert index.search("Rückgaben")[0].article.slug == "retouren"
    assert index.search("faire un retour")[0].article.slug == "retours"
    assert index.search("paket", language="de")[0].article.slug == "retouren"
    assert index.search("return", language="it")[0].article.slug == "returns"
    assert index.search("returns", language="es") == ()


def test_an_article_without_passages_is_quoted_whole() -> None:
    """An article made by hand need not be cut first."""
    hit = Index([Article("a", "Tents", (), "Big.", "Big.")]).search("tents")[0]
    assert hit.passage.text == "Big."


def test_an_empty_index_finds_nothing() -> None:
    """No articles, no hits."""
    assert Index([]).search("anything") == ()


@given(st.text(max_size=120) | st.sampled_from([a for article in LIBRARY for a in article.aliases]))
def test_hits_are_ordered_bounded_and_repeatable(query: str) -> None:
    """Confidence is a probability, falls with the rank, and the same question gives the same hits."""
    hits = INDEX.search(query)
    assert hits == INDEX.search(query)
    assert len(hits) <= 3 and len({hit.article.slug for hit in hits}) == len(hits)
    assert all(0 <= hit.confidence <= 1 for hit in hits)
    assert [hit.confidence for hit in hits] == sorted((hit.confidence for hit in hits), reverse=True)
    assert all(0 <= value <= 1 for hit in hits for value in (hit.signals.asked, hit.signals.found, hit.signals.alike))


def test_a_pasted_page_is_a_query_like_any_other() -> None:
    """Only its first terms count, so that it cannot cost more than a question."""
    page = " ".join(article.text for article in LIBRARY) * 20
    assert len(INDEX.search(page)) == 3


@given(st.tuples(*[st.floats(0, 1)] * 5), st.integers(0, 4), st.floats(0, 1))
def test_more_evidence_never_lowers_confidence(values: tuple[float, ...], at: int, more: float) -> None:
    """Each signal counts in favour."""
    raised = [max(value, more) if place == at else value for place, value in enumerate(values)]
    assert Signals(*raised).confidence() >= Signals(*values).confidence()


def test_the_order_of_articles_does_not_matter() -> None:
    """Two indexes of the same articles agree, however they were listed."""
    queries = json.loads((Path(__file__).parent / "data" / "development.json").read_text())["out_of_scope"]
    other = Index(reversed(LIBRARY))
    for query in queries:
        assert [hit.article.slug for hit in other.search(query)] == found(query)
