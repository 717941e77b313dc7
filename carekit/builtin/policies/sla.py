"""Promise a first response, and note the breach at the instant it happens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

import attrs

from carekit.facts.actions import Action, BreachTarget, CancelTarget, MeetTarget, SetTarget
from carekit.facts.events import Closed, Event, HandedOff, MessageReceived, MessageSent, Resolved, TimerFired
from carekit.facts.nouns import Conversation
from carekit.ground.calendars import ALWAYS
from carekit.ground.durations import format_duration
from carekit.rules.context import Context
from carekit.rules.evolve import target_timer
from carekit.seams.policy import Policy
from carekit.seams.settings import setting


@attrs.frozen
class SlaSettings:
    """Its keys in the file."""

    first_response: timedelta = setting("a person answers within this time")
    calendar: str = setting(
        "the calendar on which the time runs; without it, around the clock", default="", refers="calendars"
    )
    starts: Literal["message", "handoff"] = setting(
        "what starts the clock: the contact's first message, or a bot's hand-over to people", default="message"
    )


class Sla(Policy):
    """First response: from the contact's first message (or the hand-over) to the first public message of a person.

    Acknowledgements, bots and notes do not stop the clock. Breached strictly after the due instant.
    """

    Settings = SlaSettings
    listens = frozenset({MessageReceived, HandedOff, MessageSent, TimerFired, Resolved, Closed})

    def check(self) -> Iterable[str]:
        if self.settings.first_response <= timedelta(0):
            yield "first_response: must be longer than zero"

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        if isinstance(fact, MessageReceived | HandedOff):
            return self._start(event, conversation, context)
        target = conversation.targets.get(self.name)
        if target is None:
            return ()
        if isinstance(fact, TimerFired):
            if fact.name == target_timer(self.name):
                return (BreachTarget(self.name, reason=f"no answer by a person within {self._limit}"),)
        elif isinstance(fact, MessageSent):
            if not fact.automatic and target.ended_at is None:
                return (MeetTarget(self.name, reason="a person answered"),)
        elif target.state == "running":
            return (CancelTarget(self.name, reason="it ended before anybody had to answer"),)
        return ()

    def _start(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        if self.name in conversation.targets or conversation.replies:
            return ()
        begins = HandedOff if self.settings.starts == "handoff" else MessageReceived
        if type(event.fact) is not begins or conversation.first_message_at is None:
            return ()
        if begins is MessageReceived and conversation.first_message_at != event.at:
            return ()
        calendar = context.calendars[self.settings.calendar] if self.settings.calendar else ALWAYS
        due = calendar.add(event.at, self.settings.first_response)
        reason = f"first response within {self._limit}"
        if self.settings.calendar:
            reason += f" of {self.settings.calendar!r} hours"
        return (
            SetTarget(
                self.name, "first_response", due, self.settings.first_response, self.settings.calendar, reason=reason
            ),
        )

    @property
    def _limit(self) -> str:
        return format_duration(self.settings.first_response)
