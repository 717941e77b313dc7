"""The nearest known word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.typos import Speller, distance

SPELLER = Speller(["refund", "return", "delivery", "voucher", "gift", "password", "instalments", "may", "2025"])
WORDS = st.text("abcde", max_size=8)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("refnud", "refund"),
        ("retrun", "return"),
        ("delivry", "delivery"),
        ("voucher", "voucher"),
        ("evlivery", None),
        ("instlaments", "instalments"),
        ("passport", None),
        ("deliver", "delivery"),
        ("giftcard", None),
        ("mai", None),
        ("2024", None),
        ("tent", None),
    ],
)
def test_a_slip_finds_its_word_and_another_word_does_not(written: str, meant: str | None) -> None:
    """One slip in a short word, two in a long one; words of under four letters and numbers are never guessed."""
    found = SPELLER.nearest(written)
    assert (found[0] if found else None) == meant


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("", "ab", 2), ("ca", "abc", 3)],
)
def test_distance_counts_slips(left: str, right: str, steps: int) -> None:
    """A swap of neighbours is one slip; no letter is touched twice."""
    assert distance(left, right) == steps


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_bounded(left: str, right: str) -> None:
    """It is the same both ways, zero only for equals, and never more than the longer word."""
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert abs(len(left) - len(right)) <= distance(left, right) <= max(len(left), len(right))


@given(st.lists(st.text("abcdef", min_size=4, max_size=9), min_size=1), st.data())
def test_a_known_word_is_its_own_nearest(words: list[str], data: st.DataObject) -> None:
    """A word spelt right is never mended into another."""
    word = data.draw(st.sampled_from(words))
    assert Speller(words).nearest(word) == (word, 1.0)
