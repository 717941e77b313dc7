"""One unit of work: everything a batch needs in one query a table, everything it changes in one statement a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from carekit import (
    Agent,
    Batch,
    Conflict,
    DeliveryStatus,
    Event,
    Job,
    JobBegun,
    JobDone,
    Loaded,
    Wanted,
    decode_contact,
    decode_conversation,
    decode_letter,
    encode,
    replace,
    words_of,
)
from carekit_sql import rows
from carekit_sql import tables as t
from carekit_sql.dialects import Database
from carekit_sql.erasing import erase
from carekit_sql.statements import MOST, Statement, Statements


class SqlTransaction:
    """Lives between the beginning and the end of a transaction; its cursor has begun it already."""

    def __init__(self, database: Database, statements: Statements, cursor: Any, agents: rows.AgentCache) -> None:
        self._database = database
        self._statements = statements
        self._cursor = cursor
        self._agents = agents
        self._heads: dict[str, int] = {}
        self._jobs: dict[int, Job] = {}
        self.failure: Exception | None = None
        """Why it must not be committed, even if the caller got over it."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, locked until the end; see `carekit.Transaction`."""
        with self._marking():
            return self._load(wanted)

    def write(self, batch: Batch) -> None:
        """Keep *batch*; see `carekit.Transaction`."""
        with self._marking():
            self._write(batch)

    def erase(self, contact: str) -> Sequence[str]:
        """Remove a contact; see `carekit.Transaction`."""
        with self._marking():
            return erase(self._cursor, self._statements, contact)

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
        views = {rows.view_key(*key): key for key in wanted.views}
        self._database.hold(self._cursor, {*wanted.keys, *wanted.addresses, *wanted.streams, *views})
        keys = self._values(s.keys, {rows.fold(key): key for key in wanted.keys})
        receipts = self._values(s.receipts, {rows.receipt_key(key): key for key in wanted.receipts})
        addresses = self._values(s.addresses, {rows.fold(key): key for key in wanted.addresses})
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
        self._load_jobs(wanted.jobs)
        self._heads.update({id: conversation.seq for id, conversation in conversations.items()})
        self._heads.update(heads)
        self._cursor.execute(*s.queued.bind({}))
        queued = dict(self._cursor.fetchall())
        messages = {rows.delivery_key(*message): message for message in wanted.deliveries}
        deliveries = {m: DeliveryStatus(value) for m, value in self._values(s.deliveries, messages).items()}
        letters = {id: decode_letter(body) for id, body in self._find(s.letters, wanted.letters)}
        known = self._values(s.views, views)
        jobs = dict(self._jobs)
        return Loaded(
            conversations, keys, receipts, contacts, addresses, agents, heads, jobs, queued, deliveries, letters, known
        )

    def _load_jobs(self, ids: Collection[int]) -> None:
        """The jobs of these ids, locked: what is not known yet."""
        missing = [id for id in ids if id not in self._jobs]
        self._jobs.update((job.id, job) for job in map(rows.job_from, self._find(self._statements.jobs, missing)))

    def _values(self, statement: Statement, keys: dict[Any, Any]) -> dict[Any, Any]:
        """What is kept under the keys as they are stored, by the keys as they were asked for."""
        return {keys[key]: value for key, value in self._find(statement, keys)}

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

    def _write(self, batch: Batch) -> None:
        s, cursor = self._statements, self._cursor
        self._check_order(batch.events)
        contacts = {contact.id: contact for contact in batch.contacts}
        conversations = {conversation.id: conversation for conversation in batch.conversations}
        # By key, so that two writers wait for each other in the same order.
        s.keep_contacts.run(cursor, ((id, encode(contact)) for id, contact in sorted(contacts.items())))
        s.keep_conversations.run(cursor, (rows.conversation_row(conversations[id]) for id in sorted(conversations)))
        s.add_addresses.run(cursor, sorted((rows.fold(key), contact) for key, contact in batch.addresses.items()))
        s.keep_keys.run(cursor, sorted((rows.fold(key), conversation) for key, conversation in batch.keys.items()))
        self._write_agents(batch.agents)
        s.add_receipts.run(cursor, sorted((rows.receipt_key(key), value) for key, value in batch.receipts.items()))
        self._end_jobs(batch.done, batch.begun)
        self._add_jobs(batch)
        s.keep_marks.run(cursor, [(name, mark) for name, mark in sorted(batch.marks.items()) if mark is not None])
        self._find(s.drop_marks, [name for name, mark in batch.marks.items() if mark is None])
        s.keep_credentials.run(cursor, sorted(batch.credentials.items()))
        self._write_rest(batch)
        # Last, because from here to the commit no other writer can add events.
        self._add_events(batch.events)

    def _write_rest(self, batch: Batch) -> None:
        s, cursor = self._statements, self._cursor
        deliveries = ((rows.delivery_key(*message), status.value) for message, status in batch.deliveries.items())
        s.keep_deliveries.run(cursor, sorted(deliveries))
        s.keep_letters.run(cursor, [rows.letter_row(letter) for _, letter in sorted(batch.letters.items()) if letter])
        self._find(s.drop_letters, [id for id, letter in batch.letters.items() if letter is None])
        views = sorted((rows.view_key(*key), text) for key, text in batch.views.items())
        s.keep_views.run(cursor, [(key, text) for key, text in views if text])
        self._find(s.drop_views, [key for key, text in views if not text])
        said = ((text.position, " ".join(words_of(text.text))) for text in batch.texts)
        s.add_words.run(cursor, [row for row in said if row[1]])

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

    def _end_jobs(self, done: Sequence[JobDone], begun: Sequence[JobBegun]) -> None:
        outcomes: list[JobDone | JobBegun] = [*begun, *done]
        if not outcomes:
            return
        self._load_jobs([outcome.id for outcome in outcomes])
        for outcome in outcomes:
            job = self._jobs.get(outcome.id)
            if job is None or job.token != outcome.token:
                raise Conflict(f"job {outcome.id} is no longer ours: another node took or ended it")
            if isinstance(outcome, JobDone):
                del self._jobs[outcome.id]  # a second outcome of the same job is one too many
                if outcome.retry_at is not None:
                    self._put_off(job, outcome)
        self._find(self._statements.begin_jobs, [outcome.id for outcome in begun])
        self._find(self._statements.end_jobs, [outcome.id for outcome in done if outcome.retry_at is None])

    def _put_off(self, job: Job, outcome: JobDone) -> None:
        """The job is due again, and all of its lane is free, so that nothing overtakes it."""
        later = replace(job, due=outcome.retry_at, attempts=outcome.attempts, begun=False)
        self._statements.keep_jobs.run(self._cursor, (rows.job_row(later, 0),))
        self._find(self._statements.free_lanes, [job.lane])

    def _add_jobs(self, batch: Batch) -> None:
        if not batch.jobs:
            return
        foreign: set[str] = set()
        if batch.node:
            values = {"keys": sorted({job.lane for job in batch.jobs}), "node": batch.node}
            self._cursor.execute(*self._statements.foreign_lanes.bind(values))
            foreign = {lane for (lane,) in self._cursor.fetchall()}
        new = []
        ids = self._database.numbers(self._cursor, t.job, len(batch.jobs))
        for id, job in zip(ids, batch.jobs, strict=True):
            ours = batch.node if job.lane not in foreign else 0
            job.place(id, 1 if ours else 0)
            new.append(rows.job_row(job, ours))
        self._statements.add_jobs.run(self._cursor, new)

    def _add_events(self, events: Sequence[Event]) -> None:
        if not events:
            return
        refers = sorted({(digest, event.stream) for event in events for digest in event.fact.digests})
        self._statements.add_blobs.run(self._cursor, refers)
        positions = self._database.numbers(self._cursor, t.event, len(events))
        for event, position in zip(events, positions, strict=True):
            event.place(position)
        self._statements.add_events.run(self._cursor, map(rows.event_row, events))
