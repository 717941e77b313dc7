"""Let a bot answer first, and give way to people when it should."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from carekit.facts.actions import Action, AskBot, HandOff
from carekit.facts.events import BotAnswered, Event, MessageReceived
from carekit.facts.nouns import Conversation, Status
from carekit.rules.context import Context
from carekit.seams.policy import Policy
from carekit.seams.settings import setting


@attrs.frozen
class AskBotSettings:
    """Its keys in the file."""

    bot: str = setting("the bot to ask", refers="bots")
    misses: int = setting("hand over to people after this many turns in a row without an answer", default=2)


class AskBotFirst(Policy):
    """Ask the bot for as long as no person has the conversation; hand over on request and after ``misses`` misses.

    A bot that raises or is too slow is handed over by the service itself, which no policy can forget.
    """

    Settings = AskBotSettings
    listens = frozenset({MessageReceived, BotAnswered})

    def check(self) -> Iterable[str]:
        if self.settings.misses < 1:
            yield "misses: must be 1 or more"

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        if isinstance(fact, BotAnswered):
            if conversation.bot and conversation.misses >= self.settings.misses:
                return (HandOff("misses", reason=f"{conversation.misses} turns in a row without an answer"),)
            return ()
        assert isinstance(fact, MessageReceived)
        if fact.automatic or conversation.assignee or conversation.handed_off or conversation.status is not Status.OPEN:
            return ()
        if fact.intent == "handoff":
            return (HandOff("requested", reason="the contact asked for a person"),)
        return (AskBot(self.settings.bot, event.seq, reason="no person has the conversation"),)
