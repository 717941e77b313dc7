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
from carekit.facts.nouns import Agent, Contact, Conversation, DeliveryStatus, Letter
from carekit.ground.values import Value
from carekit.seams.component import Component
from carekit.seams.query import Hit, Page, Query
from carekit.seams.scope import Scope

Message = tuple[str, int]
"""A message by its conversation and step."""
ViewKey = tuple[str, str]
"""A row of a view: the view's name, and the row's key within it."""


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
    deliveries: Collection[Message] = ()
    """Messages of ours whose delivery status is needed."""
    letters: Collection[str] = ()
    views: Collection[ViewKey] = ()


class Loaded(Value, frozen=True):
    """What the store knew, locked against other writers until the transaction ends.

    Contacts and agents, which every message reads and hardly any changes, may be left unlocked: `Transaction.write`
    then raises `Conflict` for one that is no longer as it was read.

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
    deliveries: dict[Message, DeliveryStatus] = msgspec.field(default_factory=dict)
    """Those that a delivery was noted for."""
    letters: dict[str, Letter] = msgspec.field(default_factory=dict)
    views: dict[ViewKey, str] = msgspec.field(default_factory=dict)


class Job(Value, frozen=True):
    """Work that must happen after the commit: ``send`` a message, or let a ``bot`` answer.

    Jobs of one ``lane`` run one at a time, in order of id. A job belongs to one node at a time; its ``token`` grows
    each time it is given to one, so that a node that lost it cannot finish it. ``id`` 0 means not stored yet.
    """

    lane: str
    kind: str
    stream: str
    seq: int
    due: datetime
    destination: str = ""
    """Where it goes: ``channel:<name>`` or ``bot:<name>``."""
    id: int = 0
    attempts: int = 0
    token: int = 0
    begun: bool = False
    """The far side may have seen an attempt whose outcome nobody noted."""

    def place(self, id: int, token: int) -> None:
        """Give it its id and token: for the store that keeps it, once, before anybody else has seen it."""
        msgspec.structs.force_setattr(self, "id", id)
        msgspec.structs.force_setattr(self, "token", token)


class JobBegun(Value, frozen=True):
    """An attempt at a job begins, from which on its outcome may be unknown."""

    id: int
    token: int


class JobDone(Value, frozen=True):
    """The outcome of a job: removed, or free and due again at ``retry_at`` after ``attempts`` tries.

    With a retry, all of its lane becomes free, so that nothing overtakes it.
    """

    id: int
    token: int
    retry_at: datetime | None = None
    attempts: int = 0


class Text(Value, frozen=True):
    """What the message at a *position* of the log says, for the search."""

    position: int
    conversation: str
    text: str


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
    """New jobs. One whose lane is empty, or is wholly this node's, belongs to ``node``; others are free."""
    node: int = 0
    """The node that writes, 0 for one that takes no jobs."""
    begun: Sequence[JobBegun] = ()
    """`Conflict` for a job that is no longer under its token."""
    done: Sequence[JobDone] = ()
    """Likewise."""
    marks: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    """What channels keep for themselves, by name; None removes one."""
    credentials: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Agent id to password hash."""
    deliveries: Mapping[Message, DeliveryStatus] = msgspec.field(default_factory=dict)
    letters: Mapping[str, Letter | None] = msgspec.field(default_factory=dict)
    """Dead letters by id; None removes one."""
    views: Mapping[ViewKey, str] = msgspec.field(default_factory=dict)
    """Rows of views; an empty text removes one."""
    texts: Sequence[Text] = ()
    """Messages to be found by the search."""


class Transaction(Protocol):
    """One unit of work: load, decide, write."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, as of now and locked until the end, as far as `Loaded` says."""
        ...

    def write(self, batch: Batch) -> None:
        """Keep *batch*; durable when the transaction ends. Raises `Conflict` if somebody else was first.

        Gives every event its position (`Event.place`) and every job its id and token (`Job.place`, token 0 for a job
        that is free).
        """
        ...

    def erase(self, contact: str) -> Sequence[str]:
        """Remove a contact, their conversations and all that was said in them; the digests of bytes nobody needs now.

        What says that a message was received stays, without its content, so that it does not come back.
        """
        ...


class Store(Component):
    """Base of all stores. Each method below must be overridden; the contract suite tells when a store is done."""

    inline: ClassVar[bool] = False
    """It never blocks, so the service may call it on the event loop."""
    shared: bool = False
    """Several nodes may work on it at once, so that what is committed elsewhere must be looked for."""

    def open(self) -> None:
        """Connect and make ready; raises `StoreError` that says what is wrong and the remedy."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work: committed at its end, rolled back by an exception."""
        raise NotImplementedError

    # --- conversations, contacts, events

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

    def deliveries(self, conversation: str) -> dict[int, DeliveryStatus]:
        """How far our messages of a conversation got, by step; those that nothing was noted for are queued."""
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

    def search(self, words: str, limit: int, scope: Scope) -> list[Hit]:
        """Messages with all of *words* (the last may be the beginning of one), newest first, within *scope*."""
        raise NotImplementedError

    # --- agents, marks, keys, letters, views

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

    def letter(self, id: str) -> Letter | None:
        """The dead letter *id*."""
        raise NotImplementedError

    def letters(self, after: str, limit: int) -> list[Letter]:
        """Dead letters in order of id from *after* on."""
        raise NotImplementedError

    def count_letters(self) -> dict[str, int]:
        """How many dead letters each channel has that has any."""
        raise NotImplementedError

    def rows(self, name: str, keys: Collection[str]) -> dict[str, str]:
        """The rows of a view with these keys, those that exist."""
        raise NotImplementedError

    def view(self, name: str, first: str, last: str) -> list[tuple[str, str]]:
        """The rows of a view with ``first <= key <= last``, in order of key."""
        raise NotImplementedError

    def digests(self, after: str, limit: int) -> list[str]:
        """Digests of kept bytes that an event refers to, in order from *after* on, each once."""
        raise NotImplementedError

    # --- what must happen later

    def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of conversations that have a timer due by *now*."""
        raise NotImplementedError

    def next_due(self, now: datetime) -> datetime | None:
        """The instant of the earliest timer, or of the earliest free job that is due after *now*."""
        raise NotImplementedError

    def join(self, now: datetime, until: datetime) -> int:
        """A number for a node that begins to work, alive *until* then unless it beats.

        Raises `StoreError` if another node works on a store that is not ``shared``.
        """
        raise NotImplementedError

    def beat(self, node: int, now: datetime, until: datetime) -> bool:
        """Keep *node* alive *until* then; False if it was not alive any more *now*: its jobs may be others' by now."""
        raise NotImplementedError

    def leave(self, node: int) -> None:
        """Let go of all that belongs to *node*, at once."""
        raise NotImplementedError

    def lease(self, node: int, now: datetime, limit: int, skip: Collection[str] = ()) -> list[Job]:
        """Give *node* up to *limit* jobs that are due and belong to no node alive, first of their lanes.

        Jobs for the destinations to *skip* are left where they are.
        """
        raise NotImplementedError

    def claim(self, name: str, node: int, now: datetime) -> bool:
        """Make *name* belong to *node*, unless it belongs to another node that is alive; whether it does now."""
        raise NotImplementedError

    def pending_jobs(self) -> int:
        """How many jobs are not done."""
        raise NotImplementedError
