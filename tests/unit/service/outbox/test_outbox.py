"""After the commit: sent once, tried again with patience, given up with a reason, and always in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from types import ModuleType

import pytest
from attrs import evolve

from carekit.builtin.loopback import Loopback
from carekit.builtin.memory import MemoryStore
from carekit.facts.codec import decode_fact, encode
from carekit.facts.events import DeliveryChanged, HandedOff, MessageSent, NoteAdded
from carekit.facts.nouns import DeliveryStatus
from carekit.ground.errors import Permanent, Temporary, Unavailable, Unsure
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.seams.hookspecs import hookimpl
from carekit.seams.store import Batch
from carekit.service.outbox import errands as module
from carekit.service.outbox import outbox as outbox_module
from carekit.service.outbox.errands import TRIES, backoff
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import LOOP, host
from carekit.testing.contracts.values import minute
from tests.unit.service.outbox._far_side import Broken, FarSide, changes


def test_a_message_is_sent_once(kit: DeskKit, far: FarSide) -> None:
    """A delivery ends the job, and its outcome is in the log with the far side's id."""
    kit.reply("ana", "hi")
    kit.advance("1h")
    assert far.texts == ["hi"]
    (change,) = kit.facts(DeliveryChanged)
    assert (change.status, change.external_id, change.message) == (DeliveryStatus.SENT, "far", 3)
    assert kit.service.store.pending_jobs() == 0


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Permanent("550 Empf\udce4nger unbekannt"), DeliveryStatus.FAILED),
        (Unsure("abgeh\udce4ngt"), DeliveryStatus.UNSURE),
        (Delivery(external_id="\udce4", keys=("mid:\udce4",), detail="angenommen \udce4"), DeliveryStatus.SENT),
    ],
)
def test_what_a_far_side_says_in_no_encoding_is_noted_all_the_same(
    kit: DeskKit, far: FarSide, answer: Delivery | Exception, status: DeliveryStatus
) -> None:
    """A reason in Latin-1 comes as halves of characters, which no store can write: the outcome is noted without."""
    far.answer = lambda *_: answer
    kit.reply("ana", "hi")
    (change,) = kit.facts(DeliveryChanged)
    assert change.status is status
    assert decode_fact(change.kind, encode(change)) == change
    assert kit.service.store.pending_jobs() == 0


def test_waits_grow_and_end_at_an_hour() -> None:
    """About 5 s, 10 s, 20 s … at most an hour, each a quarter more or less by chance."""
    waits = [backoff(attempt, Random(attempt)).total_seconds() for attempt in range(1, 14)]
    assert all(0.75 <= wait / min(3600, 5 * 2**n) <= 1.25 for n, wait in enumerate(waits))
    assert len({backoff(3, Random(seed)) for seed in range(9)}) == 9


def test_what_may_succeed_later_is_tried_again(kit: DeskKit, far: FarSide) -> None:
    """A temporary failure is tried after its wait under the same key against doubles; the log has the outcome alone."""
    far.answer = lambda _, attempt: Temporary("busy") if attempt < 3 else Delivery()
    kit.reply("ana", "hi")
    assert (far.texts, changes(kit)) == (["hi"], [])
    kit.advance("3s")
    assert far.texts == ["hi"]
    kit.advance("1m")
    assert far.texts == ["hi"] * 3
    assert len({id for _, id in far.sent}) == 1
    assert changes(kit) == [(DeliveryStatus.SENT, "")]


def test_the_far_sides_own_wait_is_kept(kit: DeskKit, far: FarSide) -> None:
    """Told to come back in 300 s, it comes back then and not before."""
    far.answer = lambda _, attempt: Temporary("slow down", retry_after=300) if attempt == 1 else Delivery()
    kit.reply("ana", "hi")
    kit.advance("299s")
    assert len(far.sent) == 1
    kit.advance("1s")
    assert len(far.sent) == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [(Permanent("no such address"), DeliveryStatus.FAILED), (Unsure("cut off"), DeliveryStatus.UNSURE)],
)
def test_what_cannot_succeed_or_may_have_is_not_sent_again(
    kit: DeskKit, far: FarSide, error: Exception, status: DeliveryStatus
) -> None:
    """A refusal for good and an unknown outcome end the job, each visible as what it is, with the reason."""
    far.answer = lambda *_: error
    kit.reply("ana", "hi")
    kit.advance("2d")
    assert (len(far.sent), changes(kit)) == (1, [(status, str(error))])
    assert kit.service.store.pending_jobs() == 0


@pytest.mark.parametrize("error", [Temporary("busy"), RuntimeError("a fault of the channel"), KeyError("x")])
def test_in_the_end_it_is_given_up(kit: DeskKit, far: FarSide, error: Exception) -> None:
    """After eight attempts a message counts as failed, with the last reason, and the lane is free."""
    far.answer = lambda text, _: error if text == "hi" else Delivery()
    kit.reply("ana", "hi")
    kit.advance("1d")
    assert len(far.sent) == TRIES
    ((status, detail),) = changes(kit)
    assert status is DeliveryStatus.FAILED
    assert detail.startswith("given up: ")
    kit.reply("ana", "next")
    assert changes(kit)[-1][0] is DeliveryStatus.SENT


