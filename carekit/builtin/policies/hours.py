"""Tell the contact when we are closed and a person is needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import attrs

from carekit.builtin.policies.texts import VARIABLES, faults, values
from carekit.facts.actions import Action, Send
from carekit.facts.events import Event, HandedOff, MessageReceived
from carekit.facts.nouns import Conversation
from carekit.rules.context import Context
from carekit.rules.templates import Template
from carekit.seams.policy import Policy
from carekit.seams.settings import setting


@attrs.frozen
class HoursSettings:
    """Its keys in the file."""

    calendar: str = setting("the calendar that tells when we are open", refers="calendars")
    text: str = setting(
        "what to write while it is closed",
        default="We are closed now and back on {{ hours.opens }}. Your message is kept, and we will answer it then.",
    )
    per_contact: timedelta = setting("at most one such notice to a contact in this time", default=timedelta(hours=12))


class Hours(Policy):
    """While the calendar is closed, say so as soon as a person would be needed (not while a bot is answering)."""

    Settings = HoursSettings
    listens = frozenset({MessageReceived, HandedOff})

    def check(self) -> Iterable[str]:
        return faults({"text": self.settings.text})

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        if conversation.bot or (isinstance(fact, MessageReceived) and fact.automatic):
            return ()
        calendar = context.calendars[self.settings.calendar]
        if calendar.is_open(context.now):
            return ()
        last = context.contact.automatic.get(self.name)
        if last is not None and context.now - last < self.settings.per_contact:
            return ()
        text = Template.parse(self.settings.text, VARIABLES).render(values(conversation, context, calendar))
        return (Send(text, purpose="hours", reason=f"calendar {self.settings.calendar!r} is closed"),)
