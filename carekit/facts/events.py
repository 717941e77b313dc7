"""What can happen: one frozen class per fact, and the envelope that puts a fact into the log.

A fact says what happened. Its `Event` says to which stream, as which step, when, by whom, caused by which step, decided
by which policy for what reason, and under which configuration. A stream is the history of one conversation (its id), of
one agent (``agent:<id>``) or of one channel (``channel:<name>``); its steps are numbered 1, 2, 3 … without gaps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from carekit.facts.nouns import Address, Attachment, DeliveryStatus, Presence, Source
from carekit.ground.values import Value


class Fact(Value, frozen=True):
    """Base of all facts; ``kind`` is the name under which it is stored."""

    kind: ClassVar[str] = ""

    @property
    def digests(self) -> Sequence[str]:
        """Digests of the kept bytes it refers to."""
        return ()


class Event(Value, frozen=True, eq=False):
    """A fact in its place in the log."""

    stream: str
    seq: int
    at: datetime
    actor: str
    """``contact``, ``agent:<id>``, ``bot:<name>``, ``policy:<name>``, ``channel:<name>`` or ``service``."""
    fact: Fact
    cause: int | None = None
    """The step of the same stream that led to this one."""
    policy: str = ""
    reason: str = ""
    config: str = ""
    """Fingerprint of the configuration under which it was decided."""
    position: int = 0
    """Its place among all events, given by the store at commit: the cursor of every reader. No part of what it says."""

    def place(self, position: int) -> None:
        """Give it its position: for the store that keeps it, once, before anybody else has seen it."""
        msgspec.structs.force_setattr(self, "position", position)

    def __eq__(self, other: object) -> bool:
        if type(other) is not Event:
            return NotImplemented
        return msgspec.structs.astuple(self)[:-1] == msgspec.structs.astuple(other)[:-1]

    def __hash__(self) -> int:
        return hash((self.stream, self.seq))

    @property
    def kind(self) -> str:
        """The kind of its fact."""
        return self.fact.kind


class Candidate(Value, frozen=True):
    """One agent looked at by routing: ``score`` if it could be chosen, else why it was ``excluded``."""

    agent: str
    score: float = 0.0
    excluded: str = ""


class Decision(Value, frozen=True):
    """How an assignee was chosen: every candidate, and what broke a tie."""

    candidates: tuple[Candidate, ...] = ()
    chosen: str = ""
    tie_break: str = ""


# --- a conversation's messages -----------------------------------------------------------------------------------


class ConversationStarted(Fact, frozen=True):
    """A conversation began; ``live`` as the channel declares it, ``to`` the address's key where we write first."""

    kind = "conversation_started"
    channel: str
    inbox: str
    contact: str
    subject: str = ""
    live: bool = False
    to: str = ""


class MessageReceived(Fact, frozen=True):
    """The contact wrote. ``raw`` and attachments point to kept bytes by digest."""

    kind = "message_received"
    text: str
    external_id: str
    sender: str = ""
    """Key of the address it came from, ``kind:value``."""
    html: str = ""
    subject: str = ""
    attachments: tuple[Attachment, ...] = ()
    automatic: bool = False
    intent: str = ""
    sent_at: datetime | None = None
    raw: str = ""
    meta: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def digests(self) -> Sequence[str]:
        own = [attachment.digest for attachment in self.attachments]
        return [self.raw, *own] if self.raw else own


