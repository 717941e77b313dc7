"""What the API answers: nouns and facts as they are, without the fields that are nobody's business outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from carekit.facts.codec import to_builtins
from carekit.facts.events import BotAnswered, Event, MessageReceived
from carekit.facts.nouns import Agent, Contact, Conversation, Letter
from carekit.seams.desk import ChannelInfo, Glimpse, Outcome
from carekit.seams.query import Hit

HIDDEN: Mapping[type, frozenset[str]] = {
    Conversation: frozenset({"memory"}),  # the bot's own state
    Contact: frozenset({"automatic"}),
    Agent: frozenset({"session_epoch", "seq"}),
    MessageReceived: frozenset({"meta"}),  # what the channel needs to answer, perhaps a secret of the far side
    BotAnswered: frozenset({"memory"}),
}
"""Fields that are left out of answers and of the document alike."""


class EventView(msgspec.Struct):
    """One event. ``kind`` says which schema ``fact`` has."""

    stream: str
    seq: int
    position: int
    at: datetime
    actor: str
    kind: str
    fact: dict[str, Any]
    cause: int | None = None
    policy: str = ""
    reason: str = ""
    config: str = ""

    @classmethod
    def of(cls, event: Event) -> EventView:
        """The view of *event*."""
        fact = plain(event.fact)
        assert isinstance(fact, dict)
        return cls(
            stream=event.stream,
            seq=event.seq,
            position=event.position,
            at=event.at,
            actor=event.actor,
            kind=event.kind,
            fact=fact,
            cause=event.cause,
            policy=event.policy,
            reason=event.reason,
            config=event.config,
        )


class ConversationPage(msgspec.Struct):
    """A page of conversations; ``cursor`` leads to the next one, empty at the end."""

    items: list[Conversation]
    cursor: str


class ContactPage(msgspec.Struct):
    """A page of contacts; ``cursor`` leads to the next one, empty at the end."""

    items: list[Contact]
    cursor: str


class StepPage(msgspec.Struct):
    """Events of one conversation in order of ``seq``."""

    items: list[EventView]


class EventPage(msgspec.Struct):
    """Events of all streams in order of ``position``; ``cursor`` is the ``after`` of the next request."""

    items: list[EventView]
    cursor: int


class AgentList(msgspec.Struct):
    """The agents."""

    items: list[Agent]


class ChannelList(msgspec.Struct):
    """The channels of the file."""

    items: list[ChannelInfo]


class Piece(msgspec.Struct):
    """A part of a text, and whether it matches."""

    text: str
    match: bool


class Found(msgspec.Struct):
    """A message, note or subject that matches, by conversation and step; ``pieces`` are its part around the match."""

    conversation: str
    seq: int
    at: datetime
    pieces: list[Piece]


class Hits(msgspec.Struct):
    """What was found, newest first."""

    items: list[Found]

    @classmethod
    def of(cls, hits: Iterable[Hit]) -> Hits:
        """The view of *hits*."""
        return cls([Found(h.conversation, h.seq, h.at, [Piece(*piece) for piece in h.pieces]) for h in hits])


class DeadLetter(Letter, frozen=True):
    """A dead letter and what can be told of what it holds; each text is empty where it cannot.

    ``text`` is its first 500 characters.
    """

    sender: str = ""
    to: str = ""
    subject: str = ""
    text: str = ""

    @classmethod
    def of(cls, letter: Letter, seen: Glimpse) -> DeadLetter:
        """The view of *letter*, of which *seen* is told."""
        return cls(**msgspec.structs.asdict(letter), **msgspec.structs.asdict(seen))


class LetterPage(msgspec.Struct):
    """A page of dead letters; ``cursor`` leads to the next one, empty at the end."""

    items: list[DeadLetter]
    cursor: str


class Handled(msgspec.Struct):
    """The dead letter that is one no longer."""

    id: str


class Report(msgspec.Struct):
    """The report over a period."""

    report: dict[str, Any]


class Done(msgspec.Struct):
    """What an action did: the conversation after it and the new events, those of the first time if ``repeated``."""

    conversation: Conversation
    events: list[EventView]
    repeated: bool

    @classmethod
    def of(cls, outcome: Outcome) -> Done:
        """The view of *outcome*."""
        return cls(outcome.conversation, [EventView.of(event) for event in outcome.events], outcome.repeated)


def plain(value: object) -> object:
    """*value* as plain JSON values, without the `HIDDEN` fields wherever they are nested."""
    if isinstance(value, msgspec.Struct):
        hidden = HIDDEN.get(type(value), frozenset())
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name not in hidden}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return to_builtins(value)
