"""The in-memory store: the same contract as the durable ones, for tests, trials and benchmarks.

Values are frozen, so handing out the stored object is handing out a copy. A transaction holds one lock from load to
write and writes nothing until everything has been checked, so a failed one leaves no trace.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import ClassVar

from carekit.facts.events import Event
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.errors import Conflict
from carekit.ground.values import replace
from carekit.seams.query import Page, Query
from carekit.seams.scope import Scope
from carekit.seams.store import Batch, Job, JobDone, Loaded, Store, Wanted, Written


class MemoryStore(Store):
    """Everything in dictionaries; gone when the process ends."""

    inline: ClassVar[bool] = True

    def __init__(self, name: str = "memory", settings: object = None) -> None:
        super().__init__(name, settings)
        self._lock = threading.RLock()
        self._conversations: dict[str, Conversation] = {}
        self._contacts: dict[str, Contact] = {}
        self._addresses: dict[str, str] = {}
        self._agents: dict[str, Agent] = {}
        self._keys: dict[str, str] = {}
        self._receipts: dict[str, str] = {}
        self._credentials: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._streams: dict[str, list[Event]] = {}
        self._log: list[Event] = []
        self._alarms: list[tuple[datetime, str]] = []
        self._jobs: dict[int, Job] = {}
        self._leases: dict[int, datetime] = {}
        self._last_job = 0
        self._queued: dict[str, int] = {}

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def transaction(self) -> _MemoryTransaction:
        return _MemoryTransaction(self)

    # --- reads

    def conversation(self, id: str, scope: Scope) -> Conversation | None:
        found = self._conversations.get(id)
        return found if found is not None and scope.reaches(found) else None

    def conversations(self, query: Query, scope: Scope) -> Page:
        found = sorted(self._matching(query, scope), key=lambda c: _sort_key(query, c))
        if query.cursor:
            found = [c for c in found if _cursor(query, c) > query.cursor]
        page = found[: query.limit]
        more = len(found) > len(page) > 0
        return Page(page, _cursor(query, page[-1]) if more else "")

    def count(self, query: Query, scope: Scope) -> int:
        return sum(1 for _ in self._matching(query, scope))

    def _matching(self, query: Query, scope: Scope) -> Iterator[Conversation]:
        with self._lock:
            everything = list(self._conversations.values())
        return (c for c in everything if scope.reaches(c) and _matches(query, c))

    def events(self, stream: str, after: int = 0, limit: int | None = None, *, last: bool = False) -> list[Event]:
        events = self._streams.get(stream, [])[after:]
        if limit is None:
            return events
        return events[max(0, len(events) - limit) :] if last else events[:limit]

    def feed(self, after: int, limit: int, scope: Scope) -> list[Event]:
        found: list[Event] = []
        for index in range(after, len(self._log)):
            if len(found) >= limit:
                break
            event = self._log[index]
            if self._visible(event, scope):
                found.append(event)
        return found

    def _visible(self, event: Event, scope: Scope) -> bool:
        conversation = self._conversations.get(event.stream)
        if conversation is None:
            return scope.shows_stream(event.stream)
        return scope.reaches(conversation) and scope.shows(event)

    def last_position(self) -> int:
        return len(self._log)

    def contact(self, id: str, scope: Scope) -> Contact | None:
        if scope != Scope.everything() and not any(
            c.contact == id and scope.reaches(c) for c in self._conversations.values()
        ):
            return None
        return self._contacts.get(id)

    def contacts(self, cursor: str, limit: int, scope: Scope) -> tuple[list[Contact], str]:
        with self._lock:
            ids = sorted(id for id in self._contacts if id > cursor)
        found = [contact for id in ids if (contact := self.contact(id, scope)) is not None]
        page = found[:limit]
        return page, page[-1].id if len(found) > limit > 0 else ""

    def agents(self) -> list[Agent]:
        return [self._agents[id] for id in sorted(self._agents)]

    def credential(self, agent: str) -> str | None:
        return self._credentials.get(agent)

    def marks(self, names: Collection[str]) -> dict[str, str]:
        return {name: self._marks[name] for name in names if name in self._marks}

    def find_key(self, key: str) -> str | None:
        return self._keys.get(key)

    def due(self, now: datetime, limit: int) -> list[str]:
        with self._lock:
            found: dict[str, datetime] = {}
            while self._alarms and self._alarms[0][0] <= now and len(found) < limit:
                wake_at, id = heapq.heappop(self._alarms)
                if self._conversations[id].wake_at == wake_at:
                    found[id] = wake_at
            for id, wake_at in found.items():
                heapq.heappush(self._alarms, (wake_at, id))  # due until the conversation itself says otherwise
            return list(found)

    def next_due(self) -> datetime | None:
        with self._lock:
            alarms = self._alarms
            while alarms and self._conversations[alarms[0][1]].wake_at != alarms[0][0]:
                heapq.heappop(alarms)
            return alarms[0][0] if alarms else None

    def lease(self, now: datetime, until: datetime, limit: int) -> list[Job]:
        with self._lock:
            taken: list[Job] = []
            lanes: set[str] = set()
            for job in list(self._jobs.values()):
                if len(taken) >= limit:
                    break
                if job.lane in lanes:
                    continue
                lanes.add(job.lane)  # only the first job of a lane may run, whether it is free or not
                if job.due > now or self._leases.get(job.id, now) > now:
                    continue
                leased = replace(job, token=job.token + 1)
                self._jobs[job.id] = leased
                self._leases[job.id] = until
                taken.append(leased)
            return taken

    def next_job(self, after: datetime) -> datetime | None:
        """The first instant later than *after* at which a lane's first job is due or its lease ends: for tests."""
        with self._lock:
            firsts: dict[str, Job] = {}
            for job in self._jobs.values():
                firsts.setdefault(job.lane, job)
            instants = [max(job.due, self._leases.get(job.id, job.due)) for job in firsts.values()]
        return min((instant for instant in instants if instant > after), default=None)

    def pending_jobs(self) -> int:
        return len(self._jobs)

    # --- the transaction's two halves

    def _load(self, wanted: Wanted) -> Loaded:
        keys = {key: self._keys[key] for key in wanted.keys if key in self._keys}
        conversations = {
            id: self._conversations[id] for id in (*wanted.conversations, *keys.values()) if id in self._conversations
        }
        addresses = {key: self._addresses[key] for key in wanted.addresses if key in self._addresses}
        contacts = {id: self._contacts[id] for id in addresses.values()}
        for conversation in conversations.values():
            contacts[conversation.contact] = self._contacts[conversation.contact]
        return Loaded(
            conversations=conversations,
            keys=keys,
            receipts={key: self._receipts[key] for key in wanted.receipts if key in self._receipts},
            contacts=contacts,
            addresses=addresses,
            agents=dict(self._agents),
            heads={stream: len(self._streams.get(stream, ())) for stream in wanted.streams},
            jobs={id: self._jobs[id] for id in wanted.jobs if id in self._jobs},
            queued={inbox: count for inbox, count in self._queued.items() if count},
        )

    def _place(self, batch: Batch) -> Written:
        """The batch with positions and job ids, checked but not kept."""
        self._check(batch)
        for position, event in enumerate(batch.events, len(self._log) + 1):
            event.place(position)
        token, id = (1 if batch.lease_until else 0), self._last_job + 1
        jobs = [replace(job, id=id + index, token=token) for index, job in enumerate(batch.jobs)]
        return Written(batch.events, jobs)

    def _keep(self, batch: Batch, written: Written) -> None:
        streams = self._streams
        for event in written.events:
            stream = streams.get(event.stream)
            if stream is None:
                stream = streams[event.stream] = []
            stream.append(event)
        self._log.extend(written.events)
        for conversation in batch.conversations:
            self._keep_conversation(conversation)
        for contact in batch.contacts:
            self._contacts[contact.id] = contact
        for agent, _ in batch.agents:
            self._agents[agent.id] = agent
        for kept, new in (
            (self._addresses, batch.addresses),
            (self._keys, batch.keys),
            (self._receipts, batch.receipts),
            (self._marks, batch.marks),
            (self._credentials, batch.credentials),
        ):
            kept.update(new)
        for done in batch.done:
            self._finish(done)
        for job in written.jobs:
            self._last_job = job.id
            self._jobs[job.id] = job
            if batch.lease_until:
                self._leases[job.id] = batch.lease_until

    def _keep_conversation(self, conversation: Conversation) -> None:
        before = self._conversations.get(conversation.id)
        self._conversations[conversation.id] = conversation
        if conversation.queued or (before is not None and before.queued):
            change = conversation.queued - (before is not None and before.queued)
            self._queued[conversation.inbox] = self._queued.get(conversation.inbox, 0) + change
        if before is not None and before.timers is conversation.timers:
            return
        wake_at = conversation.wake_at
        if wake_at is not None and (before is None or before.wake_at != wake_at):
            heapq.heappush(self._alarms, (wake_at, conversation.id))

    def _check(self, batch: Batch) -> None:
        for agent, before in batch.agents:
            if self._agents.get(agent.id) != before:
                raise Conflict(f"agent {agent.id!r} was changed by somebody else; try again")
        for key in batch.receipts:
            if key in self._receipts:
                raise Conflict("the same request was kept a moment ago; try again to get its answer")
        for key in batch.addresses:
            if key in self._addresses:
                raise Conflict("the same contact was added a moment ago; try again")
        for done in batch.done:
            job = self._jobs.get(done.id)
            if job is None or job.token != done.token:
                raise Conflict(f"job {done.id} is no longer this worker's: its lease ran out")
        seen: dict[str, int] = {}
        for event in batch.events:
            last = seen.get(event.stream)
            if last is None:
                last = len(self._streams.get(event.stream, ()))
            if event.seq != last + 1:
                raise Conflict(f"step {event.seq} of {event.stream!r} does not follow step {last}; try again")
            seen[event.stream] = event.seq

    def _finish(self, done: JobDone) -> None:
        self._leases.pop(done.id, None)
        if done.retry_at is None:
            del self._jobs[done.id]
        else:
            self._jobs[done.id] = replace(self._jobs[done.id], due=done.retry_at, attempts=done.attempts)


