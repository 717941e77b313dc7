"""Between values and rows: instants to microseconds, events, conversations and jobs to columns and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any

from carekit import Agent, Conversation, Event, Job, Letter, decode_agent, decode_fact, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 500
"""The longest key that is stored as it is: an index of PostgreSQL holds 2,704 bytes."""
_FOLDED = "\ufdd1"  # no character, so no key that means anything has it


def small(number: int, largest: int = 2**31 - 1) -> int:
    """*number* within 0 and *largest*, so that whatever an asker makes up is a number that databases know."""
    return min(max(number, 0), largest)


def fold(key: str) -> str:
    """*key* as it is stored: a very long one by its beginning and its SHA-256."""
    if len(key) <= LONGEST and _FOLDED not in key:
        return key
    return f"{key[:100]}{_FOLDED}{sha256(key.encode()).hexdigest()}"


def receipt_key(key: str) -> bytes:
    """A receipt's key as it is stored: 128 bits of its digest (BLAKE2b)."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware *instant*, exactly."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def micros_or_none(instant: datetime | None) -> int | None:
    """As `micros`, None for None."""
    return None if instant is None else micros(instant)


def instant(value: int) -> datetime:
    """The UTC instant of *value* microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def conversation_row(value: Conversation) -> tuple[Any, ...]:
    """The columns of a conversation, in order of the table."""
    return (
        value.id,
        value.channel,
        value.inbox,
        value.contact,
        value.status.value,
        value.assignee,
        micros(value.updated_at),
        micros_or_none(value.waiting_since),
        micros_or_none(value.queued_at),
        micros_or_none(value.wake_at),
        micros(value.created_at),
        value.seq,
        encode(value),
        value.bot,
    )


def same_columns(before: Conversation, after: Conversation) -> bool:
    """Whether all columns but `moved_row`'s are as they were."""
    return (
        before.status is after.status
        and before.assignee == after.assignee
        and before.bot == after.bot
        and before.waiting_since == after.waiting_since
        and before.queued_at == after.queued_at
        and before.wake_at == after.wake_at
        and before.inbox == after.inbox
        and before.contact == after.contact
        and before.channel == after.channel
        and before.created_at == after.created_at
    )


def moved_row(value: Conversation) -> tuple[Any, ...]:
    """The columns that every message changes, and the key."""
    return (micros(value.updated_at), value.seq, encode(value), value.id)


def event_rows(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """The columns of *events*, in order of the table."""
    made = []
    latest, at = None, 0
    for event in events:
        if event.at is not latest:  # a transaction has one instant, which most of its events share
            latest = event.at
            at = micros(latest)
        fact = event.fact
        made.append(
            (
                event.position,
                event.stream,
                event.seq,
                at,
                fact.kind,
                event.actor,
                event.cause,
                event.policy,
                event.reason,
                event.config,
                encode(fact),
            )
        )
    return made


def event_from(row: Sequence[Any]) -> Event:
    """The event of a row with all columns of the table."""
    position, stream, seq, at, kind, actor, cause, policy, reason, config, body = row
    fact = decode_fact(kind, body)
    return Event(stream, seq, instant(at), actor, fact, cause, policy, reason, config, position)


def job_row(job: Job, node: int, token: int | None = None) -> tuple[Any, ...]:
    """The columns of a job of *node*, in order of the table; with another *token* than its own, if given."""
    return (
        job.id,
        job.lane,
        job.kind,
        job.stream,
        job.seq,
        micros(job.due),
        job.destination,
        job.attempts,
        job.token if token is None else token,
        int(job.begun),
        node,
    )


def job_from(row: Sequence[Any]) -> Job:
    """The job of a row with all columns of the table."""
    id, lane, kind, stream, seq, due, destination, attempts, token, begun, _ = row
    return Job(lane, kind, stream, seq, instant(due), destination, id, attempts, token, bool(begun))


def letter_row(letter: Letter) -> tuple[Any, ...]:
    """The columns of a dead letter, in order of the table."""
    return (letter.id, letter.channel, letter.conversation, encode(letter))


def delivery_key(stream: str, seq: int) -> str:
    """The key of the delivery of a message."""
    return f"{stream}:{seq}"


def view_key(name: str, key: str) -> str:
    """The key of a view's row."""
    return f"{name}|{key}"


class AgentCache:
    """Decodes agents once: every batch loads all of them, and hardly any changes from one to the next."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, Agent]] = {}

    def decode(self, rows: Iterable[tuple[str, bytes]]) -> dict[str, Agent]:
        """The agents of (id, body) rows, by id."""
        found = {}
        for id, body in rows:
            known = self._known.get(id)
            if known is None or known[0] != body:
                known = self._known[id] = (body, decode_agent(body))
            found[id] = known[1]
        return found
