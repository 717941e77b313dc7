"""What can happen: one frozen class per fact, and the envelope that puts a fact into the log.

A fact says what happened. Its `Event` says to which stream, as which step, when, by whom, caused by which step, decided
by which policy for what reason, and under which configuration. A stream is the history of one conversation (its id), of
one agent (``agent:<id>``) or of one channel (``channel:<name>``); its steps are numbered 1, 2, 3 … without gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

import attrs

from carekit.facts.nouns import Attachment, DeliveryStatus, Presence, Source

fact = attrs.frozen(slots=False)


class Fact:
    """Base of all facts; ``kind`` is the name under which it is stored."""

    kind: ClassVar[str] = ""


@attrs.frozen(slots=False)
class Event:
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
    """Its place among all events, given by the store at commit: the cursor of every reader."""

    @property
    def kind(self) -> str:
        """The kind of its fact."""
        return self.fact.kind


@attrs.frozen(slots=False)
class Candidate:
    """One agent looked at by routing: ``score`` if it could be chosen, else why it was ``excluded``."""

    agent: str
    score: float = 0.0
    excluded: str = ""


@attrs.frozen(slots=False)
class Decision:
    """How an assignee was chosen: every candidate, and what broke a tie."""

    candidates: tuple[Candidate, ...] = ()
    chosen: str = ""
    tie_break: str = ""


# --- a conversation's messages -----------------------------------------------------------------------------------


@fact
class ConversationStarted(Fact):
    kind = "conversation_started"
    channel: str
    inbox: str
    contact: str
    subject: str = ""
    live: bool = False


@fact
class MessageReceived(Fact):
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
    meta: Mapping[str, str] = attrs.field(factory=dict)


@fact
class MessageSent(Fact):
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


@fact
class DeliveryChanged(Fact):
    """How far the message at step ``message`` got; ``detail`` is the far side's own words."""

    kind = "delivery_changed"
    message: int
    status: DeliveryStatus
    external_id: str = ""
    detail: str = ""


@fact
class NoteAdded(Fact):
    """A message that only agents see."""

    kind = "note_added"
    author: str
    text: str


@fact
class ContactIdentified(Fact):
    """The contact told us a name or an address; it is a claim, not a proof."""

    kind = "contact_identified"
    name: str = ""
    email: str = ""


# --- who handles it ----------------------------------------------------------------------------------------------


@fact
class Assigned(Fact):
    kind = "assigned"
    agent: str
    decision: Decision | None = None


@fact
class Unassigned(Fact):
    kind = "unassigned"
    agent: str


@fact
class QueueEntered(Fact):
    """No agent could take it; ``decision`` says why not for each."""

    kind = "queue_entered"
    decision: Decision | None = None


@fact
class CapacityFreed(Fact):
    """An agent can take one more, so this conversation, next in the queue, is looked at again."""

    kind = "capacity_freed"
    agent: str


@fact
class BotAsked(Fact):
    """The bot is to answer the message at step ``message``."""

    kind = "bot_asked"
    bot: str
    message: int


@fact
class BotAnswered(Fact):
    """What the bot made of it: what it found, how sure it was, and what it wants to remember (JSON text)."""

    kind = "bot_answered"
    bot: str
    message: int
    missed: bool = False
    confidence: float = 0.0
    threshold: float = 0.0
    sources: tuple[Source, ...] = ()
    memory: str = "{}"


@fact
class HandedOff(Fact):
    """A bot gave way to people. ``trigger``: requested, misses, failed, bot or timeout."""

    kind = "handed_off"
    bot: str
    trigger: str


# --- time --------------------------------------------------------------------------------------------------------


@fact
class TargetSet(Fact):
    """A promise begins: ``metric`` fulfilled by ``due``, ``limit`` of time on ``calendar``."""

    kind = "target_set"
    name: str
    metric: str
    due: datetime
    limit: timedelta
    calendar: str = ""


@fact
class TargetMet(Fact):
    kind = "target_met"
    name: str


@fact
class TargetCancelled(Fact):
    """The promise no longer applies: the conversation ended without anybody having to keep it."""

    kind = "target_cancelled"
    name: str


@fact
class TargetBreached(Fact):
    """The promise was missed; the event's instant is the due instant itself."""

    kind = "target_breached"
    name: str
    metric: str


@fact
class TimerSet(Fact):
    kind = "timer_set"
    name: str
    due: datetime


@fact
class TimerCancelled(Fact):
    kind = "timer_cancelled"
    name: str


@fact
class TimerFired(Fact):
    kind = "timer_fired"
    name: str


# --- status ------------------------------------------------------------------------------------------------------


@fact
class Snoozed(Fact):
    kind = "snoozed"
    until: datetime


@fact
class Woken(Fact):
    """A snooze ended by itself."""

    kind = "woken"


@fact
class Resolved(Fact):
    kind = "resolved"


@fact
class Reopened(Fact):
    kind = "reopened"


@fact
class Closed(Fact):
    kind = "closed"


# --- surveys -----------------------------------------------------------------------------------------------------


@fact
class SurveyOffered(Fact):
    kind = "survey_offered"
    survey: str
    survey_kind: str
    question: str
    best: int


@fact
class SurveyWithheld(Fact):
    """The survey was due but not put; the event's reason says why."""

    kind = "survey_withheld"
    survey: str


@fact
class SurveyAnswered(Fact):
    """``score`` of 1 to ``best``, ``positive`` from the survey's own cut-off."""

    kind = "survey_answered"
    survey: str
    survey_kind: str
    score: int
    best: int
    positive: bool
    comment: str = ""


# --- faults, agents, channels ------------------------------------------------------------------------------------


@fact
class PolicyFailed(Fact):
    """A policy raised or broke its contract; the message went on without it."""

    kind = "policy_failed"
    name: str
    error: str


@fact
class InboundQuarantined(Fact):
    """A payload could not be read; its bytes are kept under ``raw``."""

    kind = "inbound_quarantined"
    channel: str
    raw: str
    error: str


@fact
class AgentAdded(Fact):
    kind = "agent_added"
    id: str
    name: str
    email: str
    role: str = "agent"
    capacity: int = 5
    inboxes: tuple[str, ...] = ()


@fact
class AgentChanged(Fact):
    """Only the fields that are not None have changed."""

    kind = "agent_changed"
    name: str | None = None
    email: str | None = None
    role: str | None = None
    capacity: int | None = None
    active: bool | None = None
    inboxes: tuple[str, ...] | None = None


@fact
class PresenceChanged(Fact):
    kind = "presence_changed"
    presence: Presence


@fact
class SessionsEnded(Fact):
    """Every session of the agent is void from here on (password changed, log-out everywhere, deactivated)."""

    kind = "sessions_ended"


FACTS: dict[str, type[Fact]] = {
    cls.kind: cls for cls in list(globals().values()) if isinstance(cls, type) and issubclass(cls, Fact) and cls.kind
}
"""Every kind of fact by its stored name."""
