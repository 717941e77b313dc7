"""The bot by itself, and as a desk asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carekit import BotAnswered, BotReply, BotTurn, Contact, Conversation, HandedOff, MessageSent
from carekit.testing import DeskKit
from carekit_faqbot import plugin
from carekit_faqbot.bot import LONGEST_QUOTE, FaqBot, FaqBotSettings, quote
from carekit_faqbot.index import THRESHOLD
from carekit_faqbot.markdown import Passage

LIBRARY = Path(__file__).parent / "data" / "library"
NOW = datetime(2025, 3, 3, 9, tzinfo=UTC)
CONTACT = Contact("ct_1", NOW)


class Talk:
    """A conversation with the bot, its memory carried from turn to turn."""

    def __init__(self, *, live: bool = True, **settings: object) -> None:
        self.bot = FaqBot("guide", FaqBotSettings(articles=LIBRARY, **settings))  # type: ignore[arg-type]
        self.conversation = Conversation("cv_1", "web", "web", CONTACT.id, NOW, NOW, live=live)
        self.memory: dict[str, object] = {}

    def say(self, text: str) -> BotReply:
        turn = BotTurn(self.conversation, CONTACT, text, 1, NOW, dict(self.memory))
        reply = asyncio.run(self.bot.respond(turn))
        self.memory = dict(reply.memory) if reply.memory is not None else self.memory
        return reply


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_a_sure_answer_quotes_the_passage_and_names_its_source(talk: Talk) -> None:
    """The text is the article's own; the source is its page, at the right heading."""
    reply = talk.say("I forgot my PIN")
    assert "Choose New PIN on the sign-in page" in reply.text
    assert [(source.title, source.url) for source in reply.sources] == [
        ("PIN and online account", "/help/pin-and-account#forgotten-pin")
    ]
    assert not reply.missed and not reply.handoff
    assert reply.confidence >= reply.threshold == THRESHOLD


def test_it_says_once_that_it_is_a_program(talk: Talk) -> None:
    """The first answer of a conversation says who speaks and how to reach a person."""
    assert "a program" in talk.say("late fees").text
    assert "a program" not in talk.say("forgotten pin").text


def test_a_greeting_counts_as_the_introduction(talk: Talk) -> None:
    """It is not introduced twice."""
    assert "a program" in talk.say("hi").text
    assert "a program" not in talk.say("late fees").text


def test_unsure_it_offers_titles_and_counts_a_miss(talk: Talk) -> None:
    """Below the threshold it does not guess; the titles come with their sources."""
    reply = talk.say("no longer need my reservation")
    assert reply.missed
    assert reply.confidence < reply.threshold
    assert "1. " in reply.text and "2. Reserving an item" in reply.text
    assert len(reply.sources) == reply.text.count("\n") - 3 <= 3


def test_the_number_of_an_offered_title_is_answered(talk: Talk) -> None:
    """Choosing from the list is no guess any more."""
    offered = talk.say("no longer need my reservation").sources
    reply = talk.say("2")
    assert not reply.missed
    assert reply.sources[0].title == offered[1].title


@pytest.mark.parametrize("text", ["0", "9", "١", "99999999999999999999", "00021", "2"])
def test_a_number_that_was_not_offered_is_no_choice(talk: Talk, text: str) -> None:
    """A number without a list is a question like any other."""
    assert talk.say(text).missed


def test_a_question_about_nothing_it_knows_is_a_miss_without_titles(talk: Talk) -> None:
    """It offers nothing rather than something far-fetched."""
    reply = talk.say("quantum chromodynamics")
    assert reply.missed
    assert reply.sources == ()
    assert "nothing about that" in reply.text


@pytest.mark.parametrize("text", ["agent please", "I want to talk to a human", "quiero hablar con una persona"])
def test_whoever_asks_for_a_person_is_handed_over_at_once(talk: Talk, text: str) -> None:
    """In the first turn as in any other, and without a condition."""
    reply = talk.say(text)
    assert reply.handoff == "requested"
    assert not reply.missed
    assert reply.text


@pytest.mark.parametrize("text", ["hi", "thanks!", "ok", "bye", "are you a bot?", "👍"])
def test_small_talk_is_answered_and_is_no_miss(talk: Talk, text: str) -> None:
    """A polite contact is not sent to a person for it."""
    reply = talk.say(text)
    assert reply.text and not reply.missed and not reply.handoff


def test_a_complaint_about_the_answer_is_a_miss(talk: Talk) -> None:
    """Two of these bring a person, as two unanswered questions do."""
    assert talk.say("that didn't help").missed


