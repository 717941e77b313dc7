"""The contract of a bot, as tests. Subclass `BotContract` and override ``bot``::

    class TestMyBot(BotContract):
        @pytest.fixture
        def bot(self):
            return MyBot("faq", MySettings())

The bot runs inside a counting one, so that the suite can tell turns, memory and conversations apart whatever it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from carekit.facts.codec import decode_memory, encode_memory
from carekit.facts.events import BotAnswered, HandedOff, MessageSent
from carekit.facts.nouns import Contact, Conversation, Source
from carekit.ground.errors import CarekitError
from carekit.ground.values import replace
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.testing.clock import START
from carekit.testing.contracts.hosting import LOOP, host
from carekit.testing.contracts.values import inbound
from carekit.testing.desk import DeskKit
from carekit.testing.strategies import texts

TURNS = 50
FALSY: Mapping[str, object] = {"zero": 0, "no": False, "empty": "", "nothing": None, "list": [], "map": {}, "half": 0.5}
"""Values that careless code replaces by a default."""

Before = Callable[[BotTurn, int], Awaitable[None]]


class CountingBot(Bot):
    """Asks *inner*, whose memory it keeps apart, and answers with the number of the turn in this conversation."""

    def __init__(self, inner: Bot, before: Before | None = None) -> None:
        super().__init__(inner.name, inner.settings)
        self.inner = inner
        self.before = before
        self.seen: list[dict[str, object]] = []

    async def respond(self, turn: BotTurn) -> BotReply:
        """The number of the turn, after the inner bot has had its say."""
        self.seen.append(decode_memory(encode_memory(turn.memory)))
        count = turn.memory.get("count", 0)
        assert isinstance(count, int)
        kept = turn.memory.get("inner", {})
        assert isinstance(kept, dict)
        turn.memory["count"] = -1  # a bot may scribble on its own copy; nobody else may see that
        if self.before is not None:
            await self.before(turn, count + 1)
        inner = await self.inner.respond(replace(turn, memory=dict(kept)))
        memory = kept if inner.memory is None else dict(inner.memory)
        return BotReply(str(count + 1), memory={"count": count + 1, "inner": memory, **FALSY})


class BotContract:
    """All that a bot promises, and all that the desk promises to a bot. Only ``bot`` must be overridden."""

    @pytest.fixture
    def bot(self) -> Bot:
        """The bot under test, made as the file would make it."""
        raise NotImplementedError("override the fixture 'bot' with the bot to test")

    @pytest.fixture
    def question(self) -> str:
        """Something to ask it."""
        return "Where is my parcel?"

    @pytest.fixture
    def counting(self, bot: Bot) -> CountingBot:
        """The bot inside one that counts."""
        return CountingBot(bot)

    @pytest.fixture
    def kit(self, counting: CountingBot) -> Iterator[DeskKit]:
        """A desk in memory whose conversations are answered by the counting bot first."""
        with _desk(counting) as kit:
            yield kit

    # --- one turn

    def test_it_answers_with_a_reply(self, bot: Bot, question: str) -> None:
        """A turn gives a BotReply whose parts have their types and whose memory can be kept."""
        _assert_sound(asyncio.run(bot.respond(_turn(question))))

    def test_it_bears_any_text(self, bot: Bot) -> None:
        """Whatever the contact writes, the bot answers, misses or hands over: it does not raise."""

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(text=texts)
        def any_text(text: str) -> None:
            _assert_sound(asyncio.run(bot.respond(_turn(text))))

        any_text()

    def test_it_takes_up_its_own_memory(self, bot: Bot, question: str) -> None:
        """The memory it gives back, as it comes out of the store, is one it can go on with."""
        memory: dict[str, object] = {}
        for _ in range(3):
            reply = asyncio.run(bot.respond(_turn(question, memory)))
            _assert_sound(reply)
            if reply.memory is not None:
                memory = decode_memory(encode_memory(reply.memory))

    def test_it_leaves_its_turn_as_it_was(self, bot: Bot, question: str) -> None:
        """What it wants to remember it says in its reply; conversation, contact and history stay as they were."""
        turn = _turn(question)
        before = (turn.conversation, turn.contact, turn.text, turn.message, turn.now, turn.history)
        asyncio.run(bot.respond(turn))
        assert (turn.conversation, turn.contact, turn.text, turn.message, turn.now, turn.history) == before

    # --- many turns, on a real desk

    def test_falsy_memory_survives(self, kit: DeskKit, counting: CountingBot, question: str) -> None:
        """0, False, empty texts, lists, mappings and None come back in the next turn as they were."""
        kit.write(question)
        kit.write(question)
        kept = {name: counting.seen[1][name] for name in FALSY}
        assert kept == FALSY
        assert [type(value) for value in kept.values()] == [type(value) for value in FALSY.values()]

    def test_state_does_not_cross_conversations(self, kit: DeskKit, question: str) -> None:
        """Interleaved conversations each count their own turns and have their own memory."""
        people = ("ana", "max", "zoe")
        ids = {person: kit.write(question, sender=person).conversation for person in people}
        for _ in range(3):
            _write_at_once(kit, [(person, question) for person in people])
        for person, id in ids.items():
            assert _answers(kit, id) == ["1", "2", "3", "4"], person

    def test_fifty_turns_at_once_give_fifty_answers_in_order(self, kit: DeskKit, question: str) -> None:
        """Fifty messages of one conversation at once are fifty turns, one after another, each answered in order."""
        kit.write(question)
        _write_at_once(kit, [("ana", f"{question} {number}") for number in range(TURNS - 1)])
        assert _answers(kit) == [str(number) for number in range(1, TURNS + 1)]
        asked = [answered.message for answered in kit.facts(BotAnswered)]
        assert asked == sorted(asked)
        assert decode_memory(kit.conversation().memory)["count"] == TURNS

    def test_a_message_delivered_twice_is_answered_once(self, kit: DeskKit, question: str) -> None:
        """The far side's second delivery of a message gives no second answer."""
        kit.write(question, id="same")
        assert kit.write(question, id="same").repeated
        assert _answers(kit) == ["1"]

    def test_a_failing_turn_leaves_no_trace_and_hands_over_once(self, counting: CountingBot, question: str) -> None:
        """A turn that raises says nothing, leaves the memory as it was, and people take over, once."""

        async def fail_third(turn: BotTurn, count: int) -> None:
            if count == 3:
                turn.memory["inner"] = "scribble"
                raise RuntimeError("the bot broke down")

        counting.before = fail_third
        with _desk(counting) as kit:
            for _ in range(5):
                kit.write(question)
            assert _answers(kit) == ["1", "2"]
            assert decode_memory(kit.conversation().memory)["count"] == 2
            assert [handed.trigger for handed in kit.facts(HandedOff)] == ["failed"]
            assert (kit.conversation().bot, kit.conversation().handed_off) == ("", True)

    def test_a_slow_bot_hands_over_at_its_timeout(self, counting: CountingBot, question: str) -> None:
        """A turn that outlasts the bot's timeout is given up: nothing is said late, and people take over, once."""

        async def never(turn: BotTurn, count: int) -> None:
            await asyncio.Event().wait()

        counting.before = never
        with _desk(counting, timeout="1s") as kit:
            kit.write(question)
            assert _answers(kit) == []
            assert [handed.trigger for handed in kit.facts(HandedOff)] == ["timeout"]
            assert kit.conversation().memory == "{}"

    def test_a_bot_that_breaks_its_contract_hands_over(self, counting: CountingBot, question: str) -> None:
        """Memory that cannot be kept is a failed turn of that bot, not a fault of the desk."""

        class Hoarder(CountingBot):
            async def respond(self, turn: BotTurn) -> BotReply:
                """Wants to remember what cannot be written down."""
                return BotReply("hello", memory={"lock": asyncio.Lock()})

        with _desk(Hoarder(counting.inner)) as kit:
            kit.write(question)
            assert _answers(kit) == []
            assert [handed.trigger for handed in kit.facts(HandedOff)] == ["failed"]

    # --- what it is

    def test_it_keeps_its_name_and_is_sound(self, bot: Bot) -> None:
        """Two bots of one class keep their own names, and sound settings have no faults."""
        name = bot.name
        assert type(bot)("another", bot.settings).name == "another"
        assert bot.name == name
        assert list(bot.check()) == []