class MessageSent(Fact, frozen=True):
    """We wrote. ``purpose`` tells why: reply, answer (a bot's), acknowledgement, hours, follow_up, survey or notice."""

    kind = "message_sent"
    author: str
    text: str
    purpose: str = "reply"
    html: str = ""
    subject: str = ""
    sources: tuple[Source, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    status: DeliveryStatus = DeliveryStatus.QUEUED
    survey: str = ""

    @property
    def automatic(self) -> bool:
        """Whether no person wrote it."""
        return not self.author.startswith("agent:")

    @property
    def digests(self) -> Sequence[str]:
        return [attachment.digest for attachment in self.attachments]


class DeliveryChanged(Fact, frozen=True):
    """How far the message at step ``message`` got; ``detail`` is the far side's own words."""

    kind = "delivery_changed"
    message: int
    status: DeliveryStatus
    external_id: str = ""
    detail: str = ""


class NoteAdded(Fact, frozen=True):
    """A message that only agents see."""

    kind = "note_added"
    author: str
    text: str


class ContactIdentified(Fact, frozen=True):
    """The contact told us a name or an address; it is a claim, not a proof."""

    kind = "contact_identified"
    name: str = ""
    email: str = ""


class ConsentChanged(Fact, frozen=True):
    """The contact refused to be written to at an address, or allowed it again; ``word`` is what they said."""

    kind = "consent_changed"
    address: str
    allowed: bool
    word: str = ""


class MessageWithheld(Fact, frozen=True):
    """An automatic message was not sent, because the contact refused to be written to."""

    kind = "message_withheld"
    purpose: str


class InitiationAsked(Fact, frozen=True):
    """A policy wants somebody written to on a channel, perhaps in a conversation of its own."""

    kind = "initiation_asked"
    channel: str
    to: Address
    text: str
    subject: str = ""
    purpose: str = "notice"


# --- who handles it ----------------------------------------------------------------------------------------------


class Assigned(Fact, frozen=True):
    """An agent became responsible; ``decision`` is the routing record if routing chose."""

    kind = "assigned"
    agent: str
    decision: Decision | None = None


class Unassigned(Fact, frozen=True):
    """The agent is no longer responsible."""

    kind = "unassigned"
    agent: str


class QueueEntered(Fact, frozen=True):
    """No agent could take it; ``decision`` says why not for each."""

    kind = "queue_entered"
    decision: Decision | None = None


class CapacityFreed(Fact, frozen=True):
    """An agent can take one more, so this conversation, next in the queue, is looked at again."""

    kind = "capacity_freed"
    agent: str


class BotAsked(Fact, frozen=True):
    """The bot is to answer the message at step ``message``."""

    kind = "bot_asked"
    bot: str
    message: int


class BotAnswered(Fact, frozen=True):
    """What the bot made of it: what it found, how sure it was, and what it wants to remember (JSON text)."""

    kind = "bot_answered"
    bot: str
    message: int
    missed: bool = False
    confidence: float = 0.0
    threshold: float = 0.0
    sources: tuple[Source, ...] = ()
    memory: str = "{}"


class HandedOff(Fact, frozen=True):
    """A bot gave way to people. ``trigger``: requested, misses, failed, bot or timeout."""

    kind = "handed_off"
    bot: str
    trigger: str


# --- time --------------------------------------------------------------------------------------------------------


class TargetSet(Fact, frozen=True):
    """A promise begins: ``metric`` fulfilled by ``due``, ``limit`` of time on ``calendar``."""

    kind = "target_set"
    name: str
    metric: str
    due: datetime
    limit: timedelta
    calendar: str = ""


class TargetMet(Fact, frozen=True):
    """The promise was fulfilled (late, if it was breached before)."""

    kind = "target_met"
    name: str


class TargetCancelled(Fact, frozen=True):
    """The promise no longer applies: the conversation ended without anybody having to keep it."""

    kind = "target_cancelled"
    name: str


class TargetBreached(Fact, frozen=True):
    """The promise was missed; the event's instant is the due instant itself."""

    kind = "target_breached"
    name: str
    metric: str


class TimerSet(Fact, frozen=True):
    """A policy wants to be asked again at ``due``."""

    kind = "timer_set"
    name: str
    due: datetime


class TimerCancelled(Fact, frozen=True):
    """The timer is no longer wanted."""

    kind = "timer_cancelled"
    name: str


class TimerFired(Fact, frozen=True):
    """The timer's instant came; the event's instant is that instant."""

    kind = "timer_fired"
    name: str


# --- status ------------------------------------------------------------------------------------------------------


class Snoozed(Fact, frozen=True):
    """Set aside until a time; a reply ends it early."""

    kind = "snoozed"
    until: datetime


class Woken(Fact, frozen=True):
    """A snooze ended by itself."""

    kind = "woken"


class Resolved(Fact, frozen=True):
    """Believed to be done."""

    kind = "resolved"


class Reopened(Fact, frozen=True):
    """Not done after all."""

    kind = "reopened"


class Closed(Fact, frozen=True):
    """Archived for good."""

    kind = "closed"


# --- surveys -----------------------------------------------------------------------------------------------------


class SurveyOffered(Fact, frozen=True):
    """A survey was put to the contact: ``question`` on a scale of 1 to ``best``."""

    kind = "survey_offered"
    survey: str
    survey_kind: str
    question: str
    best: int


class SurveyWithheld(Fact, frozen=True):
    """The survey was due but not put; the event's reason says why."""

    kind = "survey_withheld"
    survey: str


class SurveyAnswered(Fact, frozen=True):
    """``score`` of 1 to ``best``, ``positive`` from the survey's own cut-off."""

    kind = "survey_answered"
    survey: str
    survey_kind: str
    score: int
    best: int
    positive: bool
    comment: str = ""


# --- faults, agents, channels ------------------------------------------------------------------------------------


class PolicyFailed(Fact, frozen=True):
    """A policy raised or broke its contract; the message went on without it."""

    kind = "policy_failed"
    name: str
    error: str


class InboundQuarantined(Fact, frozen=True):
    """A payload could not be read; its bytes are kept under ``raw``, and ``key`` is what the channel knows it by."""

    kind = "inbound_quarantined"
    channel: str
    raw: str
    error: str
    key: str = ""

    @property
    def digests(self) -> Sequence[str]:
        return [self.raw]


class InboundReleased(Fact, frozen=True):
    """What was set aside at step ``letter`` of the channel's stream could be read after all."""

    kind = "inbound_released"
    letter: int


class LetterDropped(Fact, frozen=True):
    """Somebody decided that the dead letter of step ``letter`` of this stream needs nothing more."""

    kind = "letter_dropped"
    letter: int


class ContactErased(Fact, frozen=True):
    """A contact was taken out with all of their ``conversations``: whoever keeps copies lets go of theirs, too."""

    kind = "contact_erased"
    contact: str
    conversations: int


class AgentAdded(Fact, frozen=True):
    """A new agent."""

    kind = "agent_added"
    id: str
    name: str
    email: str
    role: str = "agent"
    capacity: int = 5
    inboxes: tuple[str, ...] = ()


class AgentChanged(Fact, frozen=True):
    """Only the fields that are not None have changed."""

    kind = "agent_changed"
    name: str | None = None
    email: str | None = None
    role: str | None = None
    capacity: int | None = None
    active: bool | None = None
    inboxes: tuple[str, ...] | None = None


class PresenceChanged(Fact, frozen=True):
    """The agent became available, away or off."""

    kind = "presence_changed"
    presence: Presence


class SessionsEnded(Fact, frozen=True):
    """Every session of the agent is void from here on (password changed, log-out everywhere, deactivated)."""

    kind = "sessions_ended"


Earlier = Callable[[int, int], Awaitable[Sequence[Event]]]
"""Reads events of one conversation: those before a step, oldest first, at most so many of the last."""


async def nothing_earlier(step: int, last: int) -> Sequence[Event]:
    """For a conversation without a history."""
    return ()


_SPOKEN = (MessageReceived, MessageSent)


def messages_before(events: Sequence[Event], seq: int) -> tuple[Event, ...]:
    """The messages among *events* before step *seq*."""
    return tuple(event for event in events if type(event.fact) in _SPOKEN and event.seq < seq)


FACTS: dict[str, type[Fact]] = {
    cls.kind: cls for cls in list(globals().values()) if isinstance(cls, type) and issubclass(cls, Fact) and cls.kind
}
"""Every kind of fact by its stored name."""
