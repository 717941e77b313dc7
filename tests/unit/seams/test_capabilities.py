"""How a text is cut into parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.seams.capabilities import Capabilities, Segments

SEGMENTS = Segments(alphabet="abcdefghijklmnopqrstuvwxyz ", doubled="{}")


@pytest.mark.parametrize(
    ("text", "parts", "left"),
    [
        ("", 1, 160),
        ("a" * 160, 1, 0),
        ("a" * 161, 2, 2 * 153 - 161),
        ("a" * 306, 2, 0),
        ("a" * 307, 3, 3 * 153 - 307),
        ("{" * 80, 1, 0),
        ("{" * 80 + "a", 2, 2 * 153 - 161),
        ("é" + "a" * 69, 1, 0),
        ("é" + "a" * 70, 2, 2 * 67 - 71),
        ("🙂" * 35, 1, 0),
        ("🙂" * 36, 2, 2 * 67 - 72),
    ],
)
def test_texts_are_counted_by_their_alphabet(text: str, parts: int, left: int) -> None:
    """160 places in one part and 153 in several; 70 and 67 if one character is foreign; doubled ones take two."""
    assert SEGMENTS.count(text) == (parts, left)


@given(st.text(), st.text())
def test_more_text_never_takes_fewer_parts(text: str, more: str) -> None:
    """Adding to a text keeps or raises the number of parts, and no part has less than nothing left."""
    parts, left = SEGMENTS.count(text)
    assert left >= 0
    assert SEGMENTS.count(text + more)[0] >= parts


@pytest.mark.parametrize(
    ("can", "text", "words"),
    [
        (Capabilities(), "a" * 200_000, ""),
        (Capabilities(max_length=5), "héllo", ""),
        (Capabilities(max_length=5), "🙂" * 5, ""),
        (Capabilities(max_length=5), "hello!", "has 6 characters, and its channel takes at most 5"),
        (Capabilities(segments=SEGMENTS), "a" * 2_000, ""),
        (Capabilities(segments=Segments("a", most=2)), "a" * 306, ""),
        (Capabilities(segments=Segments("a", most=2)), "a" * 307, "takes 3 parts, and its channel sends at most 2"),
        (Capabilities(max_length=3, segments=Segments("a", most=2)), "aaaa", "has 4 characters"),
    ],
)
def test_a_text_is_too_long_by_what_is_declared(can: Capabilities, text: str, words: str) -> None:
    """By its characters or by the parts it takes, whatever the channel declares; by nothing where it declares none."""
    assert words in can.too_long(text)
    assert bool(can.too_long(text)) == bool(words)
