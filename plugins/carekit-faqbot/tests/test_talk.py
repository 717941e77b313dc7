"""Small talk is recognised, and nothing else is taken for it."""

from __future__ import annotations

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.handoff import Detector
from carekit_faqbot.talk import KINDS, LANGUAGES, Talks

TALKS = Talks()


@pytest.mark.parametrize(
    ("text", "kind", "language"),
    [
        ("hi", "greeting", "en"),
        ("Hello there!", "greeting", "en"),
        ("Good morning 🙂", "greeting", "en"),
        ("thanks", "thanks", "en"),
        ("Thank you so much for your help!!", "thanks", "en"),
        ("ok thanks, bye", "thanks", "en"),
        ("bye", "bye", "en"),
        ("ok", "fine", "en"),
        ("👍", "fine", "en"),
        ("Are you a bot?", "identity", "en"),
        ("is this a real person or a robot?", "identity", "en"),
        ("That didn't help", "unhelpful", "en"),
        ("hola, buenas tardes", "greeting", "es"),
        ("¡Muchas gracias!", "thanks", "es"),
        ("¿eres un robot?", "identity", "es"),
        ("Guten Tag", "greeting", "de"),
        ("Vielen Dank", "thanks", "de"),
        ("Tschüss", "bye", "de"),
        ("Bonjour", "greeting", "fr"),
        ("merci beaucoup", "thanks", "fr"),
        ("ça ne m'aide pas", "unhelpful", "fr"),
    ],
)
def test_small_talk_is_recognised_in_its_language(text: str, kind: str, language: str) -> None:
    """A greeting, thanks, a goodbye, a question about the assistant itself, a complaint about its answer."""
    found = TALKS.small_talk(text)
    assert found is not None
    assert (found.kind, found.language) == (kind, language)


@pytest.mark.parametrize(
    "text",
    [
        "Hi, where is my order?",
        "thanks but my refund has not come",
        "good boots for the morning",
        "hola, ¿dónde está mi pedido?",
        "danke, aber wo ist mein Paket",
        "bonjour, je veux retourner une veste",
        "ok what does shipping cost",
        "nice jacket in red",
        "",
        "???",
        "no tracking number",
    ],
)
def test_a_question_with_a_greeting_is_a_question(text: str) -> None:
    """Politeness around a question does not hide it."""
    assert TALKS.small_talk(text) is None


def test_a_word_of_two_languages_goes_by_the_conversations() -> None:
    """German speakers say ciao and hi too."""
    found = TALKS.small_talk("hi", prefer="de-AT")
    assert found is not None and found.language == "de"


def test_an_unknown_language_falls_back_to_english() -> None:
    """There is always something to say."""
    assert TALKS.of("ja").language == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    """No text and no placeholder is missing in any language."""
    english, other = TALKS.of("en"), TALKS.of(language)

    def fields(texts: dict[str, str]) -> dict[str, set[str]]:
        return {name: {field for _, field, _, _ in Formatter().parse(text) if field} for name, text in texts.items()}

    assert fields(dict(other.said)) == fields(dict(english.said))
    assert fields(dict(other.page)) == fields(dict(english.page))
    assert set(other.heard) == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_word_it_offers_brings_a_person(language: str) -> None:
    """Whoever does what the assistant says reaches a person."""
    for name in ("intro", "choose", "nothing", "identity", "unhelpful"):
        offered = re.search(r"[\"«„]\s*(\w+)\s*[\"»“]", TALKS.of(language).said[name])
        assert offered is not None
        assert Detector().wants_person(offered[1])


@given(st.lists(st.sampled_from(["hi", "good", "morning", "thanks", "a lot", "bye", "no"]), max_size=40).map(" ".join))
def test_any_chain_of_phrases_is_judged(text: str) -> None:
    """However phrases are chained, there is an answer."""
    found = TALKS.small_talk(text)
    assert found is None or found.kind in KINDS
