"""One unit of work: everything a batch needs in one query a table, everything it changes in one statement a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from carekit import (
    Agent,
    Batch,
    Conflict,
    Event,
    Job,
    JobDone,
    Loaded,
    Wanted,
    Written,
    decode_contact,
    decode_conversation,
    encode,
    replace,
)
from carekit_sql import rows
from carekit_sql import tables as t
from carekit_sql.dialects import Database
from carekit_sql.statements import MOST, Statement, Statements


class SqlTransaction:
    """Lives between the beginning and the end of a transaction; its cursor has begun it already."""

    def __init__(self, database: Database, statements: Statements, cursor: Any, agents: rows.AgentCache) -> None:
        self._database = database
        self._statements = statements
        self._cursor = cursor
        self._agents = agents
        self._heads: dict[str, int] = {}
        self.failure: Exception | None = None
        """Why it must not be committed, even if the caller got over it."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, locked until the end; see `carekit.Transaction`."""
        with self._marking():
            return self._load(wanted)

    def write(self, batch: Batch) -> Written:
        """Keep *batch*; see `carekit.Transaction`."""
        with self._marking():
            return self._write(batch)

    @contextmanager
    def _marking(self) -> Iterator[None]:
        """Mark the transaction as failed if this part of it fails: half a batch must not be kept."""
        try:
            yield
        except self._database.errors as error:
            self.failure = self._database.explain(error)
            raise self.failure from error
        except Exception as error:
            self.failure = error
            raise

    # --- load

    def _load(self, wanted: Wanted) -> Loaded:
        s = self._statements
        self._database.hold(self._cursor, {*wanted.keys, *wanted.addresses, *wanted.streams})
        keys = self._values(s.keys, wanted.keys)
        receipts = self._values(s.receipts, wanted.receipts)
        addresses = self._values(s.addresses, wanted.addresses)
        conversations = {
            id: decode_conversation(body)
            for id, body in self._find(s.conversations, {*wanted.conversations, *keys.values()})
        }
        people = {conversation.contact for conversation in conversations.values()}
        people.update(addresses.values())
        contacts = {id: decode_contact(body) for id, body in self._find(s.contacts, people)}
        self._cursor.execute(s.agents.text)
        agents = self._agents.decode(self._cursor.fetchall())
        heads = dict.fromkeys(wanted.streams, 0)
        heads.update(self._find(s.heads, wanted.streams))
        jobs = {job.id: job for job in map(rows.job_from, self._find(s.jobs, wanted.jobs))}
        self._heads.update({id: conversation.seq for id, conversation in conversations.items()})
        self._heads.update(heads)
        self._cursor.execute(*s.queued.bind({}))
        queued = dict(self._cursor.fetchall())
        return Loaded(conversations, keys, receipts, contacts, addresses, agents, heads, jobs, queued)

    def _values(self, statement: Statement, keys: Collection[str]) -> dict[str, str]:
        """What is kept under *keys*, by key."""
        asked = {rows.fold(key): key for key in keys}
        return {asked[key]: value for key, value in self._find(statement, asked)}

    def _find(self, statement: Statement, keys: Collection[Any]) -> list[Any]:
        """The rows with *keys*, asked for in order, so that locks are taken in order."""
        found: list[Any] = []
        if keys:
            ordered = sorted(keys)
            for start in range(0, len(ordered), MOST):
                self._cursor.execute(*statement.bind({"keys": ordered[start : start + MOST]}))
                if self._cursor.description:
                    found += self._cursor.fetchall()
        return found

    # --- write

    def _write(self, batch: Batch) -> Written:
        s, cursor = self._statements, self._cursor
        self._check_order(batch.events)
        contacts = {contact.id: contact for contact in batch.contacts}
        conversations = {conversation.id: conversation for conversation in batch.conversations}
        # By key, so that two writers wait for each other in the same order.
        s.keep_contacts.run(cursor, ((id, encode(contact)) for id, contact in sorted(contacts.items())))
        s.keep_conversations.run(cursor, (rows.conversation_row(conversations[id]) for id in sorted(conversations)))
        s.add_addresses.run(cursor, _folded(batch.addresses))
        s.keep_keys.run(cursor, _folded(batch.keys))
        self._write_agents(batch.agents)
        s.add_receipts.run(cursor, _folded(batch.receipts))
        self._end_jobs(batch.done)
        jobs = self._add_jobs(batch)
        s.keep_marks.run(cursor, sorted(batch.marks.items()))
        s.keep_credentials.run(cursor, sorted(batch.credentials.items()))
        # Last, because from here to the commit no other writer can add events.
        return Written(self._add_events(batch.events), jobs)

    def _check_order(self, events: Sequence[Event]) -> None:
        """Raise `Conflict` unless every event follows the last step of its stream."""
        firsts: dict[str, int] = {}
        for event in events:
            firsts.setdefault(event.stream, event.seq)
        unknown = [stream for stream, first in firsts.items() if self._heads.get(stream) != first - 1]
        self._heads.update(dict.fromkeys(unknown, 0))
        self._heads.update(self._find(self._statements.heads, unknown))
        for event in events:
            last = self._heads[event.stream]
            if event.seq != last + 1:
                raise Conflict(f"step {event.seq} of {event.stream} does not follow step {last}; read it again")
            self._heads[event.stream] = event.seq

    def _write_agents(self, changes: Sequence[tuple[Agent, Agent | None]]) -> None:
        if not changes:
            return
        s = self._statements
        known = self._agents.decode(self._find(s.some_agents, {after.id for after, before in changes if before}))
        for after, before in changes:
            if before is not None and known.get(after.id) != before:
                raise Conflict(f"agent {after.id} has changed since it was read; read it again")
        s.keep_agents.run(self._cursor, ((after.id, encode(after)) for after, before in changes if before is not None))
        s.add_agents.run(self._cursor, ((after.id, encode(after)) for after, before in changes if before is None))

    def _end_jobs(self, done: Sequence[JobDone]) -> None:
        if not done:
            return
        known = {job.id: job for job in map(rows.job_from, self._find(self._statements.jobs, {job.id for job in done}))}
        for outcome in done:
            job = known.pop(outcome.id, None)
            if job is None or job.token != outcome.token:
                raise Conflict(
                    f"job {outcome.id} is no longer ours: its lease ran out and another worker took or ended it"
                )
            if outcome.retry_at is not None:
                later = replace(job, due=outcome.retry_at, attempts=outcome.attempts)
                self._statements.keep_jobs.run(self._cursor, (rows.job_row(later, None),))
        self._find(self._statements.end_jobs, [outcome.id for outcome in done if outcome.retry_at is None])

    def _add_jobs(self, batch: Batch) -> Sequence[Job]:
        if not batch.jobs:
            return ()
        lease_until = rows.micros_or_none(batch.lease_until)
        token = 0 if lease_until is None else 1
        ids = self._database.numbers(self._cursor, t.job, len(batch.jobs))
        jobs = [
            Job(job.lane, job.kind, job.stream, job.seq, job.due, id, job.attempts, token)
            for id, job in zip(ids, batch.jobs, strict=True)
        ]
        self._statements.add_jobs.run(self._cursor, (rows.job_row(job, lease_until) for job in jobs))
        return jobs

    def _add_events(self, events: Sequence[Event]) -> Sequence[Event]:
        if not events:
            return ()
        positions = self._database.numbers(self._cursor, t.event, len(events))
        placed = [rows.at_position(event, position) for event, position in zip(events, positions, strict=True)]
        self._statements.add_events.run(self._cursor, map(rows.event_row, placed))
        return placed


def _folded(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Rows of keys and values, by key, so that two writers wait for each other in the same order."""
    return sorted((rows.fold(key), value) for key, value in values.items())
