"""What may be asked of the pipeline, one frozen value a wish. Many commands share one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from carekit.facts.actions import Action, Resend, Send
from carekit.facts.events import Fact
from carekit.facts.nouns import Address, DeliveryStatus, Inbound
from carekit.ground.values import Value
from carekit.seams.bot import BotReply
from carekit.seams.channel import Channel
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Job, JobDone, Message, Text, ViewKey, Wanted

Marks = Mapping[str, str | None]
"""What a channel keeps for itself, by name; None removes one."""
_NO_MARKS: Marks = {}


class Wants:
    """What a batch of commands will look at, gathered from each."""

    def __init__(self) -> None:
        self.conversations: set[str] = set()
        self.keys: set[str] = set()
        self.receipts: set[str] = set()
        self.addresses: set[str] = set()
        self.streams: set[str] = set()
        self.jobs: set[int] = set()
        self.deliveries: set[Message] = set()
        self.letters: set[str] = set()
        self.views: set[ViewKey] = set()

    def wanted(self) -> Wanted:
        """The same, as the store takes it."""
        return Wanted(
            self.conversations,
            self.keys,
            self.receipts,
            self.addresses,
            self.streams,
            self.jobs,
            self.deliveries,
            self.letters,
            self.views,
        )


class Command(Value, frozen=True):
    """Base of all commands."""

    def want(self, wants: Wants) -> None:
        """Add what it will look at."""


def channel_stream(channel: str) -> str:
    """The stream of a channel's own events."""
    return f"channel:{channel}"


class Receive(Command, frozen=True):
    """Keep a message from outside; made by `of`, which spells its keys out once."""

    inbound: Inbound
    live: bool
    inbox: str
    receipt: str
    """The key under which the message is known: channel, account and the far side's own id."""
    sender: str
    """The key of the sender's address."""
    thread: tuple[str, ...]
    """The thread keys that may find its conversation, as they are stored."""
    keys: tuple[str, ...]
    """The thread keys that shall find its conversation, likewise."""
    marks: Marks = msgspec.field(default_factory=dict)
    letter: str = ""
    """The dead letter that it comes out of."""

    @classmethod
    def of(
        cls,
        inbound: Inbound,
        live: bool = False,
        inbox: str = "",
        marks: Marks = _NO_MARKS,
        letter: str = "",
    ) -> Self:
        """The command to keep *inbound*."""
        channel = inbound.channel
        thread = tuple([f"{channel}|{key}" for key in inbound.thread])
        same = inbound.keys is inbound.thread or inbound.keys == inbound.thread
        return cls(
            inbound,
            live,
            inbound.inbox or inbox or channel,
            f"in|{channel}|{inbound.account}|{inbound.external_id}",
            inbound.sender.key,
            thread,
            thread if same else tuple([f"{channel}|{key}" for key in inbound.keys]),
            marks,
            letter,
        )

    def want(self, wants: Wants) -> None:
        wants.keys.update(self.thread)
        if self.keys is not self.thread:
            wants.keys.update(self.keys)
        wants.receipts.add(self.receipt)
        wants.addresses.add(self.sender)
        if self.inbound.conversation:
            wants.conversations.add(self.inbound.conversation)
        if self.letter:
            wants.letters.add(self.letter)
            wants.streams.add(channel_stream(self.inbound.channel))


class Act(Command, frozen=True):
    """Ask for an action on a conversation."""

    conversation: str
    action: Action
    actor: str
    scope: Scope = EVERYTHING
    expected_seq: int | None = None
    key: str = ""
    fingerprint: str = ""

    def want(self, wants: Wants) -> None:
        wants.conversations.add(self.conversation)
        if self.key:
            wants.receipts.add(self.receipt)
        if isinstance(self.action, Resend):
            wants.deliveries.add((self.conversation, self.action.message))

    @property
    def receipt(self) -> str:
        """The key under which a repetition is known: who asks, and their own key."""
        return f"key|{self.actor}|{self.key}"


