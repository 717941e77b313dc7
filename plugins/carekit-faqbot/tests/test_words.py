"""From sentences to terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.words import Analyser, fold


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Where's my order? I haven't got it!", ["order"]),
        ("en", "the e-mail via wi-fi", ["email", "via", "wifi"]),
        ("en", "I can’t pay", ["pay"]),
        ("de", "Wo ist meine Rückgabe?", ["ruckgabe"]),
        ("es", "¿Cuándo llega mi pedido?", ["llega", "pedido"]),
        ("fr", "Où est l'article que j'ai commandé ?", ["article", "commande"]),
        ("xx", "the order", ["the", "order"]),
    ],
)
def test_only_words_that_mean_something_are_kept(language: str, text: str, words: list[str]) -> None:
    """Stop words, contractions and accents go; word order stays."""
    assert Analyser(language).words(text) == words


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "returning", "returns"),
        ("de", "Lieferungen", "Lieferung"),
        ("es", "devoluciones", "devolución"),
        ("fr", "remboursements", "remboursement"),
        ("pt-BR", "trocas", "troca"),
    ],
)
def test_forms_of_a_word_share_a_stem(language: str, one: str, other: str) -> None:
    """Each language is stemmed by its own rules, a region making no difference."""
    analyser = Analyser(language)
    assert analyser.stems(analyser.words(one)) == analyser.stems(analyser.words(other))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is its own folding."""
    assert fold(fold(text)) == fold(text)