class _MemoryTransaction:
    """Holds the store's lock from its beginning to its end, and keeps what was written only if nothing was raised."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._kept: tuple[Batch, Written] | None = None

    def __enter__(self) -> _MemoryTransaction:
        self._store._lock.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._kept is not None:
                self._store._keep(*self._kept)
        finally:
            self._store._lock.release()

    def load(self, wanted: Wanted) -> Loaded:
        return self._store._load(wanted)

    def write(self, batch: Batch) -> Written:
        assert self._kept is None, "a transaction writes one batch"
        written = self._store._place(batch)
        self._kept = batch, written
        return written


def _matches(query: Query, c: Conversation) -> bool:
    return (
        (query.status is None or c.status in query.status)
        and (query.assignee is None or c.assignee == query.assignee)
        and (query.inbox is None or c.inbox == query.inbox)
        and (query.channel is None or c.channel == query.channel)
        and (query.contact is None or c.contact == query.contact)
        and (query.order != "waiting" or c.waiting_since is not None)
        and (query.order != "queued" or c.queued_at is not None)
    )


def _instant(query: Query, c: Conversation) -> int:
    """Microseconds to sort by, smallest first (newest first for ``updated``)."""
    if query.order == "updated":
        return 10**17 - _micros(c.updated_at)
    since = c.waiting_since if query.order == "waiting" else c.queued_at
    assert since is not None, "filtered by _matches"
    return _micros(since)


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _sort_key(query: Query, c: Conversation) -> tuple[int, str]:
    return _instant(query, c), c.id


def _cursor(query: Query, c: Conversation) -> str:
    return f"{_instant(query, c):020d}~{c.id}"
