"""What a search finds in a text: whole words, the last one perhaps unfinished, without regard to case and accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from carekit.facts.events import ConversationStarted, Fact, MessageReceived, MessageSent, NoteAdded

LONGEST = 100
"""Characters of a word that count."""
AROUND = 60
"""Characters shown before and after the first match."""

Pieces = tuple[tuple[str, bool], ...]
"""A text cut into parts in order, each with whether it matches."""

_WORD = re.compile(r"\w+")


def said(fact: Fact) -> str:
    """What can be searched of a fact: the text of messages and notes, and the subject of a conversation."""
    if isinstance(fact, MessageReceived | MessageSent | NoteAdded):
        return fact.text
    return fact.subject if isinstance(fact, ConversationStarted) else ""


def words_of(text: str) -> list[str]:
    """The words of *text* in order, as they are compared: case and accents folded, the first `LONGEST` characters."""
    return [folded(match[0]) for match in _WORD.finditer(text)]


def folded(word: str) -> str:
    """*word* without case and accents (Unicode's compatibility decomposition without combining marks), shortened."""
    if word.isascii():
        return word[:LONGEST].lower()
    decomposed = unicodedata.normalize("NFKD", word[:LONGEST].casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return plain[:LONGEST] if plain.isalnum() or "_" in plain else word[:LONGEST].casefold()


def pieces(text: str, wanted: Sequence[str]) -> Pieces | None:
    """The part of *text* around its first match, None unless it has all of the *wanted* words (see `words_of`)."""
    if not wanted:
        return None
    found = [match for match in _WORD.finditer(text) if _matches(folded(match[0]), wanted)]
    have = [folded(match[0]) for match in found]
    if not all(any(_matches(word, (one,), last=one is wanted[-1]) for word in have) for one in wanted):
        return None
    start = max(0, found[0].start() - AROUND)
    end = min(len(text), found[0].end() + AROUND)
    cut: list[tuple[str, bool]] = [("…", False)] if start else []
    for match in found:
        if match.start() >= end:
            break
        cut += [(text[start : match.start()], False), (match[0], True)]
        start = match.end()
    cut += [(text[start:end], False), ("…" if end < len(text) else "", False)]
    return tuple((part, match) for part, match in cut if part)


def _matches(word: str, wanted: Sequence[str], *, last: bool = True) -> bool:
    return word in wanted or (last and word.startswith(wanted[-1]))
