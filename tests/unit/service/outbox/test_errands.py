"""Attempts whose outcome is unknown, and destinations that are down."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from carekit.facts.actions import Resend
from carekit.facts.events import DeliveryChanged, HandedOff
from carekit.facts.nouns import DeliveryStatus
from carekit.ground.errors import Permanent, Temporary
from carekit.seams.bot import BotReply
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Delivery, Outbound
from carekit.service.outbox import errands as module
from carekit.service.outbox import outbox as outbox_module
from carekit.service.outbox.breaker import FAILURES
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import LOOP, host
from tests.unit.service.outbox._far_side import Broken, FarSide, changes

# --- attempts whose outcome is unknown


def _die(kit: DeskKit) -> None:
    """As if the process had died: what it had is free, and another begins."""
    kit.run(kit.service.node.leave())
    kit.service.outbox.drop()
    kit.service.node.begin_alone()


def _hang(kit: DeskKit, far: FarSide) -> None:
    """Let an attempt begin that does not end."""

    async def hang(outbound: Outbound) -> Delivery:
        far.sent.append((outbound.message.text, outbound.id))
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    far.send = hang  # type: ignore[method-assign]
    kit.reply("ana", "hi", settle=False)

    async def begin() -> None:
        async with asyncio.timeout(20):
            while not far.sent:  # noqa: ASYNC110 - the far side tells nobody
                await asyncio.sleep(0)

    kit.run(begin())
    del far.send


def test_an_attempt_that_was_cut_short_is_unsure(kit: DeskKit, far: FarSide) -> None:
    """Where the far side cannot tell a second attempt from the first, a crash in the middle is shown, not repeated."""
    far.capabilities = Capabilities(may_initiate=True)
    _hang(kit, far)
    _die(kit)
    kit.advance("1d")
    assert far.texts == ["hi"]
    assert [status for status, _ in changes(kit)] == [DeliveryStatus.SENDING, DeliveryStatus.UNSURE]
    assert [letter.kind for letter in kit.service.store.letters("", 9)] == ["unsure"]


def test_an_attempt_that_was_cut_short_is_repeated_where_that_is_harmless(kit: DeskKit, far: FarSide) -> None:
    """A far side that knows a message by our id gets it again under the same one."""
    _hang(kit, far)
    _die(kit)
    kit.advance("1m")
    assert far.texts == ["hi", "hi"]
    assert len({id for _, id in far.sent}) == 1
    assert changes(kit) == [(DeliveryStatus.SENT, "")]


def test_a_person_may_have_it_sent_again(kit: DeskKit, far: FarSide) -> None:
    """What failed is sent once more when somebody asks for it, and then it is as sent as any other."""
    far.answer = lambda _, attempt: Permanent("mailbox full") if attempt == 1 else Delivery()
    kit.reply("ana", "hi")
    kit.act(Resend(3), "agent:ana")
    assert far.texts == ["hi", "hi"]
    statuses = [status for status, _ in changes(kit)]
    assert statuses == [DeliveryStatus.FAILED, DeliveryStatus.QUEUED, DeliveryStatus.SENT]


# --- destinations that are down


def test_a_far_side_that_is_down_is_not_asked_for_everyone(kit: DeskKit, far: FarSide) -> None:
    """After some failures in a row the others wait without counting an attempt; when it is back, all go out."""
    far.answer = lambda *_: Temporary("connection refused")
    ids = [kit.write("hello", sender=f"peer{number}").conversation for number in range(FAILURES + 4)]
    for number, id in enumerate(ids):
        kit.reply("ana", f"answer {number}", id)
    assert len(far.sent) == FAILURES, "the rest was not even tried"
    health = kit.run(kit.service.health())
    assert any(one.name == "channel:loop" and one.state == "degraded" for one in health)
    far.answer = lambda *_: Delivery()
    kit.advance("5m")
    assert sorted({text for text, _ in far.sent}) == sorted(f"answer {number}" for number in range(len(ids)))
    assert all(kit.facts(DeliveryChanged, id)[-1].status is DeliveryStatus.SENT for id in ids)
    assert all(one.state == "ok" for one in kit.run(kit.service.health()) if one.name == "channel:loop")


def test_a_bot_that_always_fails_is_left_alone() -> None:
    """Contacts are handed to people at once while it rests, instead of waiting for another failure."""
    bot = Broken(RuntimeError("out of order"))
    with host(bot, more=LOOP + '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n') as kit:
        for number in range(FAILURES + 1):
            kit.write("hello", sender=f"peer{number}")
        (handed,) = kit.events(HandedOff)
        assert f"failed {FAILURES} times in a row" in handed.reason
        bot.reply = BotReply("I am back")
        kit.clock.advance("1m")
        kit.write("hello", sender="late")
        assert kit.thread()[-1] == ("bot:faq", "I am back")


def test_code_that_does_not_end_is_left_to_itself(kit: DeskKit, far: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that swallows its cancellation holds up neither its conversation nor the others, and is told of."""
    monkeypatch.setattr(module, "SEND_TIMEOUT", 0.01)
    monkeypatch.setattr(outbox_module, "GRACE", 0.01)
    let_go = asyncio.Event()

    async def stubborn(outbound: Outbound) -> Delivery:
        far.sent.append((outbound.message.text, outbound.id))
        while not let_go.is_set():
            with suppress(asyncio.CancelledError):
                await let_go.wait()
        return Delivery()

    far.send = stubborn  # type: ignore[method-assign]
    kit.reply("ana", "stuck", settle=False)

    async def watch() -> None:
        async with asyncio.timeout(20):
            while kit.service.outbox.busy:
                await asyncio.sleep(0.01)
                kit.service.outbox.watch()

    kit.run(watch())
    assert [status for status, _ in changes(kit)] == [DeliveryStatus.UNSURE]
    assert any("do not end" in health.detail for health in kit.run(kit.service.health()))
    del far.send
    kit.reply("ana", "next")
    assert far.texts == ["stuck", "next"]

    async def end() -> None:
        let_go.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    kit.run(end())
    assert len(changes(kit)) == 2, "what it says when it ends at last is not heard"
