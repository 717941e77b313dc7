"""One unit of work: everything a batch needs in one query a table, everything it changes in one statement a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from carekit import (
    Agent,
    Batch,
    Conflict,
    Contact,
    Conversation,
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
from carekit_sql.bulk import Heads
from carekit_sql.dialects import Database
from carekit_sql.erasing import erase
from carekit_sql.statements import Statement, Statements


class Asked:
    """The answer to one question, which may still be on its way; read it when nothing more can be asked without it."""

    __slots__ = ("_cursors", "_rows")

    def __init__(self, *cursors: Any) -> None:
        self._cursors = cursors
        self._rows: list[Any] | None = None

    @property
    def rows(self) -> list[Any]:
        """The rows found."""
        if self._rows is None:
            self._rows = [row for cursor in self._cursors for row in cursor.fetchall()]
        return self._rows

    def under(self, names: Mapping[Any, Any]) -> dict[Any, Any]:
        """Rows of a key as it is stored and a value, by the key as it was asked for."""
        return {names[key]: value for key, value in self.rows}


class SqlTransaction:
    """Lives between the beginning and the end of a transaction, which its connection has begun already."""

    def __init__(self, database: Database, statements: Statements, work: Any, agents: rows.AgentCache) -> None:
        self._database = database
        self._statements = statements
        self._work = work
        self._agents = agents
        self._before: dict[str, Conversation] = {}
        self._people_before: dict[str, Contact] = {}
        self._heads: dict[str, int] = {}
        self._jobs: dict[int, Job] = {}
        self.failure: Exception | None = None
        """Why it must not be committed, even if the caller got over it."""

    def load(self, wanted: Wanted) -> Loaded:
        """Everything *wanted*, locked as far as that is needed; see `carekit.Transaction`."""
        with self._marking():
            return self._load(wanted)

    def write(self, batch: Batch) -> None:
        """Keep *batch*; see `carekit.Transaction`."""
        with self._marking():
            self._write(batch)

    def erase(self, contact: str) -> Sequence[str]:
        """Remove a contact; see `carekit.Transaction`."""
        with self._marking():
            return erase(self._work, self._statements, contact, self._database.hold)

    def settle(self) -> None:
        """What is left to do when the transaction has been committed."""

    @contextmanager
    def _marking(self) -> Iterator[None]:
        """Mark the transaction as failed if this part of it fails: half a batch must not be kept."""
        try:
            yield
        except self._database.errors as error:
            told = self._database.explain(error)
            self.failure = self.failure or told
            raise told from error
        except Exception as error:
            self.failure = self.failure or error
            raise

    # --- what each database does in its own way

    def _look_up(
        self, keys: Collection[str], receipts: Collection[bytes], addresses: Collection[str]
    ) -> tuple[Asked, Asked, Asked, Asked, Asked]:
        """What these lead to, then all agents, and how many wait in each queue: what is only read, without a lock."""
        s, ask = self._statements, self._database.ask
        return (
            self._ask(s.keys, keys),
            self._ask(s.receipts, receipts),
            self._ask(s.addresses, addresses),
            Asked(ask(self._work, s.agents.text)),
            Asked(ask(self._work, s.queued.text)),
        )

    def _people(self, wanted: Wanted, keys: Asked, addresses: Asked) -> tuple[Asked, Asked]:
        """The conversations asked for by id or by key, locked, and everybody's contacts."""
        raise NotImplementedError

    def _add_jobs(self, jobs: Sequence[Job], node: int) -> None:
        """Add *jobs*, at least one, and give them their ids and tokens, at the end of the transaction at the latest."""
        raise NotImplementedError

    def _add_events(self, events: Sequence[Event]) -> None:
        """Add *events*, at least one, and give them their positions, likewise."""
        raise NotImplementedError

    # --- load

    def _load(self, wanted: Wanted) -> Loaded:
        # Everything is asked before anything is read: a server is then a single way off.
        s = self._statements
        named = {rows.fold(key): key for key in wanted.keys}
        received = {rows.receipt_key(key): key for key in wanted.receipts}
        addressed = {rows.fold(key): key for key in wanted.addresses}
        messages = {rows.delivery_key(*message): message for message in wanted.deliveries}
        views = {rows.view_key(*key): key for key in wanted.views}
        self._database.hold(self._work, {*wanted.keys, *wanted.addresses, *wanted.streams, *views})
        keys, receipts, addresses, agents, queued = self._look_up(named, received, addressed)
        conversations, contacts = self._people(wanted, keys, addresses)
        heads = self._ask(s.heads, wanted.streams)
        jobs = self._ask(s.jobs, {id for id in wanted.jobs if id not in self._jobs})
        deliveries = self._ask(s.deliveries, messages)
        letters = self._ask(s.letters, wanted.letters)
        known = self._ask(s.views, views)
        found = {id: decode_conversation(body) for id, body, _ in conversations.rows}
        self._jobs.update((job.id, job) for job in map(rows.job_from, jobs.rows))
        people = {id: decode_contact(body) for id, body in contacts.rows}
        self._before.update(found)
        self._people_before.update(people)
        self._heads.update({id: conversation.seq for id, conversation in found.items()})
        last = {stream: seq or 0 for stream, seq in heads.rows}
        self._heads.update(last)
        return Loaded(
            conversations=found,
            keys=keys.under(named),
            receipts=receipts.under(received),
            contacts=people,
            addresses=addresses.under(addressed),
            agents=self._agents.decode(agents.rows),
            heads=last,
            jobs=dict(self._jobs),
            queued=dict(queued.rows),
            deliveries={message: DeliveryStatus(status) for message, status in deliveries.under(messages).items()},
            letters={id: decode_letter(body) for id, body in letters.rows},
            views=known.under(views),
        )

    def _ask(self, statement: Statement | Heads, keys: Collection[Any]) -> Asked:
        """The rows with *keys*, asked for in order, so that locks are taken in order."""
        ask, work = self._database.ask, self._work
        return Asked(*[ask(work, text, parameters) for text, parameters in statement.parts(keys)]) if keys else Asked()

    def _change(self, statement: Statement, keys: Collection[Any]) -> None:
        """Change or remove the rows with *keys*."""
        if keys:
            for asked in statement.parts(keys):
                self._work.execute(*asked)

    # --- write

    def _write(self, batch: Batch) -> None:
        s, work = self._statements, self._work
        if batch.events:
            self._check_order(batch.events)
        # By key, so that two writers wait for each other in the same order.
        if batch.contacts:
            self._write_contacts({contact.id: contact for contact in batch.contacts})
        if batch.conversations:
            self._keep_conversations(batch.conversations)
        if batch.addresses:
            s.add_addresses.run(work, sorted((rows.fold(key), contact) for key, contact in batch.addresses.items()))
        if batch.keys:
            s.keep_keys.run(work, sorted((rows.fold(key), stream) for key, stream in batch.keys.items()))
        if batch.agents:
            self._write_agents(batch.agents)
        if batch.receipts:
            s.add_receipts.run(work, sorted([(rows.receipt_key(key), value) for key, value in batch.receipts.items()]))
        if batch.done or batch.begun:
            self._end_jobs(batch.done, batch.begun)
        if batch.jobs:
            self._add_jobs(batch.jobs, batch.node)
        self._write_rest(batch)
        # Last, because from here to the commit no other writer can add events.
        if batch.events:
            if refers := sorted({(digest, event.stream) for event in batch.events for digest in event.fact.digests}):
                s.add_blobs.run(work, refers)
            self._add_events(batch.events)

    def _keep_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Write conversations; those whose columns are as before touch only the one index that every message moves."""
        moved, changed = [], []
        last = {conversation.id: conversation for conversation in conversations}
        for id, conversation in sorted(last.items()):
            before = self._before.get(id)
            if before is not None and rows.same_columns(before, conversation):
                moved.append(rows.moved_row(conversation))
            else:
                changed.append(rows.conversation_row(conversation))
        self._statements.move_conversations.run(self._work, moved)
        self._statements.keep_conversations.run(self._work, changed)
        self._before.update(last)

    def _write_rest(self, batch: Batch) -> None:
        s, work = self._statements, self._work
        if batch.marks:
            s.keep_marks.run(work, [(name, mark) for name, mark in sorted(batch.marks.items()) if mark is not None])
            self._change(s.drop_marks, [name for name, mark in batch.marks.items() if mark is None])
        if batch.credentials:
            s.keep_credentials.run(work, sorted(batch.credentials.items()))
        if batch.deliveries:
            statuses = ((rows.delivery_key(*message), status.value) for message, status in batch.deliveries.items())
            s.keep_deliveries.run(work, sorted(statuses))
        if batch.letters:
            s.keep_letters.run(work, [rows.letter_row(letter) for _, letter in sorted(batch.letters.items()) if letter])
            self._change(s.drop_letters, [id for id, letter in batch.letters.items() if letter is None])
        if batch.views:
            views = sorted((rows.view_key(*key), text) for key, text in batch.views.items())
            s.keep_views.run(work, [(key, text) for key, text in views if text])
            self._change(s.drop_views, [key for key, text in views if not text])
        if batch.texts:
            said = ((text.position, " ".join(words_of(text.text))) for text in batch.texts)
            s.add_words.run(work, [row for row in said if row[1]])

    def _check_order(self, events: Sequence[Event]) -> None:
        """Raise `Conflict` unless every event follows the last step of its stream.

        A stream that nobody asked for is taken for new if it begins at the beginning: if it is not, the unique index of
        steps says so.
        """
        heads = self._heads
        unknown = {event.stream: event.seq for event in reversed(events) if event.stream not in heads}
        if unknown:
            heads.update(dict.fromkeys(unknown, 0))
            later = self._ask(self._statements.heads, [stream for stream, first in unknown.items() if first > 1])
            heads.update({stream: seq or 0 for stream, seq in later.rows})
        for event in events:
            last = heads[event.stream]
            if event.seq != last + 1:
                raise Conflict(f"step {event.seq} of {event.stream} does not follow step {last}; read it again")
            heads[event.stream] = event.seq

    def _write_contacts(self, contacts: Mapping[str, Contact]) -> None:
        before = self._people_before
        read = contacts.keys() & before.keys()
        known = dict(self._ask(self._statements.contacts, read).rows)
        for id in read:
            if id not in known or decode_contact(known[id]) != before[id]:
                raise Conflict(f"contact {id} has changed since it was read; read it again")
        self._statements.keep_contacts.run(self._work, [(id, encode(one)) for id, one in sorted(contacts.items())])
        before.update(contacts)

    def _write_agents(self, changes: Sequence[tuple[Agent, Agent | None]]) -> None:
        s = self._statements
        known = self._agents.decode(self._ask(s.some_agents, {after.id for after, before in changes if before}).rows)
        for after, before in changes:
            if before is not None and known.get(after.id) != before:
                raise Conflict(f"agent {after.id} has changed since it was read; read it again")
        s.keep_agents.run(self._work, [(after.id, encode(after)) for after, before in changes if before is not None])
        s.add_agents.run(self._work, [(after.id, encode(after)) for after, before in changes if before is None])

    def _end_jobs(self, done: Sequence[JobDone], begun: Sequence[JobBegun]) -> None:
        outcomes: list[JobDone | JobBegun] = [*begun, *done]
        missing = self._ask(self._statements.jobs, {one.id for one in outcomes if one.id not in self._jobs})
        self._jobs.update((job.id, job) for job in map(rows.job_from, missing.rows))
        for outcome in outcomes:
            job = self._jobs.get(outcome.id)
            if job is None or job.token != outcome.token:
                raise Conflict(f"job {outcome.id} is no longer ours: another node took or ended it")
            if isinstance(outcome, JobDone):
                del self._jobs[outcome.id]  # a second outcome of the same job is one too many
                if outcome.retry_at is not None:
                    self._put_off(job, outcome)
        self._change(self._statements.begin_jobs, [outcome.id for outcome in begun])
        self._change(self._statements.end_jobs, [outcome.id for outcome in done if outcome.retry_at is None])

    def _put_off(self, job: Job, outcome: JobDone) -> None:
        """The job is due again, and all of its lane is free, so that nothing overtakes it."""
        later = replace(job, due=outcome.retry_at, attempts=outcome.attempts, begun=False)
        self._statements.keep_jobs.run(self._work, [rows.job_row(later, 0)])
        self._change(self._statements.free_lanes, [job.lane])