class Begin(Command, frozen=True):
    """Write to somebody first: in the conversation that their answer would join, or in a new one.

    ``job`` is the one that a policy's wish became; ``cause`` names the conversation in which it was wished.
    """

    channel: str
    to: Address
    action: Send
    actor: str
    live: bool = False
    inbox: str = ""
    keys: tuple[str, ...] = ()
    """As they are stored."""
    key: str = ""
    fingerprint: str = ""
    policy: str = ""
    job: Job | None = None

    @classmethod
    def on(
        cls,
        channel: Channel,
        to: Address,
        action: Send,
        actor: str,
        *,
        key: str = "",
        fingerprint: str = "",
        policy: str = "",
        job: Job | None = None,
    ) -> Self:
        """The command to write first to *to* on *channel*."""
        keys = tuple([f"{channel.name}|{one}" for one in channel.keys_for(to)])
        live, inbox = channel.capabilities.live, channel.inbox or channel.name
        return cls(channel.name, to, action, actor, live, inbox, keys, key, fingerprint, policy, job)

    def want(self, wants: Wants) -> None:
        wants.addresses.add(self.to.key)
        wants.keys.update(self.keys)
        if self.key:
            wants.receipts.add(self.receipt)
        if self.job is not None:
            wants.jobs.add(self.job.id)

    @property
    def receipt(self) -> str:
        """The key under which a repetition is known."""
        return f"key|{self.actor}|{self.key}"


class Wake(Command, frozen=True):
    """Let the timers of a conversation that are due by now fire."""

    conversation: str

    def want(self, wants: Wants) -> None:
        wants.conversations.add(self.conversation)


class Offer(Command, frozen=True):
    """Look at a queued conversation again, because *agent* can take one more."""

    conversation: str
    agent: str

    def want(self, wants: Wants) -> None:
        wants.conversations.add(self.conversation)


class BotDone(Command, frozen=True):
    """A bot's turn ended: with a reply, or with the trigger of a hand-over and what went wrong."""

    job: Job
    bot: str
    message: int
    reply: BotReply | None = None
    trigger: str = ""
    error: str = ""

    def want(self, wants: Wants) -> None:
        wants.jobs.add(self.job.id)
        wants.conversations.add(self.job.stream)


class Begun(Command, frozen=True):
    """An attempt to send is about to begin whose outcome may stay unknown."""

    job: Job

    def want(self, wants: Wants) -> None:
        wants.jobs.add(self.job.id)
        wants.conversations.add(self.job.stream)
        wants.deliveries.add((self.job.stream, self.job.seq))


class Sent(Command, frozen=True):
    """An attempt to send ended: final, or to be tried again (``done.retry_at``)."""

    job: Job
    done: JobDone
    status: DeliveryStatus | None
    external_id: str = ""
    detail: str = ""
    keys: tuple[str, ...] = ()

    def want(self, wants: Wants) -> None:
        wants.jobs.add(self.job.id)
        wants.conversations.add(self.job.stream)
        wants.deliveries.add((self.job.stream, self.job.seq))


class Delivered(Command, frozen=True):
    """The far side reported how far a message got."""

    conversation: str
    message: int
    status: DeliveryStatus
    external_id: str = ""
    detail: str = ""
    marks: Marks = msgspec.field(default_factory=dict)

    def want(self, wants: Wants) -> None:
        wants.conversations.add(self.conversation)
        wants.deliveries.add((self.conversation, self.message))


class Staff(Command, frozen=True):
    """A fact about an agent; ``credential`` is a new password hash."""

    agent: str
    fact: Fact | None
    actor: str
    credential: str = ""
    sessions_ended: bool = False


class SetAside(Command, frozen=True):
    """Note a payload that could not be read."""

    channel: str
    raw: str
    error: str
    key: str
    marks: Marks = msgspec.field(default_factory=dict)

    def want(self, wants: Wants) -> None:
        wants.streams.add(channel_stream(self.channel))
        wants.receipts.add(self.receipt)

    @property
    def receipt(self) -> str:
        """The key under which a repetition is known."""
        return f"aside|{self.channel}|{self.key}"


class CloseLetter(Command, frozen=True):
    """Let go of a dead letter for good, as dropped or as ``read`` after all. ``stream`` is where that is noted."""

    letter: str
    stream: str
    actor: str
    read: bool = False

    def want(self, wants: Wants) -> None:
        wants.letters.add(self.letter)
        wants.conversations.add(self.stream)
        wants.streams.add(self.stream)


class Mark(Command, frozen=True):
    """Keep a channel's marks, with nothing else."""

    marks: Marks


class KeepView(Command, frozen=True):
    """Move a reader of the feed on: its rows, and its cursor from ``before`` to ``after``, or nothing at all."""

    cursor: ViewKey
    before: str
    after: str
    rows: Mapping[ViewKey, str] = msgspec.field(default_factory=dict)
    texts: Sequence[Text] = ()

    def want(self, wants: Wants) -> None:
        wants.views.add(self.cursor)
