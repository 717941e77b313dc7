"""The nouns of customer care, as frozen values.

Every instant is an aware UTC ``datetime``. Every text is a ``str`` as the person wrote it: unescaped, never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from carekit.ground.values import Value


class Status(StrEnum):
    """Whose turn it is. Who handles it (nobody, a bot, an agent) is ownership and lives elsewhere."""

    OPEN = "open"
    """Our turn."""
    WAITING = "waiting"
    """The contact's turn."""
    SNOOZED = "snoozed"
    """Nobody's turn until a time or a reply."""
    RESOLVED = "resolved"
    """We believe it is done; a reply reopens it."""
    CLOSED = "closed"
    """Archived; a reply starts a new conversation."""


class DeliveryStatus(StrEnum):
    """How far a message of ours got. It only ever moves forward, in this order, until somebody has it sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    """An attempt has begun; used where the far side cannot tell a second one from the first."""
    UNSURE = "unsure"
    """The far side may or may not have it; it is not sent again by itself."""
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return _RANKS[self]


_RANKS = {status: rank for rank, status in enumerate(DeliveryStatus)}


class Presence(StrEnum):
    """Whether an agent takes conversations."""

    AVAILABLE = "available"
    AWAY = "away"
    OFF = "off"


class Address(Value, frozen=True):
    """Where a person can be reached: a kind (``email``, ``phone``, ``visitor``) and a value, unique together."""

    kind: str
    value: str
    name: str = ""
    verified: bool = False
    """Whether the channel proved that the sender holds this address."""

    @property
    def key(self) -> str:
        """``kind:value``, the form that is stored and compared."""
        return f"{self.kind}:{self.value}"


class Attachment(Value, frozen=True):
    """A file that came or went with a message; its bytes are kept under their SHA-256 *digest*."""

    name: str
    content_type: str
    size: int
    digest: str


class Source(Value, frozen=True):
    """Where an answer came from; ``score`` is the bot's own measure, 0 to 1."""

    title: str
    url: str = ""
    score: float = 0.0


class Inbound(Value, frozen=True):
    """One message from outside, as a channel hands it to the desk.

    ``thread`` lists the keys by which its conversation may be known, strongest first; ``keys`` are stored so that
    later messages find this one. ``conversation`` is set only when the channel has verified a secret that names it.
    """

    channel: str
    external_id: str
    sender: Address
    text: str
    thread: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    conversation: str = ""
    account: str = ""
    inbox: str = ""
    """The inbox it belongs in; empty for the channel's own. A conversation stays in the inbox where it began."""
    subject: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    automatic: bool = False
    """Sent by a machine (auto-reply, list, bounce): it is kept, and never answered automatically."""
    consent: bool | None = None
    """False when the contact refused to be written to at this address (STOP), True when they allowed it again."""
    intent: str = ""
    """``handoff`` when the contact pressed a button that asks for a person."""
    sent_at: datetime | None = None
    """The far side's claim; never used for order."""
    raw: str = ""
    """Digest of the payload as it came, if the channel keeps it."""
    meta: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What the channel itself will need to answer (never shown, never interpreted by core)."""


class Contact(Value, frozen=True):
    """A person who writes to us."""

    id: str
    created_at: datetime
    name: str = ""
    email: str = ""
    """Where mail may be sent: given by the contact, perhaps unverified."""
    addresses: tuple[str, ...] = ()
    automatic: Mapping[str, datetime] = msgspec.field(default_factory=dict)
    """For each policy, when it last wrote to this contact by itself."""
    refused: tuple[str, ...] = ()
    """Keys of the addresses at which they do not want to be written to."""

    @property
    def first_name(self) -> str:
        """The first word of the name, or an empty text."""
        return self.name.split(" ", 1)[0] if self.name else ""


class Agent(Value, frozen=True):
    """A person who answers. ``load`` counts the conversations that take up capacity now."""

    id: str
    name: str
    email: str
    role: str = "agent"
    """``agent`` or ``admin``."""
    capacity: int = 5
    presence: Presence = Presence.OFF
    active: bool = True
    inboxes: tuple[str, ...] = ()
    """Inboxes this agent may see; empty for all."""
    load: int = 0
    last_assigned_at: datetime | None = None
    session_epoch: int = 0
    """Raised to end every session of this agent at once."""
    seq: int = 0

    @property
    def stream(self) -> str:
        """The stream of this agent's own events."""
        return f"agent:{self.id}"


