"""What one transaction sees and changes: loaded once, changed by every command in turn, written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from carekit.facts import events as f
from carekit.facts.nouns import Agent, Contact, Conversation, DeliveryStatus, Letter, Presence
from carekit.ground.ids import Ids
from carekit.rules.turn import Rulebook, Turn
from carekit.seams.store import Batch, Job, JobBegun, JobDone, Loaded, Message, Text, ViewKey
from carekit.service.pipeline.commands import channel_stream

NOBODY: frozenset[str] = frozenset()
_WORK = frozenset({f.BotAsked, f.MessageSent, f.DeliveryChanged, f.InitiationAsked})
"""The facts that something must be done about after the commit."""


class Kept(msgspec.Struct):
    """What one command led to. ``freed`` names agents who can take more than before."""

    conversation: Conversation | None = None
    events: Sequence[f.Event] = ()
    jobs: Sequence[Job] = ()
    person: Contact | None = None
    repeated: bool = False
    seq: int = 0
    last: int = 0
    """For a repeated action, the first and the last step that it led to are ``seq`` and ``last``."""
    contact: str = ""
    stream: str = ""
    earlier: Conversation | None = None
    """The conversation that a timer closed just before, so that a new one began."""
    freed: frozenset[str] = NOBODY
    timed: bool = False
    """Its timers are others than before."""


class Frame(msgspec.Struct, frozen=True):
    """What stays the same from one transaction to the next."""

    book: Rulebook
    ids: Ids
    push: Mapping[str, bool]
    """For each channel, whether a message must be handed over to it."""


class World:
    """The working set of a batch. Commands read from it and put their results into it."""

    def __init__(self, loaded: Loaded, frame: Frame, now: datetime) -> None:
        self.now = now
        self.frame = frame
        self.conversations = loaded.conversations
        self.contacts = loaded.contacts
        self.addresses = loaded.addresses
        self.keys = loaded.keys
        self.receipts = loaded.receipts
        self.agents: Mapping[str, Agent] = loaded.agents
        self.heads = loaded.heads
        self.jobs = loaded.jobs
        self.queued: Mapping[str, int] = loaded.queued
        self.deliveries = loaded.deliveries
        self.letters: dict[str, Letter | None] = dict(loaded.letters)
        self.views = loaded.views
        self._agents_before = loaded.agents
        self._changed: dict[str, None] = {}
        self._changed_contacts: dict[str, None] = {}
        self._new_addresses: dict[str, str] = {}
        self._new_keys: dict[str, str] = {}
        self._new_receipts: dict[str, str] = {}
        self._new_deliveries: dict[Message, DeliveryStatus] = {}
        self._new_letters: dict[str, Letter | None] = {}
        self._new_views: dict[ViewKey, str] = {}
        self.events: list[f.Event] = []
        self.new_jobs: list[Job] = []
        self.begun: list[JobBegun] = []
        self.done: list[JobDone] = []
        self.marks: dict[str, str | None] = {}
        self.credentials: dict[str, str] = {}
        self.texts: list[Text] = []

    # --- turns

    def turn(self, conversation: Conversation | None, contact: Contact | None = None) -> Turn:
        """A turn of *conversation*, or of a new one with *contact*."""
        if contact is None:
            assert conversation is not None, "a new conversation needs its contact"
            contact = self.contacts[conversation.contact]
        return Turn(self.frame.book, conversation, contact, self.agents, self.now, self.queued)

    def finish(self, turn: Turn) -> Kept:
        """Put a settled turn into the world, with the jobs its events ask for."""
        conversation, events = turn.conversation, turn.events
        if not events:
            return Kept(conversation)
        timed = self._put(conversation, events)
        self.put_contact(turn.contact)
        freed: set[str] | None = None
        if turn.agents is not self.agents:
            freed = {id for id, agent in turn.agents.items() if spare(agent) > spare(self.agents.get(id))}
            self.agents = turn.agents
        if conversation.queued_at == turn.now and conversation.queued:
            # It took its place behind others: whoever is free must look at the head of the queue.
            freed = (freed or set()) | {id for id, agent in self.agents.items() if spare(agent)}
        jobs = self._jobs_of(conversation, events)
        more = frozenset(freed) if freed else NOBODY
        return Kept(conversation, events, jobs, turn.contact, stream=conversation.id, freed=more, timed=timed)

    def _jobs_of(self, conversation: Conversation, events: Sequence[f.Event]) -> Sequence[Job]:
        jobs: list[Job] = []
        id, channel = conversation.id, conversation.channel
        for event in events:
            fact = event.fact
            if type(fact) not in _WORK:
                continue
            if isinstance(fact, f.BotAsked):
                jobs.append(Job(f"{id}:bot", "bot", id, event.seq, event.at, f"bot:{fact.bot}"))
            elif isinstance(fact, f.MessageSent) and self.frame.push.get(channel, True):
                jobs.append(Job(f"{id}:send", "send", id, event.seq, event.at, f"channel:{channel}"))
            elif isinstance(fact, f.InitiationAsked):
                lane = f"initiate:{fact.channel}:{fact.to.key}"
                jobs.append(Job(lane, "initiate", id, event.seq, event.at, f"channel:{fact.channel}"))
            elif isinstance(fact, f.DeliveryChanged) and fact.status is DeliveryStatus.QUEUED:
                jobs.append(Job(f"{id}:send", "send", id, fact.message, event.at, f"channel:{channel}"))
        if jobs:
            self.new_jobs += jobs
        return jobs

    def record(self, stream: str, fact: f.Fact, actor: str, reason: str = "") -> f.Event:
        """Append *fact* to the stream of a channel, whose head was loaded."""
        seq = self.heads[stream] = self.heads.get(stream, 0) + 1
        event = f.Event(stream, seq, self.now, actor, fact, reason=reason, config=self.frame.book.config)
        self.events.append(event)
        return event

    # --- results

    def _put(self, conversation: Conversation, events: list[f.Event]) -> bool:
        """Whether its timers have changed."""
        id = conversation.id
        before = self.conversations.get(id)
        if conversation.queued_at is not None or (before is not None and before.queued_at is not None):
            change = conversation.queued - (before is not None and before.queued)
            if change:
                self.queued = {**self.queued, conversation.inbox: self.queued.get(conversation.inbox, 0) + change}
        self.conversations[id] = conversation
        self._changed[id] = None
        self.events += events
        return bool(conversation.timers) and (before is None or before.timers is not conversation.timers)

    def put_contact(self, contact: Contact) -> None:
        if self.contacts.get(contact.id) is not contact:
            self.contacts[contact.id] = contact
            self._changed_contacts[contact.id] = None

    def put_address(self, key: str, contact: str) -> None:
        self.addresses[key] = self._new_addresses[key] = contact

    def put_key(self, key: str, conversation: str) -> None:
        if self.keys.get(key) != conversation:
            self.keys[key] = self._new_keys[key] = conversation

    def put_receipt(self, key: str, value: str) -> None:
        self.receipts[key] = self._new_receipts[key] = value

    def put_delivery(self, message: Message, status: DeliveryStatus) -> None:
        self.deliveries[message] = self._new_deliveries[message] = status

    def put_letter(self, id: str, letter: Letter | None) -> None:
        self.letters[id] = self._new_letters[id] = letter

    def put_view(self, key: ViewKey, text: str) -> None:
        self.views[key] = self._new_views[key] = text

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.events
            or self.done
            or self.begun
            or self.marks
            or self.credentials
            or self._new_receipts
            or self._new_letters
            or self._new_views
        )

    def batch(self, node: int) -> Batch:
        """Everything to write, as *node*."""
        before = self._agents_before
        agents = []
        if self.agents is not before:
            agents = [(agent, before.get(id)) for id, agent in self.agents.items() if before.get(id) is not agent]
        return Batch(
            events=self.events,
            conversations=[self.conversations[id] for id in self._changed],
            contacts=[self.contacts[id] for id in self._changed_contacts],
            addresses=self._new_addresses,
            agents=agents,
            keys=self._new_keys,
            receipts=self._new_receipts,
            jobs=self.new_jobs,
            node=node,
            begun=self.begun,
            done=self.done,
            marks=self.marks,
            credentials=self.credentials,
            deliveries=self._new_deliveries,
            letters=self._new_letters,
            views=self._new_views,
            texts=self.texts,
        )


def spare(agent: Agent | None) -> int:
    """How many conversations *agent* can take now."""
    if agent is None or not agent.active or agent.presence is not Presence.AVAILABLE:
        return 0
    return max(0, agent.capacity - agent.load)


def letter_id(stream: str, seq: int) -> str:
    """The id of a dead letter: the step that made it."""
    return f"{stream}:{seq}"


def inbound_letter(channel: str, seq: int, at: datetime, error: str, raw: str, key: str) -> Letter:
    """A payload of *channel* that could not be read."""
    return Letter(letter_id(channel_stream(channel), seq), "inbound", channel, at, error, "", seq, raw, key)
