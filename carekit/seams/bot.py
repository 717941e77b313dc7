"""The contract of a bot: it is asked after the commit, may think for as long as its ``timeout``, and answers once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from carekit.facts.events import Earlier, Event, messages_before, nothing_earlier
from carekit.facts.nouns import Contact, Conversation, Source
from carekit.ground.values import Value
from carekit.seams.component import Component


class BotTurn(Value, frozen=True):
    """What the contact wrote, and all a bot may know. ``memory`` is this conversation's own copy of the bot's state.

    Turns of one conversation come one at a time and in order; a turn that fails leaves no trace in ``memory``.
    """

    conversation: Conversation
    contact: Contact
    text: str
    message: int
    """The step of the message it answers."""
    now: datetime
    memory: dict[str, object]
    earlier: Earlier = nothing_earlier
    """Reads events of the conversation before a step: use `history`."""

    async def history(self, last: int = 80) -> tuple[Event, ...]:
        """The messages before the one it answers, oldest first, as far as they are among the *last* events."""
        return messages_before(await self.earlier(self.message, last), self.message)


class BotReply(Value, frozen=True):
    """What the bot says.

    ``missed`` marks a turn in which it had no answer; ``handoff`` gives the conversation to people (a trigger:
    ``requested``, ``bot``); ``memory`` replaces the bot's state, None keeps it.
    """

    text: str = ""
    sources: tuple[Source, ...] = ()
    missed: bool = False
    handoff: str = ""
    confidence: float = 0.0
    threshold: float = 0.0
    memory: Mapping[str, object] | None = None


class Bot(Component):
    """Base of all bots: override `respond`."""

    async def respond(self, turn: BotTurn) -> BotReply:
        """Answer *turn*. Raising or outlasting the ``timeout`` of its table hands the conversation to people, once."""
        raise NotImplementedError
