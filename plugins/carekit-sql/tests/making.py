"""Values for the tests, made from as little as each is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from carekit import Batch, Contact, Conversation, ConversationStarted, Event, MessageReceived, NoteAdded, Wanted
from carekit_sql.store import SqlStore

T = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def conversation(id: str = "c_1", **changes: Any) -> Conversation:
    values: dict[str, Any] = {
        "id": id,
        "channel": "chat",
        "inbox": "sales",
        "contact": "p_1",
        "created_at": T,
        "updated_at": T,
        **changes,
    }
    return Conversation(**values)


def started(stream: str = "c_1", seq: int = 1) -> Event:
    return Event(stream, seq, T, "contact", ConversationStarted("chat", "sales", "p_1"))


def received(stream: str = "c_1", seq: int = 1, text: str = "hello") -> Event:
    return Event(stream, seq, T, "contact", MessageReceived(text, f"{stream}-{seq}"))


def note(stream: str = "c_1", seq: int = 1) -> Event:
    return Event(stream, seq, T, "agent:a_1", NoteAdded("agent:a_1", "psst"))


def write(store: SqlStore, **values: Any) -> Batch:
    batch = Batch(**values)
    with store.transaction() as transaction:
        transaction.write(batch)
    return batch


def add_conversations(store: SqlStore, *conversations: Conversation) -> None:
    """Keep conversations with their contacts and a first event each."""
    contacts = {c.contact: Contact(c.contact, T) for c in conversations}
    write(
        store,
        contacts=list(contacts.values()),
        conversations=list(conversations),
        events=[started(c.id) for c in conversations],
    )


def append(store: SqlStore, stream: str, text: str) -> int:
    """One more message in *stream*, decided under its lock as the service does it; its step."""
    with store.transaction() as transaction:
        loaded = transaction.load(Wanted(conversations=[stream]))
        known = loaded.conversations[stream]
        seq = known.seq + 1
        changed = conversation(stream, contact=known.contact, inbox=known.inbox, seq=seq)
        transaction.write(Batch(events=[received(stream, seq, text)], conversations=[changed]))
    return seq
