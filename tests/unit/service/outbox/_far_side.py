"""A far side and a bot that do what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from carekit.facts.events import DeliveryChanged
from carekit.facts.nouns import DeliveryStatus
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.testing import DeskKit


class FarSide(Channel):
    """A channel whose far side does what the test says; ``sent`` are the attempts in order."""

    capabilities = Capabilities(may_initiate=True, idempotent=True)

    def __init__(self) -> None:
        super().__init__("loop", None)
        self.sent: list[tuple[str, str]] = []
        self.answer: Callable[[str, int], Delivery | Exception] = lambda text, attempt: Delivery(external_id="far")

    async def send(self, outbound: Outbound) -> Delivery:
        text = outbound.message.text
        self.sent.append((text, outbound.id))
        await asyncio.sleep(0)
        answer = self.answer(text, sum(one == text for one, _ in self.sent))
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.sent]


class Broken(Bot):
    """A bot that gives what it was told to give."""

    def __init__(self, reply: BotReply | BaseException) -> None:
        super().__init__("faq", None)
        self.reply = reply

    async def respond(self, turn: BotTurn) -> BotReply:
        if isinstance(self.reply, BotReply):
            return self.reply
        raise self.reply


def changes(kit: DeskKit) -> list[tuple[DeliveryStatus, str]]:
    """What the log says of the newest conversation's deliveries."""
    return [(change.status, change.detail) for change in kit.facts(DeliveryChanged)]
