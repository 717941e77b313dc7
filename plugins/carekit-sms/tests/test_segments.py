"""What fits into a text, and where a long one is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_sms.segments import ALPHABET, DOUBLED, cut, is_wide, segments

GSM = segments()


def test_the_alphabet_is_that_of_the_standard() -> None:
    """3GPP TS 23.038 section 6.2.1: 127 characters and the escape, ten in the extension table."""
    assert len(set(ALPHABET)) == len(ALPHABET) == 127
    assert len(set(DOUBLED)) == len(DOUBLED) == 10
    assert not set(ALPHABET) & set(DOUBLED)


@pytest.mark.parametrize(
    ("text", "parts", "left"),
    [
        ("", 1, 160),
        ("a" * 160, 1, 0),
        ("a" * 161, 2, 145),
        ("€" * 80, 1, 0),
        ("€" * 81, 2, 144),
        ("ñ" * 160, 1, 0),
        ("ñá", 1, 68),
        ("п" * 70, 1, 0),
        ("п" * 71, 2, 63),
        ("👋" * 35, 1, 0),
        ("👋🏽" * 18, 2, 62),
    ],
)
def test_parts_and_places_are_counted(text: str, parts: int, left: int) -> None:
    """160 septets or 70 UTF-16 units in one part, 153 or 67 in each of several; the euro takes two septets."""
    assert GSM.count(text) == (parts, left)


@pytest.mark.parametrize(
    ("text", "wide"), [("hola €", False), ("ñ", False), ("á", True), ("привет", True), ("`", True)]
)
def test_a_text_is_wide_with_its_first_foreign_character(text: str, wide: bool) -> None:
    """One accent that the alphabet has not makes all of it UCS-2."""
    assert is_wide(text) is wide


texts = st.text(st.sampled_from("aé€п👋🏽\u200d\u0301 \n"), max_size=400)


@given(text=texts, parts=st.integers(1, 4), length=st.integers(20, 300))
def test_pieces_fit_and_lose_nothing(text: str, parts: int, length: int) -> None:
    """Each takes no more than it may, and together they hold every character but the spaces they were cut at."""
    pieces = cut(text, GSM, parts, length)
    for piece in pieces:
        assert piece
        assert len(piece) <= length
        assert GSM.count(piece)[0] <= parts
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_words_and_characters_stay_whole() -> None:
    """A cut falls between words; in a text without spaces between what its reader sees as characters."""
    assert cut("one two three four", GSM, 1, 9) == ["one two", "three", "four"]
    family = "👨‍👩‍👧"
    pieces = cut(family * 30, GSM, 1, 1000)
    assert len(pieces) > 1
    assert all(set(piece.split(family)) == {""} for piece in pieces)
    accented = cut("e\u0301" * 100, GSM, 1, 1000)
    assert all(not piece.startswith("\u0301") for piece in accented)