class Target(Value, frozen=True):
    """One promise about time on one conversation. ``state`` is ``running``, ``met``, ``breached`` or ``late``.

    ``late`` is a breached target that was then fulfilled; ``ended_at`` is when it was met or fulfilled late.
    """

    name: str
    metric: str
    started_at: datetime
    due: datetime
    limit: timedelta
    calendar: str
    state: str = "running"
    ended_at: datetime | None = None


class Survey(Value, frozen=True):
    """A survey put to the contact of a conversation."""

    name: str
    kind: str
    offered_at: datetime
    answered_at: datetime | None = None
    score: int | None = None
    comment: str = ""


class Conversation(Value, frozen=True):
    """One matter with one contact on one channel: what the events so far add up to."""

    id: str
    channel: str
    inbox: str
    contact: str
    created_at: datetime
    updated_at: datetime
    subject: str = ""
    live: bool = False
    """Both sides are expected to be present (chat), so waiting for the contact still takes up the agent."""
    status: Status = Status.OPEN
    seq: int = 0
    sender: str = ""
    """Key of the address the contact last wrote from, or we began to write to."""
    assignee: str = ""
    bot: str = ""
    """The bot that handles it now; empty for none."""
    handed_off: bool = False
    """A bot has given it up once; it is not asked again by itself until the conversation is resolved."""
    misses: int = 0
    """The bot's failed turns since its last success."""
    memory: str = "{}"
    """The bot's own state as JSON text: a text, so that no two turns can share it."""
    waiting_since: datetime | None = None
    """Since when the oldest unanswered message waits for a person."""
    queued_at: datetime | None = None
    """Since when it waits for an agent to be assigned."""
    first_message_at: datetime | None = None
    first_reply_at: datetime | None = None
    resolved_at: datetime | None = None
    snoozed_until: datetime | None = None
    last_author: str = ""
    last_message: int = 0
    """The step of the newest public message."""
    preview: str = ""
    """The beginning of the newest public message, at most 140 characters."""
    inbound: int = 0
    """Messages received so far."""
    replies: int = 0
    """Public messages by agents so far."""
    reopens: int = 0
    timers: Mapping[str, datetime] = msgspec.field(default_factory=dict)
    targets: Mapping[str, Target] = msgspec.field(default_factory=dict)
    surveys: Mapping[str, Survey] = msgspec.field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The stream of this conversation's events: its id."""
        return self.id

    @property
    def holder(self) -> str:
        """The agent whose capacity it takes up now, or an empty text.

        Open conversations count; waiting ones only where both sides are expected to be present.
        """
        if self.assignee and (self.status is Status.OPEN or (self.live and self.status is Status.WAITING)):
            return self.assignee
        return ""

    @property
    def queued(self) -> bool:
        """Whether it waits in the queue now."""
        return self.queued_at is not None and self.status is Status.OPEN

    @property
    def wake_at(self) -> datetime | None:
        """The instant of the next timer."""
        return min(self.timers.values()) if self.timers else None


class Letter(Value, frozen=True):
    """A dead letter: something that needs a person before it goes on.

    ``inbound`` could not be read and is kept raw; ``failed`` was given up; ``unsure`` may or may not have been sent.
    """

    id: str
    kind: str
    channel: str
    at: datetime
    error: str
    conversation: str = ""
    seq: int = 0
    """The message, for one of ours; the step of the channel's stream, for an inbound one."""
    raw: str = ""
    """Digest of the payload as it came."""
    key: str = ""
    """What the channel knows the payload by."""
    attempts: int = 0
    """How often it was tried to hand a message of ours over, where that is known; 0 for a payload."""
