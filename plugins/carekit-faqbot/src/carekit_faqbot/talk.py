"""The assistant's own words, language by language, and the small talk it recognises.

Both stand in ``texts/*.toml``. A message is small talk only when nothing else is in it: "Hi, where is my order?" is a
question.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files

import attrs

from carekit_faqbot.words import fold

LANGUAGES = ("en", "es", "de", "fr")
KINDS = ("unhelpful", "identity", "thanks", "bye", "greeting", "fine")
"""Of small talk; the first that a message holds decides."""

LONGEST = 120
"""Characters of a message that can still be small talk."""


@attrs.frozen
class Talk:
    """One language: ``said`` and ``page`` are texts by name, ``whole`` and ``heard`` recognise small talk."""

    language: str
    said: Mapping[str, str]
    page: Mapping[str, str]
    whole: re.Pattern[str]
    heard: Mapping[str, re.Pattern[str]]


@attrs.frozen
class SmallTalk:
    """A message that asks nothing: its kind (one of KINDS) and its language."""

    kind: str
    language: str


class Talks:
    """All languages; reads the files that ship with the package."""

    def __init__(self, languages: Iterable[str] = LANGUAGES) -> None:
        self._by_language = {language: _load(language) for language in languages}

    def of(self, language: str) -> Talk:
        """The talk of *language* ("de-AT" is "de"), or English."""
        code = language.partition("-")[0].casefold()
        return self._by_language.get(code, self._by_language["en"])

    def small_talk(self, text: str, prefer: str = "en") -> SmallTalk | None:
        """What kind of small talk *text* is, if it is nothing else; *prefer* decides where two languages share a word.

        A message of signs and pictures only, such as a thumb, counts as ``fine``.
        """
        first = self.of(prefer)
        if len(text) > LONGEST:
            return None
        words = re.sub(r"[^\w]+", " ", re.sub(r"['`]", "", fold(text))).strip()
        split = re.sub(r"[^\w]+", " ", fold(text)).strip()
        if not words:
            return SmallTalk("fine", first.language) if text.strip(" ?!.\n") else None
        for talk in (first, *self._by_language.values()):
            for version in (words, split):
                if talk.whole.fullmatch(version) is None:
                    continue
                for kind in KINDS:
                    if talk.heard[kind].search(version):
                        return SmallTalk(kind, talk.language)
        return None


def _load(language: str) -> Talk:
    table = tomllib.loads(files("carekit_faqbot").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8"))
    heard = table["heard"]
    return Talk(
        language,
        table["said"],
        table["page"],
        whole=re.compile(rf"(?:(?:{_any(phrase for phrases in heard.values() for phrase in phrases)})(?: |$))+"),
        heard={kind: re.compile(rf"\b(?:{_any(heard[kind])})\b") for kind in KINDS},
    )


def _any(phrases: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, phrases), key=lambda phrase: (-len(phrase), phrase)))
