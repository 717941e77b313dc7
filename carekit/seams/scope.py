"""What an asker may see: every list, read, search, feed and export goes through one of these."""

from __future__ import annotations

import attrs

from carekit.facts import events as f
from carekit.facts.nouns import Agent, Conversation

PUBLIC: frozenset[type[f.Fact]] = frozenset(
    {
        f.ConversationStarted,
        f.MessageReceived,
        f.MessageSent,
        f.DeliveryChanged,
        f.Assigned,
        f.Unassigned,
        f.QueueEntered,
        f.HandedOff,
        f.Resolved,
        f.Reopened,
        f.Closed,
        f.SurveyOffered,
        f.SurveyAnswered,
    }
)
"""The facts of their own conversation that a contact may see (the edge still leaves out internal fields)."""


@attrs.frozen
class Scope:
    """The part of the desk that an asker reaches: everything, some inboxes, or the conversations of one contact."""

    inboxes: frozenset[str] | None = None
    """None for all inboxes."""
    contact: str = ""
    """Only this contact's conversations, and of these only what `PUBLIC` lists."""
    channel: str = ""
    """Only conversations of this channel."""

    @classmethod
    def everything(cls) -> Scope:
        """The service itself, the command line, and tokens without limits."""
        return EVERYTHING

    @classmethod
    def of_agent(cls, agent: Agent) -> Scope:
        """What *agent* may see: nothing at all when deactivated."""
        if not agent.active:
            return cls(inboxes=frozenset())
        return cls(inboxes=frozenset(agent.inboxes)) if agent.inboxes else EVERYTHING

    @classmethod
    def of_contact(cls, contact: str, channel: str) -> Scope:
        """What the contact *contact* may see on *channel*; nothing for an empty id."""
        return cls(contact=contact, channel=channel) if contact else cls(inboxes=frozenset())

    def reaches(self, conversation: Conversation) -> bool:
        """Whether *conversation* lies within it."""
        if self is EVERYTHING:
            return True
        if self.inboxes is not None and conversation.inbox not in self.inboxes:
            return False
        if self.channel and conversation.channel != self.channel:
            return False
        return not self.contact or conversation.contact == self.contact

    def shows(self, event: f.Event) -> bool:
        """Whether an event of a conversation within it may be shown."""
        return not self.contact or type(event.fact) in PUBLIC

    def shows_stream(self, stream: str) -> bool:
        """Whether the events of a *stream* that is no conversation may be shown.

        Who is there to answer concerns every agent; what a channel set aside concerns who sees all of the desk.
        """
        if self.contact or self.channel:
            return False
        return self.inboxes is None or (bool(self.inboxes) and stream.startswith("agent:"))


EVERYTHING = Scope()
