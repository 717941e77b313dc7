"""The bot: answers from the articles with a link to its source, or says that it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import attrs

from carekit import Bot, BotReply, BotTurn, Desk, Source, replace, setting
from carekit_faqbot.articles import ArticlesError, load_articles
from carekit_faqbot.beginning import STARTER_FILES
from carekit_faqbot.handoff import Detector
from carekit_faqbot.index import THRESHOLD, Hit, Index
from carekit_faqbot.markdown import Passage
from carekit_faqbot.talk import LANGUAGES, Talk, Talks

OFFERED = 3
WORTH_OFFERING = 0.1
"""Confidence under which a title is not even offered."""

LONGEST_QUOTE = 800
"""Characters of a passage that are quoted; the rest is behind the link."""


@attrs.frozen
class FaqBotSettings:
    """Keys of ``[bots.*]`` with ``use = "faqbot"``."""

    articles: Path = setting("the folder of Markdown articles, relative to the file")
    url: str = setting(
        "where the articles' pages begin: the path of the help app, or a whole address", default="/help/"
    )
    threshold: float = setting("confidence (0 to 1) from which it answers; below, it offers titles", default=THRESHOLD)
    language: str = setting("language of its own words until the contact's is known: en, es, de or fr", default="en")


@attrs.frozen
class _Memory:
    """What it keeps of a conversation: whether it said what it is, the language, and the articles it offered last."""

    introduced: bool = False
    language: str = ""
    offered: tuple[str, ...] = ()

    @classmethod
    def read(cls, memory: Mapping[str, object]) -> _Memory:
        """From the turn's plain values; whatever does not fit is as if it had never been said."""
        offered = memory.get("offered")
        return cls(
            memory.get("introduced") is True,
            str(memory.get("language") or ""),
            tuple(map(str, offered)) if isinstance(offered, list | tuple) else (),
        )

    def plain(self) -> dict[str, object]:
        return {"introduced": self.introduced, "language": self.language, "offered": list(self.offered)}


