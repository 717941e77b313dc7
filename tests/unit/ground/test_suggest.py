"""Misspelt words are answered with what was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.suggest import closest, did_you_mean

CHANNELS = ["chat", "email", "sms"]


@pytest.mark.parametrize(("word", "meant"), [("emial", "email"), ("EMAIL", "email"), ("caht", "chat"), ("smss", "sms")])
def test_a_slip_finds_the_word_meant(word: str, meant: str) -> None:
    """Swapped, doubled and shouted letters still lead to the known word."""
    assert closest(word, CHANNELS) == meant


@pytest.mark.parametrize("word", ["", "telegram", "x" * 101])
def test_a_word_unlike_all_finds_nothing(word: str) -> None:
    """A guess that is no better than chance is not made."""
    assert closest(word, CHANNELS) is None


def test_a_long_known_word_is_passed_over() -> None:
    """Comparing never costs more than short words do."""
    assert closest("abc", ["abc" * 50, "abd"]) == "abd"


def test_the_known_spelling_is_suggested() -> None:
    """Case is ignored in comparing and kept in answering."""
    assert closest("europe/madird", ["Europe/Madrid"]) == "Europe/Madrid"


@given(st.permutations(["abca", "abcb", "abcc", "bcd"]))
def test_the_order_of_known_words_does_not_matter(known: list[str]) -> None:
    """Among equally good words the alphabetically first is suggested."""
    assert closest("abcx", [*known, "abce"]) == "abca"


@given(st.text(min_size=1, max_size=20).filter(lambda word: word == word.casefold()), st.sets(st.text(max_size=20)))
def test_a_known_word_suggests_itself(word: str, others: set[str]) -> None:
    """Nothing is more alike than the word itself."""
    found = closest(word, others | {word})
    assert found is not None
    assert found.casefold() == word


def test_a_suggestion_is_phrased_for_appending() -> None:
    """The hint starts with a space and a bracket, so that it fits after any message."""
    assert did_you_mean("emial", CHANNELS) == ' (did you mean "email"?)'


def test_no_suggestion_appends_nothing() -> None:
    """Without a likely word the message stays as it is."""
    assert did_you_mean("telegram", CHANNELS) == ""
