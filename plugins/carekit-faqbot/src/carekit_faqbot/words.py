"""From a sentence to the terms worth searching: folding, stop words, stems, language by language.

English, German, Spanish, French, Italian, Portuguese and Dutch have stop words here. Every other language the Snowball
project knows is stemmed without; the rest is compared word by word.
"""

from __future__ import annotations

import re
import unicodedata

import snowballstemmer

from carekit_faqbot.stopwords import STOP_WORDS

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

_CONTRACTED = re.compile(r"(?<=\w)(?:n't|'(?:s|m|d|ll|re|ve))\b")
_SHORT_HYPHEN = re.compile(r"\b(\w{1,2})-(?=\w)")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """*text* in small letters without accents, so that "Rückgabe" and "RUCKGABE" are one word."""
    spread = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    spread = unicodedata.normalize("NFKD", spread)  # folding some letters (the Greek iota below) joins them again
    return "".join(char for char in spread if not unicodedata.combining(char))


class Analyser:
    """Turns text of one language into terms. Holds no state that a call changes, so threads may share it."""

    def __init__(self, language: str) -> None:
        """*language* is a code such as "en" or "pt-BR"; only its first part counts."""
        code = language.partition("-")[0].casefold()
        self._english = code == "en"
        self._algorithm = _STEMMERS.get(code)
        self._stop = frozenset(STOP_WORDS.get(code, "").split())

    def words(self, text: str) -> list[str]:
        """The words of *text* that mean something, in order, folded but not stemmed.

        "e-mail" and "wi-fi" are one word each: one or two letters before a hyphen belong to what follows.
        """
        folded = fold(text)
        if self._english:
            folded = _CONTRACTED.sub("", folded)
        return [word for word in _WORD.findall(_SHORT_HYPHEN.sub(r"\1", folded)) if word not in self._stop]

    def stems(self, words: list[str]) -> list[str]:
        """The stem of each word, in the same order."""
        if self._algorithm is None:
            return words
        # A Snowball stemmer keeps its place in an attribute; a fresh one costs a microsecond and needs no lock.
        stemmed: list[str] = snowballstemmer.stemmer(self._algorithm).stemWords(words)
        return stemmed