def _desk(bot: Bot, timeout: str = "20s") -> DeskKit:
    policy = f'\n[policies.bot]\nuse = "bot"\nbot = "{bot.name}"\n'
    return host(bot, keys=f'timeout = "{timeout}"', more=LOOP + policy)


def _turn(text: str, memory: dict[str, object] | None = None) -> BotTurn:
    conversation = Conversation("c_1", "loop", "loop", "p_1", START, START, seq=2, inbound=1)
    contact = Contact("p_1", START, "Ana")
    return BotTurn(conversation, contact, text, 2, START + timedelta(minutes=1), memory if memory is not None else {})


def _assert_sound(reply: object) -> None:
    assert isinstance(reply, BotReply)
    assert isinstance(reply.text, str)
    assert isinstance(reply.handoff, str)
    assert all(isinstance(source, Source) for source in reply.sources)
    if reply.memory is not None:
        try:
            encode_memory(reply.memory)
        except CarekitError as error:
            pytest.fail(str(error))


def _write_at_once(kit: DeskKit, messages: list[tuple[str, str]]) -> None:
    async def write() -> None:
        start = kit.service.store.last_position()
        await asyncio.gather(
            *(kit.desk.receive(inbound(who, f"{start}-{n}", text)) for n, (who, text) in enumerate(messages))
        )

    kit.run(write())
    kit.settle()


def _answers(kit: DeskKit, conversation: str = "") -> list[str]:
    return [sent.text for sent in kit.facts(MessageSent, conversation) if sent.purpose == "answer"]
