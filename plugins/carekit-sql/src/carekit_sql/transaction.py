"""One unit of work: everything a batch needs in one query a table, everything it changes in one statement a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from carekit import (
    Agent,
    Batch,
    Conflict,
    Event,
    Job,
    JobDone,
    Loaded,
    StoreError,
    Wanted,
    Written,
    decode_contact,
    decode_conversation,
    encode,
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
        self.failure: StoreError | None = None
        """Why it must not be committed, even if the caller got over it."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, locked until the end; see `carekit.Transaction`."""
        try:
            return self._load(wanted)
        except Exception as error:
            raise self._fail(error) from error

    def write(self, batch: Batch) -> Written:
        """Keep *batch*; see `carekit.Transaction`."""
        try:
            return self._write(batch)
        except Exception as error:
            raise self._fail(error) from error

    def _fail(self, error: Exception) -> Exception:
        """Mark the transaction as failed: half a batch must not be kept."""
        told = self._database.explain(error) if isinstance(error, self._database.errors) else error
        self.failure = told if isinstance(told, StoreError) else StoreError(f"the transaction failed before: {told}")
        return told

    # --- load

    def _load(self, wanted: Wanted) -> Loaded:
        s = self._statements
        self._database.hold(self._cursor, {*wanted.keys, *wanted.addresses, *wanted.streams})
        keys = dict(self._find(s.keys, wanted.keys))
        receipts = dict(self._find(s.receipts, wanted.receipts))
        addresses = dict(self._find(s.addresses, wanted.addresses))
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
        self._heads.update(heads)
        return Loaded(conversations, keys, receipts, contacts, addresses, agents, heads, jobs)

    def _find(self, statement: Statement, keys: Collection[Any]) -> list[Any]:
        """The rows with *keys*, asked for in order, so that locks are taken in order."""
        found: list[Any] = []
        if keys:
            ordered = sorted(keys)
            for start in range(0, len(ordered), MOST):
                self._cursor.execute(*statement.bind({"keys": ordered[start : start + MOST]}))
                found += self._cursor.fetchall()
        return found

    # --- write

    def _write(self, batch: Batch) -> Written:
        s = self._statements
        self._check_order(batch.events)
        self._many(s.keep_contact, ((contact.id, encode(contact)) for contact in batch.contacts))
        self._many(s.keep_conversation, map(rows.conversation_row, batch.conversations))
        self._many(s.add_address, sorted(batch.addresses.items()))
        self._many(s.keep_key, sorted(batch.keys.items()))
        self._write_agents(batch.agents)
        self._many(s.add_receipt, sorted(batch.receipts.items()))
        self._end_jobs(batch.done)
        jobs = self._add_jobs(batch)
        self._many(s.keep_mark, sorted(batch.marks.items()))
        self._many(s.keep_credential, sorted(batch.credentials.items()))
        # Last, because from here to the commit no other writer can add events.
        return Written(self._add_events(batch.events), jobs)

    def _check_order(self, events: Sequence[Event]) -> None:
        """Raise `Conflict` unless every event follows the last step of its stream."""
        unknown = {event.stream for event in events} - self._heads.keys()
        self._heads.update(dict.fromkeys(unknown, 0))
        self._heads.update(self._find(self._statements.heads, unknown))
        for event in events:
            last = self._heads[event.stream]
            if event.seq != last + 1:
                raise Conflict(f"step {event.seq} of {event.stream} does not follow step {last}; read it again")
            self._heads[event.stream] = event.seq

    def _many(self, statement: Statement, values: Iterable[Sequence[Any]]) -> None:
        ready = list(values)
        if ready:
            self._cursor.executemany(statement.text, ready)

    def _write_agents(self, changes: Sequence[tuple[Agent, Agent | None]]) -> None:
        if not changes:
            return
        s = self._statements
        known = self._agents.decode(self._find(s.some_agents, {after.id for after, before in changes if before}))
        for after, before in changes:
            if before is not None and known.get(after.id) != before:
                raise Conflict(f"agent {after.id} has changed since it was read; read it again")
        self._many(s.add_agent, ((after.id, encode(after)) for after, before in changes if before is None))
        self._many(s.change_agent, ((encode(after), after.id) for after, before in changes if before is not None))

    def _end_jobs(self, done: Sequence[JobDone]) -> None:
        s = self._statements
        for job in sorted(done, key=lambda job: job.id):
            if job.retry_at is None:
                self._cursor.execute(*s.end_job.bind({"key": job.id, "mine": job.token}))
            else:
                retry_at = rows.micros(job.retry_at)
                values = {"key": job.id, "mine": job.token, "retry_at": retry_at, "tries": job.attempts}
                self._cursor.execute(*s.delay_job.bind(values))
            if self._cursor.rowcount != 1:
                raise Conflict(f"job {job.id} is no longer ours: its lease ran out and another worker has taken it")

    def _add_jobs(self, batch: Batch) -> Sequence[Job]:
        if not batch.jobs:
            return ()
        lease_until = rows.micros_or_none(batch.lease_until)
        token = 0 if lease_until is None else 1
        ids = self._database.numbers(self._cursor, t.job, len(batch.jobs))
        numbered = list(zip(ids, batch.jobs, strict=True))
        self._many(self._statements.add_job, (rows.job_row(id, job, token, lease_until) for id, job in numbered))
        return tuple(
            Job(job.lane, job.kind, job.stream, job.seq, job.due, id, job.attempts, token) for id, job in numbered
        )

    def _add_events(self, events: Sequence[Event]) -> Sequence[Event]:
        if not events:
            return ()
        positions = self._database.numbers(self._cursor, t.event, len(events))
        numbered = list(zip(positions, events, strict=True))
        self._many(self._statements.add_event, (rows.event_row(position, event) for position, event in numbered))
        return tuple(rows.at_position(event, position) for position, event in numbered)