@pytest.mark.parametrize(
    "nonsense",
    [None, "ok", Delivery(external_id=77), Delivery(detail=None), Delivery(keys=(1,))],  # type: ignore[arg-type]
)
def test_what_a_channel_reports_wrongly_is_unsure_and_not_sent_again(
    kit: DeskKit, far: FarSide, nonsense: Delivery
) -> None:
    """A send that came back without a proper Delivery has probably sent: once more would be twice."""
    far.answer = lambda *_: nonsense
    kit.reply("ana", "hi")
    kit.advance("1d")
    ((status, detail),) = changes(kit)
    assert (len(far.sent), status) == (1, DeliveryStatus.UNSURE)
    assert detail.startswith("send returned ")


def test_a_send_that_takes_too_long_is_unsure_and_not_sent_again(
    kit: DeskKit, far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is up the far side may have the message already."""
    monkeypatch.setattr(module, "SEND_TIMEOUT", 0.01)
    sent = []

    async def hang(outbound: Outbound) -> Delivery:
        sent.append(outbound.id)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    far.send = hang  # type: ignore[method-assign]
    kit.reply("ana", "hi")
    kit.advance("1d")
    assert (len(sent), [status for status, _ in changes(kit)]) == (1, [DeliveryStatus.UNSURE])


def test_a_channel_that_cancels_itself_is_given_up_in_the_end(kit: DeskKit, far: FarSide) -> None:
    """A cancellation out of a channel's own code is a fault like any other: it counts as an attempt."""

    async def cancel(outbound: Outbound) -> Delivery:
        far.sent.append((outbound.message.text, outbound.id))
        raise asyncio.CancelledError

    far.send = cancel  # type: ignore[method-assign]
    kit.reply("ana", "hi")
    kit.advance("1d")
    assert (len(far.sent), [status for status, _ in changes(kit)]) == (TRIES, [DeliveryStatus.FAILED])


def test_a_conversations_messages_stay_in_order(kit: DeskKit, far: FarSide) -> None:
    """While the first waits for its next attempt, none behind it in its conversation is sent."""
    far.answer = lambda text, attempt: Temporary("busy") if text == "one" and attempt < 3 else Delivery()
    for text in ("one", "two", "three"):
        kit.reply("ana", text)
    assert far.texts == ["one"]
    kit.advance("1m")
    assert far.texts == ["one", "one", "one", "two", "three"]


def test_other_conversations_do_not_wait(kit: DeskKit, far: FarSide) -> None:
    """A conversation whose far side is down holds up no other."""
    far.answer = lambda text, _: Temporary("busy") if text == "stuck" else Delivery()
    kit.reply("ana", "stuck")
    other = kit.write("hello", sender="max").conversation
    kit.reply("ana", "goes", other)
    assert [change.status for change in kit.facts(DeliveryChanged, other)] == [DeliveryStatus.SENT]


def test_a_dead_process_loses_nothing(kit: DeskKit, far: FarSide) -> None:
    """A job whose node died before it began is taken up by the next one."""
    kit.service.outbox._lanes.begin = lambda: None  # type: ignore[method-assign]
    kit.reply("ana", "hi", settle=False)
    assert far.sent == []
    kit.run(kit.service.node.leave())
    kit.service.node.begin_alone()
    kit.service.outbox.drop()
    del kit.service.outbox._lanes.begin
    kit.settle()
    assert far.texts == ["hi"]


def test_a_channel_that_left_the_file_fails_its_messages(kit: DeskKit, far: FarSide) -> None:
    """A message for a channel that is no longer configured fails with that reason instead of waiting for ever."""
    kit.service.outbox.errands.channels = {}
    kit.reply("ana", "hi")
    ((status, detail),) = changes(kit)
    assert status is DeliveryStatus.FAILED
    assert "no longer in the file" in detail


class Thinker(Bot):
    """Remembers the turns it saw; may be told to fail."""

    def __init__(self) -> None:
        super().__init__("faq", None)
        self.turns: list[BotTurn] = []

    async def respond(self, turn: BotTurn) -> BotReply:
        self.turns.append(turn)
        if turn.text == "crash":
            raise RuntimeError("out of order")
        return BotReply(f"you said {turn.text}", memory={"last": turn.text})


def test_a_turn_has_what_a_bot_may_know() -> None:
    """Text, step, instant, its own memory, and the earlier messages in order."""
    bot = Thinker()
    with host(bot, more=LOOP + '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n') as kit:
        kit.write("one")
        kit.advance("5m")
        kit.write("two")
        first, second = bot.turns
        assert (first.text, first.memory, kit.run(first.history())) == ("one", {}, ())
        assert (second.text, second.memory, second.now) == ("two", {"last": "one"}, minute(5))
        assert [event.kind for event in kit.run(second.history())] == ["message_received", "message_sent"]
        kit.write("crash")
        (handed,) = kit.events(HandedOff)
        assert "RuntimeError" in handed.reason
        assert "out of order" not in handed.reason, "a stranger's error text may hold anything"


def test_a_bot_that_left_the_file_hands_over() -> None:
    """A question for a bot that is no longer configured goes to people."""
    bot = Thinker()
    with host(bot, more=LOOP + '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n') as kit:
        kit.service.outbox.errands.bots = {}
        kit.write("hello")
        assert [handed.trigger for handed in kit.facts(HandedOff)] == ["failed"]


@pytest.mark.parametrize(
    "reply",
    [
        BotReply(text=None),  # type: ignore[arg-type]
        BotReply(text="x", confidence="high"),  # type: ignore[arg-type]
        BotReply(text="x", confidence=float("nan")),
        BotReply(text="x", handoff=True),  # type: ignore[arg-type]
        BotReply(text="x", memory=[1]),  # type: ignore[arg-type]
        asyncio.CancelledError(),
    ],
)
def test_a_reply_that_could_not_be_read_again_hands_over(reply: BotReply | BaseException) -> None:
    """A bot's reply of the wrong types, or none at all, is a failed turn: nothing of it gets into the log."""
    with host(Broken(reply), more=LOOP + '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n') as kit:
        kit.write("hello")
        assert [handed.trigger for handed in kit.facts(HandedOff)] == ["failed"]
        assert [author for author, _ in kit.thread()] == ["contact"]
        assert kit.service.store.pending_jobs() == 0


class Brief(Loopback):
    """A channel of short messages."""

    capabilities = evolve(Loopback.capabilities, max_length=10)


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    """Offers it."""
    return {"brief": Brief}


def test_an_answer_longer_than_its_channel_takes_hands_over_with_it() -> None:
    """People are told why it was not sent, and get what it wanted to say as a note; the next one that fits is sent."""
    plugin = ModuleType("brief")
    plugin.carekit_channels = carekit_channels  # type: ignore[attr-defined]
    more = '\n[channels.brief]\nuse = "brief"\n\n[policies.bot]\nuse = "bot"\nbot = "faq"\n'
    with host(Thinker(), more=more, extra={"brief": plugin}) as kit:
        kit.write("hello", channel="brief")
        (handed,) = kit.events(HandedOff)
        assert (handed.actor, handed.cause) == ("bot:faq", 3)
        assert "has 14 characters, and its channel takes at most 10" in handed.reason
        (note,) = kit.facts(NoteAdded)
        assert note.author == "bot:faq"
        assert note.text.startswith("This answer was not sent: the message has 14 characters")
        assert note.text.endswith("\n\nyou said hello")
        assert (kit.facts(MessageSent), kit.service.store.pending_jobs()) == ([], 0)
        kit.write("1", channel="brief", sender="joe")
        assert kit.thread()[-1] == ("bot:faq", "you said 1")


def test_stopping_gives_running_work_a_moment() -> None:
    """A send that hangs is let go when the service stops; its job is still there for the next start."""
    far = FarSide()
    with host(far, more="") as kit:
        kit.write("hello")

        async def hang(outbound: Outbound) -> Delivery:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        far.send = hang  # type: ignore[method-assign]
        kit.reply("ana", "hi", settle=False)

        async def stop() -> None:
            await asyncio.sleep(0)
            await kit.service.outbox.stop(0.05)

        kit.run(stop())
        assert kit.service.store.pending_jobs() == 1
        kit.run(kit.service.node.leave())
        (job,) = kit.service.store.lease(kit.service.store.join(minute(0), minute(9)), minute(1), 9)
        assert job.stream == kit.conversation().id


def test_stopping_does_not_wait_for_what_cannot_be_cancelled() -> None:
    """A send that swallows its cancellation must not keep the service from ending."""
    far = FarSide()
    with host(far, more="") as kit:
        kit.write("hello")
        let_go, swallowed = asyncio.Event(), list[bool]()

        async def stubborn(outbound: Outbound) -> Delivery:
            while not let_go.is_set():
                try:
                    await let_go.wait()
                except asyncio.CancelledError:
                    swallowed.append(True)
            return Delivery()

        far.send = stubborn  # type: ignore[method-assign]
        kit.reply("ana", "hi", settle=False)

        async def stop() -> None:
            await asyncio.sleep(0)
            async with asyncio.timeout(20):
                await kit.service.outbox.stop(0.01)
            assert swallowed
            let_go.set()
            await asyncio.sleep(0)

        kit.run(stop())


def test_a_store_that_is_away_for_a_moment_does_not_double_a_message(
    kit: DeskKit, far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is offered to the store again, instead of being sent again when the lease has run out."""
    monkeypatch.setattr(outbox_module, "NOTE_AGAIN", 0.001)
    store, away = kit.service.store, [1, 2, 3]
    assert isinstance(store, MemoryStore)
    plain = store._place

    def place(batch: Batch) -> None:
        if batch.done and away:
            away.pop()
            raise Unavailable("the database is away")
        plain(batch)

    monkeypatch.setattr(store, "_place", place)
    kit.reply("ana", "hi")
    kit.advance("10m")
    assert (far.texts, away, changes(kit)) == (["hi"], [], [(DeliveryStatus.SENT, "")])
    assert store.pending_jobs() == 0
