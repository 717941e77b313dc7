"""Suggestions for misspelt words, so that an error can name what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

CUTOFF: Final = 0.6
"""How alike (0 to 1, difflib's ratio) a known word must be to be suggested."""

LONGEST: Final = 100
"""Words longer than this many characters get no suggestion: comparing them costs more than a guess is worth."""


def closest(word: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """Return the known word most like *word*, ignoring case, or None when nothing is alike (*cutoff*, 0 to 1).

    The order of *known* does not matter: of equally good words the alphabetically first wins.
    """
    if len(word) > LONGEST:
        return None
    matcher = SequenceMatcher(None, b=word.casefold())
    best: str | None = None
    best_ratio = 0.0
    for candidate in sorted(known):
        if len(candidate) > LONGEST:
            continue
        matcher.set_seq1(candidate.casefold())
        least = max(cutoff, best_ratio)
        if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
            continue
        ratio = matcher.ratio()
        if ratio >= cutoff and ratio > best_ratio:
            best, best_ratio = candidate, ratio
    return best


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``' (did you mean "x"?)'`` for appending to a message, or an empty text when nothing is alike."""
    match = closest(word, known)
    return "" if match is None else f' (did you mean "{match}"?)'
