"""The contract of a store: batches of conversations in one transaction, and scoped reads.

Synchronous: the service runs it in the store's own threads (or on the event loop, if ``inline``). A transaction loads
everything a batch of commands touches, the rules decide, and one `Batch` is written; it is durable when the transaction
has ended without an error. All of `Batch` is kept, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import ClassVar, Protocol

import msgspec

from carekit.facts.events import Event
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.values import Value
from carekit.seams.component import Component
from carekit.seams.query import Page, Query
from carekit.seams.scope import Scope


class Wanted(Value, frozen=True):
    """What a batch needs to see. Conversations found through ``keys``, and everyone's contacts, come along."""

    conversations: Collection[str] = ()
    keys: Collection[str] = ()
    """Thread keys, each ``<channel>|<key>``."""
    receipts: Collection[str] = ()
    addresses: Collection[str] = ()
    streams: Collection[str] = ()
    """Streams of channels whose last step is needed."""
    jobs: Collection[int] = ()


class Loaded(Value, frozen=True):
    """What the store knew, locked against other writers until the transaction ends.

    The mappings are made for the asker, who may change them (except ``agents``, which nobody changes).
    """

    conversations: dict[str, Conversation]
    keys: dict[str, str]
    """Thread key to conversation id."""
    receipts: dict[str, str]
    contacts: dict[str, Contact]
    """By contact id."""
    addresses: dict[str, str]
    """Address key to contact id."""
    agents: Mapping[str, Agent]
    """All agents."""
    heads: dict[str, int]
    """Last step of each stream asked for, 0 if it has none."""
    jobs: Mapping[int, Job]
    queued: dict[str, int] = msgspec.field(default_factory=dict)
    """How many open conversations wait in the queue of each inbox that has any."""


class Job(Value, frozen=True):
    """Work that must happen after the commit: ``send`` a message, or let a ``bot`` answer.

    Jobs of one ``lane`` run one at a time, in order of id. A job is taken under a lease; its ``token`` grows with every
    lease, so that a worker that lost its lease cannot finish it. ``id`` 0 means not stored yet.
    """

    lane: str
    kind: str
    stream: str
    seq: int
    due: datetime
    id: int = 0
    attempts: int = 0
    token: int = 0


class JobDone(Value, frozen=True):
    """The outcome of a leased job: removed, or due again at ``retry_at`` after ``attempts`` tries."""

    id: int
    token: int
    retry_at: datetime | None = None
    attempts: int = 0


class Batch(Value, frozen=True):
    """Everything one transaction writes, in the order in which it must be seen."""

    events: Sequence[Event] = ()
    conversations: Sequence[Conversation] = ()
    contacts: Sequence[Contact] = ()
    addresses: Mapping[str, str] = msgspec.field(default_factory=dict)
    """New address keys to contact ids."""
    agents: Sequence[tuple[Agent, Agent | None]] = ()
    """Each agent after and before; `Conflict` if the stored one is no longer as before."""
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Thread keys to conversation ids; a key that exists moves."""
    receipts: Mapping[str, str] = msgspec.field(default_factory=dict)
    """New receipts; `Conflict` if one exists."""
    jobs: Sequence[Job] = ()
    """New jobs, already leased to the writer until ``lease_until``."""
    lease_until: datetime | None = None
    done: Sequence[JobDone] = ()
    marks: Mapping[str, str] = msgspec.field(default_factory=dict)
    credentials: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Agent id to password hash."""


class Written(Value, frozen=True):
    """What the store added to a batch: the events with their positions, the jobs with their ids and tokens."""

    events: Sequence[Event]
    jobs: Sequence[Job]


class Transaction(Protocol):
    """One unit of work: load, decide, write."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, as of now and locked until the end."""
        ...

    def write(self, batch: Batch) -> Written:
        """Keep *batch*; durable when the transaction ends. Raises `Conflict` if somebody else was first."""
        ...


class Store(Component):
    """Base of all stores. Each method below must be overridden; the contract suite tells when a store is done."""

    inline: ClassVar[bool] = False
    """It never blocks, so the service may call it on the event loop."""

    def open(self) -> None:
        """Connect and make ready; raises `StoreError` that says what is wrong and the remedy."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work: committed at its end, rolled back by an exception."""
        raise NotImplementedError

    def conversation(self, id: str, scope: Scope) -> Conversation | None:
        """The conversation *id*, None if there is none or *scope* does not reach it."""
        raise NotImplementedError

    def conversations(self, query: Query, scope: Scope) -> Page:
        """The conversations that match, within *scope*."""
        raise NotImplementedError

    def count(self, query: Query, scope: Scope) -> int:
        """How many match, within *scope* (``cursor`` and ``limit`` are ignored)."""
        raise NotImplementedError

    def events(self, stream: str, after: int = 0, limit: int | None = None, *, last: bool = False) -> list[Event]:
        """The events of *stream* with ``seq > after``, oldest first; with ``last`` the newest *limit* of them."""
        raise NotImplementedError

    def feed(self, after: int, limit: int, scope: Scope) -> list[Event]:
        """Events of all streams in order of position, from *after* on, within *scope*."""
        raise NotImplementedError

    def last_position(self) -> int:
        """The position of the newest event, 0 if there is none."""
        raise NotImplementedError

    def contact(self, id: str, scope: Scope) -> Contact | None:
        """The contact *id*, None if there is none or no conversation within *scope* is theirs."""
        raise NotImplementedError

    def contacts(self, cursor: str, limit: int, scope: Scope) -> tuple[list[Contact], str]:
        """Contacts in order of id from *cursor* on, and the next cursor."""
        raise NotImplementedError

    def agents(self) -> list[Agent]:
        """All agents by id."""
        raise NotImplementedError

    def credential(self, agent: str) -> str | None:
        """The agent's password hash."""
        raise NotImplementedError

    def marks(self, names: Collection[str]) -> dict[str, str]:
        """The marks of these names that exist."""
        raise NotImplementedError

    def find_key(self, key: str) -> str | None:
        """The conversation id that a thread key (``<channel>|<key>``) leads to."""
        raise NotImplementedError

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of conversations that have a timer due by *now*."""
        raise NotImplementedError

    def next_due(self) -> datetime | None:
        """The instant of the earliest timer of all."""
        raise NotImplementedError

    def lease(self, now: datetime, until: datetime, limit: int) -> list[Job]:
        """Take up to *limit* jobs that are due and not leased, at most one a lane, leased to the caller *until*."""
        raise NotImplementedError

    def reclaim(self) -> int:
        """Let go of the leases of a process that has died; how many. Only for stores that one process at a time
        works on: elsewhere the lease itself tells when its holder is dead, and this does nothing."""
        return 0

    def pending_jobs(self) -> int:
        """How many jobs are not done."""
        raise NotImplementedError
