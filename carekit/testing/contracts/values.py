"""What the suites write into a desk or a store: small values with the one field that a test is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from carekit.facts.events import ConversationStarted, Event, Fact, NoteAdded
from carekit.facts.nouns import Address, Contact, Conversation, Inbound
from carekit.ground.errors import Conflict
from carekit.ground.ids import RandomIds
from carekit.ground.values import replace
from carekit.rules.turn import Rulebook
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Batch, Store, Wanted
from carekit.service.pipeline.commands import Command, Receive
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept
from carekit.testing.clock import START, FrozenClock


def minute(number: float) -> Any:
    """The instant *number* minutes after a Monday, 09:00 UTC."""
    return START + timedelta(minutes=number)


def conversation(id: str = "c1", **fields: Any) -> Conversation:
    """A conversation of contact ``p1`` on channel ``loop``, inbox ``main``, at its first step."""
    plain: dict[str, Any] = {"channel": "loop", "inbox": "main", "contact": "p1", "seq": 1}
    plain |= {"created_at": START, "updated_at": START}
    return Conversation(id=id, **(plain | fields))


def event(stream: str, seq: int, fact: Fact | None = None) -> Event:
    """Step *seq* of *stream*: a note, unless *fact* says otherwise."""
    return Event(stream, seq, START, "service", fact or NoteAdded("service", f"step {seq}"), config="test")


def started(c: Conversation) -> Event:
    """The first event of *c*."""
    return event(c.id, 1, ConversationStarted(c.channel, c.inbox, c.contact, c.subject, c.live))


def write(store: Store, batch: Batch, wanted: Wanted | None = None) -> Batch:
    """One transaction that loads what *batch* touches and writes it; the batch, with its numbers in place."""
    touched = wanted or Wanted(
        conversations=[c.id for c in batch.conversations],
        keys=list(batch.keys),
        receipts=list(batch.receipts),
        addresses=list(batch.addresses),
        streams=sorted({e.stream for e in batch.events}),
        jobs=[*(done.id for done in batch.done), *(begun.id for begun in batch.begun)],
        deliveries=list(batch.deliveries),
        letters=list(batch.letters),
        views=list(batch.views),
    )
    with store.transaction() as unit:
        unit.load(touched)
        unit.write(batch)
    return batch


def keep(store: Store, *conversations: Conversation, **others: Any) -> Batch:
    """Write *conversations*, each with the event of its step ``seq``, new contacts, and *others* of the batch."""
    people = {c.contact: Contact(c.contact, START) for c in conversations}
    new = [person for id, person in people.items() if store.contact(id, EVERYTHING) is None]
    events = [started(c) if c.seq == 1 else event(c.id, c.seq) for c in conversations]
    return write(store, Batch(events=events, conversations=conversations, contacts=new, **others))


def next_step(c: Conversation, **changes: Any) -> Conversation:
    """*c* one step later."""
    return replace(c, seq=c.seq + 1, **changes)


@contextmanager
def refused(store: Store) -> Iterator[None]:
    """The block must raise `Conflict` and leave the log as long as it was."""
    before = store.last_position()
    try:
        yield
    except Conflict:
        assert store.last_position() == before, "a transaction that lost a race must leave no event behind"
        return
    raise AssertionError("the store should have raised Conflict")


def inbound(sender: str, id: str, text: str = "hello", channel: str = "loop") -> Inbound:
    """A message from *sender* whose conversation is found by the sender alone."""
    keys = (f"peer:{sender}",)
    return Inbound(channel, id, Address("loopback", sender), text, thread=keys, keys=keys)


def pipeline(store: Store) -> Pipeline:
    """A pipeline without policies over *store*, as every process of a service has one."""
    return Pipeline(store, Rulebook.of([], ["loop"], config="test"), FrozenClock(), RandomIds())


def persist(line: Pipeline, *commands: Command, patience: int = 50) -> list[Kept]:
    """Take *commands* through *line*, again when it loses races, as an asker would who tries again."""
    for attempt in range(patience):
        try:
            results = line.handle(commands)
        except Conflict:
            if attempt == patience - 1:
                raise
            continue
        for result in results:
            if isinstance(result, Exception):
                raise result
        return [result for result in results if isinstance(result, Kept)]
    raise AssertionError("unreachable")


def receive(line: Pipeline, sender: str, id: str, text: str = "hello") -> Kept:
    """Keep one message from *sender*."""
    return persist(line, Receive.of(inbound(sender, id, text)))[0]
