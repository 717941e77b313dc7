"""Acknowledge a first message, once, and never to a machine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import attrs

from carekit.builtin.policies.texts import VARIABLES, faults, values
from carekit.facts.actions import Action, Send
from carekit.facts.events import Event, MessageReceived
from carekit.facts.nouns import Conversation
from carekit.rules.context import Context
from carekit.rules.templates import Template
from carekit.seams.policy import Policy
from carekit.seams.settings import setting


@attrs.frozen
class AcknowledgeSettings:
    """Its keys in the file."""

    text: str = setting("what to write back at once; may use {{ contact.first_name }} and the other variables")
    closed_text: str = setting("what to write instead while the calendar is closed", default="")
    calendar: str = setting("the calendar that tells when it is closed", default="", refers="calendars")
    per_contact: timedelta = setting("at most one acknowledgement to a contact in this time", default=timedelta(days=1))


class Acknowledge(Policy):
    """Write back at once when a conversation begins: at most once a contact and day, never to an automatic message."""

    Settings = AcknowledgeSettings
    listens = frozenset({MessageReceived})

    def check(self) -> Iterable[str]:
        yield from faults({"text": self.settings.text, "closed_text": self.settings.closed_text})
        if self.settings.closed_text and not self.settings.calendar:
            yield "closed_text: needs calendar, which tells when it is closed"

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        assert isinstance(fact, MessageReceived)
        if conversation.inbound != 1 or fact.automatic:
            return ()
        last = context.contact.automatic.get(self.name)
        if last is not None and context.now - last < self.settings.per_contact:
            return ()
        calendar = context.calendars[self.settings.calendar] if self.settings.calendar else None
        closed = bool(self.settings.closed_text) and calendar is not None and not calendar.is_open(context.now)
        source = self.settings.closed_text if closed else self.settings.text
        text = Template.parse(source, VARIABLES).render(values(conversation, context, calendar))
        reason = "first message of the conversation" + (", outside of business hours" if closed else "")
        return (Send(text, purpose="acknowledgement", reason=reason),)
