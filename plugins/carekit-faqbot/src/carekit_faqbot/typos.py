"""The nearest known word to a misspelt one, by character 3-grams confirmed by edit distance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

SHORTEST = 4
CANDIDATES = 24


def grams(word: str) -> frozenset[str]:
    """The 3-grams of *word* between two edge marks: "bag" gives ^ba, bag, ag$."""
    marked = f"^{word}$"
    return frozenset(marked[at : at + 3] for at in range(len(marked) - 2))


def distance(left: str, right: str) -> int:
    """Insertions, deletions, changes and swaps of neighbours from *left* to *right* (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, char in enumerate(left, 1):
        now = [i]
        for j, other in enumerate(right, 1):
            cost = min(row[j] + 1, now[j - 1] + 1, row[j - 1] + (char != other))
            if i > 1 and j > 1 and char == right[j - 2] and left[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        before, row = row, now
    return row[-1]


class Speller:
    """Knows a set of words and finds the one that was probably meant."""

    def __init__(self, words: Iterable[str]) -> None:
        """Words under four letters are left out: there, a neighbour is usually another word."""
        self._holders: dict[str, list[str]] = {}
        for word in sorted({word for word in words if len(word) >= SHORTEST and not word.isdigit()}):
            for gram in grams(word):
                self._holders.setdefault(gram, []).append(word)

    def nearest(self, word: str) -> tuple[str, float] | None:
        """The closest known word and how alike it is (0 to 1), or None when none is close.

        Close means: one slip in four to eight letters, two from nine, same first letter or a swap of the first two;
        or one word is the beginning of the other and at least three fifths of it ("giftcard" for "gift" is not).
        """
        if len(word) < SHORTEST or word.isdigit():
            return None
        shared = Counter(holder for gram in grams(word) for holder in self._holders.get(gram, ()))
        likely = sorted(shared, key=lambda other: (-2 * shared[other] / (len(word) + len(other)), other))
        scored = [(_likeness(word, other), other) for other in likely[:CANDIDATES]]
        best = min(scored, key=lambda pair: (-pair[0], pair[1]), default=(0.0, ""))
        return (best[1], best[0]) if best[0] > 0 else None


def _likeness(word: str, known: str) -> float:
    longest = max(len(word), len(known))
    shortest = min(len(word), len(known))
    if (word.startswith(known) or known.startswith(word)) and shortest >= 0.6 * longest:
        return shortest / longest
    if word[0] != known[0] and word[:2] != known[1::-1]:
        return 0.0
    slips = distance(word, known)
    return 1 - slips / longest if slips <= (1 if shortest < 9 else 2) else 0.0
