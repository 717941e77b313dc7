"""Words as people type them, and the part of a text that a search shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.rules.search import AROUND, LONGEST, folded, pieces, words_of
from carekit.testing.strategies import texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where is MY parcel?", ["where", "is", "my", "parcel"]),
        ("Café, Straße, Łódź", ["cafe", "strasse", "łodz"]),
        ("İstanbul ﬁne ①", ["istanbul", "fine", "1"]),
        ("order_12-34", ["order_12", "34"]),
        ("包裹 在哪里", ["包裹", "在哪里"]),
        ("... !?", []),
        ("x" * 300, ["x" * LONGEST]),
    ],
)
def test_words_are_compared_without_case_and_accents(text: str, words: list[str]) -> None:
    """Punctuation separates; case, accents and compatibility forms do not count; a long word counts in part."""
    assert words_of(text) == words


@given(texts)
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is folded stays as it is, is never longer than a word may be, and is never lost."""
    for word in words_of(text):
        assert 0 < len(word) <= LONGEST
        assert folded(word) == word


@given(texts, st.data())
def test_a_texts_own_words_find_it(text: str, data: st.DataObject) -> None:
    """Any words of a text, the last one shortened, find the text, and what is shown is a part of it."""
    words = words_of(text)
    wanted = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3)) if words else []
    if not wanted:
        assert pieces(text, wanted) is None
        return
    found = pieces(text, [*wanted[:-1], wanted[-1][: data.draw(st.integers(1, 9))]])
    assert found is not None
    assert any(match for _, match in found)
    assert "".join(part for part, _ in found).strip("…") in text + "…"


@pytest.mark.parametrize("wanted", ["late parcel x", "arcel", "parcel lat is"])
def test_a_missing_word_finds_nothing(wanted: str) -> None:
    """Every word must be there, whole; only the last may be the beginning of one."""
    assert pieces("My parcel is late", words_of(wanted)) is None


def test_only_the_surroundings_are_shown() -> None:
    """Of a long text the part around the first match is shown, with an ellipsis where it was cut."""
    found = pieces("a " * 200 + "parcel" + " b" * 200, ["parcel"])
    assert found is not None
    (before, _), (match, is_match), (after, _) = found[1], found[2], found[3]
    assert (found[0], found[-1]) == (("…", False), ("…", False))
    assert (match, is_match) == ("parcel", True)
    assert len(before) == len(after) == AROUND