def test_outside_of_a_chat_the_link_stands_in_the_text() -> None:
    """An e-mail shows no cards."""
    reply = Talk(live=False, url="https://library.example/help/").say("I forgot my PIN")
    assert "https://library.example/help/pin-and-account#forgotten-pin" in reply.text
    unsure = Talk(live=False).say("no longer need my reservation")
    assert "2. Reserving an item (/help/reservations" in unsure.text


def test_it_speaks_the_language_it_is_spoken_to(talk: Talk) -> None:
    """A greeting settles the language of what follows."""
    assert "¿En qué puedo ayudarte?" in talk.say("hola").text
    assert "Te paso con una persona" in talk.say("agente").text


def test_memory_that_makes_no_sense_is_ignored(talk: Talk) -> None:
    """A state from an older version breaks nothing."""
    talk.memory = {"introduced": "yes", "offered": 7, "language": None}
    assert "a program" in talk.say("late fees").text


def test_a_long_passage_is_cut_at_the_end_of_a_sentence() -> None:
    """The rest is behind the link."""
    text = quote(Passage("Head", "head", "", "One two three. " * 100))
    assert text.startswith("Head\nOne two three.")
    assert text.endswith("three. …")
    assert len(text) <= LONGEST_QUOTE + 10
    assert quote(Passage("", "", "", "x" * 2000)) == "x" * LONGEST_QUOTE + " …"


def test_faults_of_settings_and_articles_are_found_by_the_check(tmp_path: Path) -> None:
    """All of them, before anything starts."""
    (tmp_path / "a.md").write_text("no front matter")
    bot = FaqBot("guide", FaqBotSettings(articles=tmp_path, threshold=2.0, language="tlh", url="/help"))
    faults = list(bot.check())
    assert [fault.partition(":")[0] for fault in faults] == ["threshold", "language", "url", "articles"]
    assert f"{tmp_path}/a.md:1" in faults[-1]
    assert list(FaqBot("guide", FaqBotSettings(articles=LIBRARY)).check()) == []


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    """A desk that asks the bot first."""
    toml = f"""
        [service]
        name = "Library"
        timezone = "UTC"
        url = "https://library.example"
        secret = "a secret for tests only"
        [store]
        use = "memory"
        [channels.loop]
        use = "loopback"
        [bots.guide]
        use = "faqbot"
        articles = '{LIBRARY}'
        [policies.first]
        use = "bot"
        bot = "guide"
    """
    with DeskKit(toml, extra={"faqbot": plugin}, discover=False) as kit:
        yield kit


def test_a_desk_gets_the_answer_and_keeps_what_led_to_it(kit: DeskKit) -> None:
    """The log holds source, confidence and threshold; the contact gets the text."""
    kit.write("I forgot my PIN")
    assert "Choose New PIN" in kit.sent[-1]
    answered = kit.facts(BotAnswered)[-1]
    assert answered.sources[0].title == "PIN and online account"
    assert answered.confidence >= answered.threshold == THRESHOLD
    assert kit.facts(MessageSent)[-1].author == "bot:guide"


def test_two_misses_bring_a_person(kit: DeskKit) -> None:
    """Small talk before does not count, two unanswered questions do."""
    kit.write("hello")
    kit.write("quantum chromodynamics")
    assert kit.facts(HandedOff) == []
    kit.write("zeppelins over mars")
    assert [fact.trigger for fact in kit.facts(HandedOff)] == ["misses"]


def test_a_request_for_a_person_hands_over_within_the_turn(kit: DeskKit) -> None:
    """Asked for a person, the bot gives way and says so."""
    kit.write("let me talk to a human")
    assert [fact.trigger for fact in kit.facts(HandedOff)] == ["requested"]
    assert "passing you on" in kit.sent[0]
    assert kit.conversation().handed_off


def test_links_are_public_addresses_once_the_service_runs() -> None:
    """A path of this service becomes an address that works anywhere."""

    async def answer() -> BotReply:
        bot = FaqBot("guide", FaqBotSettings(articles=LIBRARY))

        class Somewhere:
            def url(self, path: str) -> str:
                return f"https://library.example{path}"

        await bot.run(Somewhere())  # type: ignore[arg-type]
        conversation = Conversation("cv_1", "web", "web", CONTACT.id, NOW, NOW)
        return await bot.respond(BotTurn(conversation, CONTACT, "late fees", 1, NOW, {}))

    assert asyncio.run(answer()).sources[0].url == "https://library.example/help/fines"
