"""The desk as the edges see it: what channels, apps and surveys may tell it and ask it.

Everything is asynchronous and awaits the commit; everything that reads takes a `Scope`. The service gives one to every
component that runs or mounts routes, and there is no other way in: our own console and API use nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from carekit.facts.actions import Action, Send
from carekit.facts.events import Event
from carekit.facts.nouns import Address, Agent, Contact, Conversation, DeliveryStatus, Inbound, Letter, Presence
from carekit.ground.values import Value
from carekit.seams.capabilities import Capabilities
from carekit.seams.query import Hit, Page, Query
from carekit.seams.scope import Scope


class Receipt(Value, frozen=True):
    """What became of an inbound message: where it was kept, and whether it had been kept before."""

    conversation: str
    seq: int
    contact: str
    repeated: bool = False


class Outcome(Value, frozen=True):
    """What an action did: the conversation after it, and the new events (those of the first time if ``repeated``)."""

    conversation: Conversation
    events: Sequence[Event] = ()
    repeated: bool = False


class Live(Value, frozen=True):
    """One committed event with the conversation as it stands after its transaction (None for other streams)."""

    event: Event
    conversation: Conversation | None


class Typing(Value, frozen=True):
    """Somebody is writing: *actor* (``contact`` or ``agent:<id>``) in a conversation. It is over after some seconds
    without another one."""

    conversation: str
    actor: str


@attrs.frozen
class ChannelInfo:
    """A channel of the file."""

    name: str
    use: str
    inbox: str
    capabilities: Capabilities
    title: str = ""


@attrs.frozen
class SurveyInfo:
    """A survey of the file."""

    name: str
    kind: str
    question: str
    best: int


@attrs.frozen
class Waiting:
    """What a contact may be told about the wait.

    ``open`` says whether business hours run now and ``opens_at`` when they begin again; ``ahead`` counts the
    conversations before this one; ``low`` and ``high`` bound the usual wait, None when there is no honest figure.
    """

    open: bool
    opens_at: datetime | None = None
    ahead: int = 0
    agents: int = 0
    low: timedelta | None = None
    high: timedelta | None = None


class Glimpse(Value, frozen=True):
    """What can be told of a message without reading it as one; each text is empty where it cannot.

    ``sender`` and ``to`` are as people write them (``Ana <ana@post.example>``); ``text`` may be cut.
    """

    sender: str = ""
    to: str = ""
    subject: str = ""
    text: str = ""


class Erased(Value, frozen=True):
    """What an erasure took away, and the digests of bytes that are still kept though nothing refers to them."""

    contact: str
    conversations: int
    left: tuple[str, ...] = ()


class Desk(Protocol):
    """The desk's whole surface."""

    name: str
    """Name of the service."""
    timezone: str
    channels: Mapping[str, ChannelInfo]
    surveys: Mapping[str, SurveyInfo]

    def now(self) -> datetime:
        """The present instant."""
        ...

    def url(self, path: str) -> str:
        """The public address of *path*, from the configured base address, never from a request."""
        ...

    def sign(self, purpose: str, value: str) -> str:
        """A token that carries *value* and only `unsign` with the same *purpose* accepts."""
        ...

    def unsign(self, purpose: str, token: str, max_age: timedelta | None = None) -> str:
        """The value of *token*; raises `NotAllowed` if it is forged, foreign or older than *max_age*."""
        ...

    def unseal(self, purpose: str, token: str) -> str:
        """The value of a token that a rule sealed (survey links); raises `NotAllowed` if it is forged or foreign."""
        ...

    # --- tell

    async def receive(self, inbound: Inbound, *, marks: Mapping[str, str | None] | None = None) -> Receipt:
        """Keep a message from outside, with the channel's *marks* in the same transaction; a repeated one is known."""
        ...

    async def receive_all(
        self, inbounds: Sequence[Inbound], *, marks: Mapping[str, str | None] | None = None
    ) -> list[Receipt]:
        """Keep several messages at once, in order, in as few transactions as can be; *marks* with the last of them.

        Raises what any of them raised, after all have been tried.
        """
        ...

    async def act(
        self,
        conversation: str,
        action: Action,
        actor: str,
        *,
        scope: Scope,
        expected_seq: int | None = None,
        key: str = "",
    ) -> Outcome:
        """Ask for *action* as *actor*. ``key`` makes a repetition harmless.

        Raises `NotFound` outside of *scope*, `Stale` if a public message came after ``expected_seq``, `KeyReused`,
        `IllegalMove` or `Refused`.
        """
        ...

    async def begin(
        self, channel: str, to: Address, action: Send, actor: str, *, scope: Scope, key: str = ""
    ) -> Outcome:
        """Write to *to* first: in the conversation that their answer would join, or in a new one.

        ``key`` makes a repetition harmless. Raises `Refused` if *channel* cannot begin, `NotAllowed` outside of *scope*
        or if the contact does not want to be written to, `KeyReused`.
        """
        ...

    async def answer_survey(
        self, conversation: str, survey: str, score: object, comment: object = "", *, scope: Scope
    ) -> Outcome:
        """Keep the contact's answer as the provider of *survey* reads it; raises `Refused` naming the field."""
        ...

    async def report_delivery(
        self,
        conversation: str,
        message: int,
        status: DeliveryStatus,
        *,
        detail: str = "",
        external_id: str = "",
        marks: Mapping[str, str | None] | None = None,
    ) -> None:
        """Note how far the message at step *message* got, with the channel's *marks* in the same transaction."""
        ...

    async def quarantine(
        self, channel: str, raw: bytes, error: str, *, key: str, marks: Mapping[str, str | None] | None = None
    ) -> None:
        """Set a payload aside that cannot be read: kept raw, visible in the health, known again by *key*."""
        ...

    async def keep(self, data: bytes) -> str:
        """Keep bytes durably; returns their digest."""
        ...

    async def fetch(self, digest: str) -> bytes:
        """Bytes that were kept; raises `NotFound`."""
        ...

    async def mark(self, marks: Mapping[str, str | None]) -> None:
        """Keep a channel's own marks, with no message; None removes one."""
        ...

    # --- ask

    async def conversation(self, id: str, scope: Scope) -> Conversation:
        """The conversation *id*; raises `NotFound` also when *scope* does not reach it."""
        ...

    async def conversations(self, query: Query, scope: Scope) -> Page:
        """A page of conversations."""
        ...

    async def count(self, query: Query, scope: Scope) -> int:
        """How many conversations match."""
        ...

    async def events(
        self, conversation: str, scope: Scope, *, after: int = 0, limit: int | None = None, last: bool = False
    ) -> list[Event]:
        """The events of a conversation after step *after*; raises `NotFound`."""
        ...

    async def find(self, channel: str, key: str) -> Conversation | None:
        """The conversation that the thread key *key* of *channel* leads to."""
        ...

    async def contact(self, id: str, scope: Scope) -> Contact:
        """The contact *id*; raises `NotFound`."""
        ...

    async def contacts(self, scope: Scope, *, cursor: str = "", limit: int = 50) -> tuple[list[Contact], str]:
        """Contacts and the next cursor."""
        ...

    async def erase(self, contact: str, actor: str, *, scope: Scope) -> Erased:
        """Take a contact out with everything they and we said, for good; raises `NotFound`.

        A backup that is restored does not bring them back. What stays says only that somebody was erased, what was
        counted in reports, and that messages were received, so that they do not come again.
        """
        ...

    async def marks(self, names: Collection[str]) -> dict[str, str]:
        """The channel's marks of these names."""
        ...

    async def feed(self, after: int, scope: Scope, *, limit: int = 200) -> list[Event]:
        """Committed events after position *after*, in order, from the store."""
        ...

    def follow(self, scope: Scope, *, after: int | None = None) -> AsyncIterator[list[Live]]:
        """Committed events as they come: first those after position *after* from the store, then live, none missing,
        none twice. Ends when the service stops."""
        ...

    async def typing(self, conversation: str, actor: str, *, scope: Scope) -> None:
        """Tell those who listen in this process that *actor* writes to the other side: never for a note.

        Nothing is kept of it, and of several within a second one is passed on. Raises `NotFound` outside of *scope*,
        if anybody listens.
        """
        ...

    def hear_typing(self, scope: Scope, heard: Callable[[Typing], None]) -> Callable[[], None]:
        """Call *heard*, which must not wait, for everybody who writes within *scope*, in this process, until the
        returned function is called. A contact's scope shows agents only."""
        ...

    async def waiting(self, channel: str, conversation: str = "") -> Waiting:
        """What a contact of *channel* may be told about the wait."""
        ...

    async def search(self, words: str, scope: Scope, *, limit: int = 50) -> list[Hit]:
        """Messages, notes and subjects with all of *words* (the last may be unfinished), newest first."""
        ...

    async def report(
        self, scope: Scope, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, object]:
        """The report over the conversations that began on the days of the period, as they stand, as plain values.

        Days are those of the service's time zone: from that of *since* to the last one that begins before *until*.
        """
        ...

    # --- dead letters: for a scope that does not reach every inbox, there are none

    async def letters(self, scope: Scope, *, after: str = "", limit: int = 100) -> list[Letter]:
        """What needs a person before it goes on, in order of id from *after* on."""
        ...

    async def letter(self, id: str, scope: Scope) -> Letter:
        """One dead letter; raises `NotFound`."""
        ...

    async def glimpses(self, letters: Sequence[Letter], scope: Scope) -> list[Glimpse]:
        """What *letters* hold, each as far as that can be told now; only the beginning of a payload is read for it."""
        ...

    async def retry(self, letter: str, actor: str, *, scope: Scope) -> None:
        """Read a payload that was set aside again, or send a message again; raises `NotFound`, or `Refused` if it
        still cannot be."""
        ...

    async def drop(self, letter: str, actor: str, *, scope: Scope) -> None:
        """Let go of a dead letter for good; what it is about stays in the log. Raises `NotFound`."""
        ...

    # --- agents

    async def agents(self) -> list[Agent]:
        """All agents."""
        ...

    async def agent(self, id: str) -> Agent | None:
        """One agent."""
        ...

    async def authenticate(self, email: str, password: str) -> Agent | None:
        """The active agent with this e-mail or id and password; takes as long for an unknown one."""
        ...

    async def add_agent(
        self,
        id: str,
        name: str,
        email: str,
        password: str,
        *,
        role: str = "agent",
        capacity: int = 5,
        inboxes: Collection[str] = (),
    ) -> Agent:
        """Add an agent; raises `Refused` if id or e-mail is taken or the password too weak."""
        ...

    async def set_presence(self, agent: str, presence: Presence, actor: str) -> Agent:
        """Make an agent available, away or off."""
        ...

    async def change_agent(
        self,
        id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        role: str | None = None,
        capacity: int | None = None,
        active: bool | None = None,
        inboxes: Collection[str] | None = None,
        actor: str,
    ) -> Agent:
        """Change what is given of an agent; what is None stays.

        Deactivating ends every session of theirs, makes them off, and takes their open conversations from them, so that
        routing decides anew. Activated again, they are off until they say otherwise. Raises `NotFound`, and `Refused`
        naming the field.
        """
        ...

    async def set_password(self, agent: str, password: str, actor: str) -> None:
        """Change a password and end every session of that agent."""
        ...