class FaqBot(Bot):
    """Answers from a folder of articles.

    It says once that it is a program. Sure of an article, it quotes the passage and links to it; unsure, it offers up
    to three titles, and that is a miss; asked for a person, it hands over. Small talk is answered and is no miss.
    """

    Settings = FaqBotSettings
    starter = """\
# Answers from the articles in a folder, and gives way to people when it cannot.
[bots.guide]
use = "faqbot"
articles = "articles"
url = "/help/"                     # where the articles can be read
"""
    starter_files = STARTER_FILES

    def __init__(self, name: str, settings: FaqBotSettings) -> None:
        super().__init__(name, settings)
        self._desk: Desk | None = None

    @cached_property
    def _index(self) -> Index:
        return Index(load_articles(self.settings.articles))

    @cached_property
    def _talks(self) -> Talks:
        return Talks()

    @cached_property
    def _detector(self) -> Detector:
        return Detector()

    def check(self) -> Iterable[str]:
        """Reads the articles: a fault in one is a fault of the settings, to be found before anything starts."""
        if not 0 <= self.settings.threshold <= 1:
            yield f"threshold: {self.settings.threshold} is not a confidence; choose one from 0 to 1"
        if self.settings.language not in LANGUAGES:
            yield f'language: "{self.settings.language}" is not spoken; choose {", ".join(LANGUAGES)}'
        if not self.settings.url.endswith("/"):
            yield f'url: "{self.settings.url}" must end with a slash, because the article\'s name follows'
        try:
            load_articles(self.settings.articles)
        except ArticlesError as error:
            for problem in error.problems:
                yield f"articles: {problem}"

    async def run(self, desk: Desk) -> None:
        """Learn the public address, so that a link also works outside of the page it is read on."""
        self._desk = desk

    async def respond(self, turn: BotTurn) -> BotReply:
        memory = _Memory.read(turn.memory)
        language = memory.language or self.settings.language
        if self._detector.wants_person(turn.text):
            return BotReply(self._talks.of(language).said["handoff"], handoff="requested", memory=memory.plain())
        if (small := self._talks.small_talk(turn.text, language)) is not None:
            return self._chat(small.kind, replace(memory, language=small.language))
        hits = self._hits(turn.text, memory, language)
        language = hits[0].article.language if hits else language
        memory = replace(memory, language=language)
        if hits and hits[0].confidence >= self.settings.threshold:
            return self._answer(hits[0], memory, live=turn.conversation.live)
        return self._miss(hits, memory, live=turn.conversation.live)

    def _hits(self, text: str, memory: _Memory, language: str) -> tuple[Hit, ...]:
        """What the index finds, or the article whose number the contact sent."""
        number = text.strip(" .)#")
        if number in map(str, range(1, len(memory.offered) + 1)):
            chosen = self._index.article(memory.offered[int(number) - 1])
            if chosen is not None:
                return (chosen,)
        known = memory.language or None
        hits = self._index.search(text, OFFERED, language=known)
        if known and not hits:
            hits = self._index.search(text, OFFERED)
        return hits

    def _chat(self, kind: str, memory: _Memory) -> BotReply:
        talk = self._talks.of(memory.language)
        text = talk.said[kind]
        if kind == "greeting" and not memory.introduced:
            text = f"{talk.said['intro']}\n\n{text}"
        introduced = memory.introduced or kind in ("greeting", "identity")
        memory = replace(memory, introduced=introduced, offered=())
        return BotReply(text, missed=kind == "unhelpful", memory=memory.plain())

    def _answer(self, hit: Hit, memory: _Memory, *, live: bool) -> BotReply:
        talk = self._talks.of(memory.language)
        source = self._source(hit)
        parts = [quote(hit.passage)]
        if not live:  # a chat shows the sources as cards; elsewhere the link has to be in the text
            parts.append(talk.said["more"].format(title=source.title, url=source.url))
        return self._say(parts, talk, memory, (), (hit,), missed=False)

    def _miss(self, hits: Sequence[Hit], memory: _Memory, *, live: bool) -> BotReply:
        talk = self._talks.of(memory.language)
        offered = [hit for hit in hits if hit.confidence >= WORTH_OFFERING]
        if not offered:
            return self._say([talk.said["nothing"]], talk, memory, (), hits[:1], missed=True)
        lines = [
            f"{number}. {hit.article.title}" + ("" if live else f" ({self._source(hit).url})")
            for number, hit in enumerate(offered, 1)
        ]
        text = "\n".join([talk.said["unsure"], *lines, talk.said["choose"]])
        slugs = [hit.article.slug for hit in offered]
        return self._say([text], talk, memory, slugs, offered, missed=True)

    def _say(
        self,
        parts: list[str],
        talk: Talk,
        memory: _Memory,
        offered: Sequence[str],
        hits: Sequence[Hit],
        *,
        missed: bool,
    ) -> BotReply:
        if not memory.introduced:
            parts = [talk.said["intro"], *parts]
        return BotReply(
            "\n\n".join(parts),
            sources=tuple(map(self._source, hits)) if offered or not missed else (),
            missed=missed,
            confidence=hits[0].confidence if hits else 0.0,
            threshold=self.settings.threshold,
            memory=replace(memory, introduced=True, offered=tuple(offered)).plain(),
        )

    def _source(self, hit: Hit) -> Source:
        anchor = f"#{hit.passage.anchor}" if hit.passage.anchor else ""
        url = f"{self.settings.url}{hit.article.slug}{anchor}"
        if self._desk is not None and url.startswith("/"):
            url = self._desk.url(url)
        return Source(hit.article.title, url, round(hit.confidence, 3))


def quote(passage: Passage) -> str:
    """The passage as a message: its heading, then its text, cut after the last whole line or sentence that fits."""
    text = passage.text
    if len(text) > LONGEST_QUOTE:
        cut = max(text.rfind(end, 0, LONGEST_QUOTE) for end in ("\n", ". ", "? ", "! "))
        text = (text[: cut + 1].rstrip() if cut > 0 else text[:LONGEST_QUOTE]) + " …"
    return f"{passage.heading}\n{text}" if passage.heading else text
