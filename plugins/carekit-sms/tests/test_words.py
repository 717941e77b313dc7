"""The words that stop, start and help."""

from __future__ import annotations

import pytest

from carekit_sms.words import KINDS, WORDS, Keywords, bare


@pytest.mark.parametrize("language", sorted(WORDS))
def test_every_language_knows_its_own_words(language: str) -> None:
    """Each word, in capitals, with a full stop and without accents, is of its kind."""
    keywords = Keywords([language], {})
    for kind in KINDS:
        for word in WORDS[language][kind]:
            assert keywords.kind(f" {word.upper()}. ") == kind
            assert keywords.kind(bare(word)) == kind


@pytest.mark.parametrize(
    "text", ["", "stop it", "do not stop", "stopover", "yes please", "help me", "stop " * 30, "🛑"]
)
def test_a_sentence_is_no_word(text: str) -> None:
    """Only the word alone counts."""
    assert Keywords(["en"], {}).kind(text) == ""


def test_a_word_of_two_kinds_stops() -> None:
    """Where languages or the file contradict each other, the contact is left alone."""
    assert Keywords(["en"], {"start": ["fin"], "stop": ["fin"]}).kind("FIN") == "stop"


def test_every_language_understands_stop() -> None:
    """The English word is known everywhere."""
    assert all(Keywords([language], {}).kind("STOP") == "stop" for language in WORDS)
