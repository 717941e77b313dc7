"""What fits into a text: the alphabet of GSM (3GPP TS 23.038 section 6.2.1), parts, and where a long text is cut."""

from __future__ import annotations

import unicodedata

from carekit import Segments

ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic character set: one septet each."""
DOUBLED = "\f^{}\\[~]|€"
"""Its extension table: an escape and one more septet each."""

_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


def segments(price: str = "", most: int | None = None) -> Segments:
    """How a text is cut into parts: 160 septets or 70 UTF-16 units in one, 153 or 67 in each of several."""
    return Segments(ALPHABET, DOUBLED, price=price, most=most)


def is_wide(text: str) -> bool:
    """Whether *text* holds anything that the GSM alphabet has not, so that it goes as UCS-2."""
    return any(character not in ALPHABET and character not in DOUBLED for character in text)


def cut(text: str, cutting: Segments, most_parts: int, most_length: int) -> list[str]:
    """*text* in pieces that take at most *most_parts* parts and *most_length* characters each, cut between words.

    What is one character to its reader (an accent on its letter, a family of emoji) stays whole, and so do words.
    """
    pieces = []
    rest = text.strip()
    while rest:
        end = _fitting(rest, cutting, most_parts, most_length)
        if end < len(rest):
            end = _between_words(rest, end)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return pieces


def _fitting(text: str, cutting: Segments, most_parts: int, most_length: int) -> int:
    """How many characters of *text* fit, at least one. A longer text never takes fewer parts, so halving finds it."""
    low, high = 1, min(len(text), most_length)
    while low < high:
        middle = (low + high + 1) // 2
        if cutting.count(text[:middle])[0] <= most_parts:
            low = middle
        else:
            high = middle - 1
    return low


def _between_words(text: str, end: int) -> int:
    """The last place up to *end* where *text* may be cut: before a space, else between characters."""
    for place in range(end, end // 2, -1):
        if text[place].isspace():
            return place
    place = end
    while place > 1 and (_joins(text[place]) or text[place - 1] == "\u200d"):
        place -= 1
    return place if place > 1 else end


def _joins(character: str) -> bool:
    return character in _JOINERS or unicodedata.combining(character) > 0 or "\U0001f3fb" <= character <= "\U0001f3ff"
