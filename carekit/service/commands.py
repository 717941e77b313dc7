"""What may be asked of the pipeline, one frozen value a wish. Many commands share one transaction."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from carekit.facts.actions import Action
from carekit.facts.events import Fact
from carekit.facts.nouns import DeliveryStatus, Inbound
from carekit.ground.values import Value
from carekit.seams.bot import BotReply
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Job, JobDone, Wanted


class Wants:
    """What a batch of commands will look at, gathered from each."""

    def __init__(self) -> None:
        self.conversations: set[str] = set()
        self.keys: set[str] = set()
        self.receipts: set[str] = set()
        self.addresses: set[str] = set()
        self.streams: set[str] = set()
        self.jobs: set[int] = set()

    def wanted(self) -> Wanted:
        """The same, as the store takes it."""
        return Wanted(self.conversations, self.keys, self.receipts, self.addresses, self.streams, self.jobs)


class Command(Value, frozen=True):
    """Base of all commands."""

    def want(self, wants: Wants) -> None:
        """Add what it will look at."""


class Receive(Command, frozen=True):
    """Keep a message from outside."""

    inbound: Inbound
    live: bool = False
    inbox: str = ""
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)

    def want(self, wants: Wants) -> None:
        inbound = self.inbound
        channel = inbound.channel
        for key in inbound.thread:
            wants.keys.add(f"{channel}|{key}")
        if inbound.keys is not inbound.thread:
            for key in inbound.keys:
                wants.keys.add(f"{channel}|{key}")
        wants.receipts.add(self.receipt)
        wants.addresses.add(inbound.sender.key)
        if inbound.conversation:
            wants.conversations.add(inbound.conversation)

    @property
    def receipt(self) -> str:
        """The key under which the message is known: channel, account and the far side's own id."""
        inbound = self.inbound
        return f"in|{inbound.channel}|{inbound.account}|{inbound.external_id}"


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

    @property
    def receipt(self) -> str:
        """The key under which a repetition is known: who asks, and their own key."""
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


class Delivered(Command, frozen=True):
    """The far side reported how far a message got."""

    conversation: str
    message: int
    status: DeliveryStatus
    external_id: str = ""
    detail: str = ""
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)

    def want(self, wants: Wants) -> None:
        wants.conversations.add(self.conversation)


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
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)

    def want(self, wants: Wants) -> None:
        wants.streams.add(self.stream)
        wants.receipts.add(self.receipt)

    @property
    def stream(self) -> str:
        """The channel's own stream."""
        return f"channel:{self.channel}"

    @property
    def receipt(self) -> str:
        """The key under which a repetition is known."""
        return f"aside|{self.channel}|{self.key}"
