"""The in-memory store: the same contract as the durable ones, for tests, trials and benchmarks.

Values are frozen, so handing out the stored object is handing out a copy. A transaction holds one lock from load to
write and writes nothing until everything has been checked, so a failed one leaves no trace.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import ClassVar

from carekit.facts.events import Event
from carekit.facts.nouns import Agent, Contact, Conversation, DeliveryStatus, Letter
from carekit.ground.errors import Conflict
from carekit.ground.values import replace
from carekit.rules.search import pieces, words_of
from carekit.seams.query import Hit, Page, Query, cursor_of, place_of
from carekit.seams.scope import Scope
from carekit.seams.store import Batch, Job, JobBegun, JobDone, Loaded, Message, Store, Text, ViewKey, Wanted


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
        self._log: list[Event | None] = []  # None where an event was erased: positions stay
        self._alarms: list[tuple[datetime, str]] = []
        self._jobs: dict[int, Job] = {}
        self._lanes: dict[str, list[int]] = {}
        self._holders: dict[int, int] = {}
        self._last_job = 0
        self._nodes: dict[int, datetime] = {}
        self._last_node = 0
        self._claims: dict[str, int] = {}
        self._queued: dict[str, int] = {}
        self._deliveries: dict[str, dict[int, DeliveryStatus]] = {}
        self._letters: dict[str, Letter] = {}
        self._views: dict[ViewKey, str] = {}
        self._texts: list[Text] = []

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
            place = place_of(query.cursor)
            found = [c for c in found if _sort_key(query, c) > place]
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

    def deliveries(self, conversation: str) -> dict[int, DeliveryStatus]:
        return dict(self._deliveries.get(conversation, ()))

    def feed(self, after: int, limit: int, scope: Scope) -> list[Event]:
        found: list[Event] = []
        for index in range(after, len(self._log)):
            if len(found) >= limit:
                break
            event = self._log[index]
            if event is not None and self._visible(event, scope):
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

    def search(self, words: str, limit: int, scope: Scope) -> list[Hit]:
        with self._lock:
            texts = self._texts[::-1]
        wanted = words_of(words)
        reached = (text for text in texts if self._reaches(text.conversation, scope))
        found = ((self._log[t.position - 1], cut) for t in reached if (cut := pieces(t.text, wanted)))
        shown = ((event, cut) for event, cut in found if event is not None and scope.shows(event))
        hits = (Hit(event.stream, event.seq, event.at, cut) for event, cut in shown)
        return list(islice(hits, max(0, limit)))

    def _reaches(self, conversation: str, scope: Scope) -> bool:
        found = self._conversations.get(conversation)
        return found is not None and scope.reaches(found)

    def agents(self) -> list[Agent]:
        return [self._agents[id] for id in sorted(self._agents)]

    def credential(self, agent: str) -> str | None:
        return self._credentials.get(agent)

    def marks(self, names: Collection[str]) -> dict[str, str]:
        return {name: self._marks[name] for name in names if name in self._marks}

    def find_key(self, key: str) -> str | None:
        return self._keys.get(key)

    def letter(self, id: str) -> Letter | None:
        return self._letters.get(id)

    def letters(self, after: str, limit: int) -> list[Letter]:
        with self._lock:
            return [self._letters[id] for id in sorted(self._letters) if id > after][: max(0, limit)]

    def count_letters(self) -> dict[str, int]:
        with self._lock:
            return dict(Counter(letter.channel for letter in self._letters.values()))

    def rows(self, name: str, keys: Collection[str]) -> dict[str, str]:
        with self._lock:
            return {key: self._views[name, key] for key in keys if (name, key) in self._views}

    def view(self, name: str, first: str, last: str) -> list[tuple[str, str]]:
        with self._lock:
            return sorted((key, text) for (of, key), text in self._views.items() if of == name and first <= key <= last)

    def digests(self, after: str, limit: int) -> list[str]:
        with self._lock:
            known = {digest for event in self._log if event is not None for digest in event.fact.digests}
        return sorted(digest for digest in known if digest > after)[: max(0, limit)]

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

    def next_due(self, now: datetime) -> datetime | None:
        with self._lock:
            alarms = self._alarms
            while alarms and self._conversations[alarms[0][1]].wake_at != alarms[0][0]:
                heapq.heappop(alarms)
            instants = [job.due for job in self._jobs.values() if job.due > now and not self._holders.get(job.id)]
            return min([*instants, *(due for due, _ in alarms[:1])], default=None)

    def join(self, now: datetime, until: datetime) -> int:
        with self._lock:
            self._last_node += 1
            self._nodes[self._last_node] = until
            return self._last_node

    def beat(self, node: int, now: datetime, until: datetime) -> bool:
        with self._lock:
            if not self._alive(node, now):
                return False
            self._nodes[node] = until
            return True

    def leave(self, node: int) -> None:
        with self._lock:
            self._nodes.pop(node, None)

    def _alive(self, node: int, now: datetime) -> bool:
        until = self._nodes.get(node)
        return until is not None and until > now

    def lease(self, node: int, now: datetime, limit: int, skip: Collection[str] = ()) -> list[Job]:
        with self._lock:
            firsts = [self._jobs[ids[0]] for ids in self._lanes.values()]
            ripe = [job for job in firsts if job.due <= now and job.destination not in skip]
            free = [job for job in ripe if not self._alive(self._holders.get(job.id, 0), now)]
            free.sort(key=lambda job: (job.due, job.id))
            taken = [replace(job, token=job.token + 1) for job in free[:limit]]
            for job in taken:
                self._jobs[job.id] = job
                self._holders[job.id] = node
            return taken

    def claim(self, name: str, node: int, now: datetime) -> bool:
        with self._lock:
            holder = self._claims.get(name, 0)
            if holder != node and self._alive(holder, now):
                return False
            self._claims[name] = node
            return True

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
            deliveries=self._loaded_deliveries(wanted.deliveries),
            letters={id: self._letters[id] for id in wanted.letters if id in self._letters},
            views={key: self._views[key] for key in wanted.views if key in self._views},
        )

    def _loaded_deliveries(self, messages: Collection[Message]) -> dict[Message, DeliveryStatus]:
        found = {}
        for message in messages:
            conversation, seq = message
            known = self._deliveries.get(conversation)
            if known is not None and seq in known:
                found[message] = known[seq]
        return found

    def _place(self, batch: Batch) -> None:
        """Check the batch and give its events and jobs their numbers; keep nothing yet."""
        self._check(batch)
        for position, event in enumerate(batch.events, len(self._log) + 1):
            event.place(position)
        for id, job in enumerate(batch.jobs, self._last_job + 1):
            lane = self._lanes.get(job.lane)
            ours = lane is None or all(self._holders.get(other) == batch.node for other in lane)
            job.place(id, 1 if batch.node and ours else 0)

    def _keep(self, batch: Batch) -> None:
        streams = self._streams
        for event in batch.events:
            stream = streams.get(event.stream)
            if stream is None:
                stream = streams[event.stream] = []
            stream.append(event)
        self._log.extend(batch.events)
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
            (self._credentials, batch.credentials),
        ):
            kept.update(new)
        for done in batch.done:
            self._finish(done)
        for begun in batch.begun:
            self._jobs[begun.id] = replace(self._jobs[begun.id], begun=True)
        for job in batch.jobs:
            self._last_job = job.id
            self._jobs[job.id] = job
            self._lanes.setdefault(job.lane, []).append(job.id)
            if job.token:
                self._holders[job.id] = batch.node
        self._keep_rest(batch)

    def _keep_rest(self, batch: Batch) -> None:
        for (conversation, seq), status in batch.deliveries.items():
            self._deliveries.setdefault(conversation, {})[seq] = status
        for id, letter in batch.letters.items():
            if letter is None:
                self._letters.pop(id, None)
            else:
                self._letters[id] = letter
        for name, mark in batch.marks.items():
            if mark is None:
                self._marks.pop(name, None)
            else:
                self._marks[name] = mark
        for key, text in batch.views.items():
            if text:
                self._views[key] = text
            else:
                self._views.pop(key, None)
        self._texts.extend(batch.texts)

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
        outcomes: list[JobDone | JobBegun] = [*batch.done, *batch.begun]
        for outcome in outcomes:
            job = self._jobs.get(outcome.id)
            if job is None or job.token != outcome.token:
                raise Conflict(f"job {outcome.id} is no longer this node's: another one took or ended it")
        seen: dict[str, int] = {}
        for event in batch.events:
            last = seen.get(event.stream)
            if last is None:
                last = len(self._streams.get(event.stream, ()))
            if event.seq != last + 1:
                raise Conflict(f"step {event.seq} of {event.stream!r} does not follow step {last}; try again")
            seen[event.stream] = event.seq

    def _finish(self, done: JobDone) -> None:
        job = self._jobs[done.id]
        lane = self._lanes[job.lane]
        if done.retry_at is None:
            del self._jobs[done.id]
            self._holders.pop(done.id, None)
            lane.remove(done.id)
            if not lane:
                del self._lanes[job.lane]
            return
        self._jobs[done.id] = replace(job, due=done.retry_at, attempts=done.attempts, begun=False)
        for id in lane:
            self._holders.pop(id, None)

    def _only_theirs(self, contact: str) -> Sequence[str]:
        """The digests that nobody needs when *contact* is gone."""
        gone = {id for id, c in self._conversations.items() if c.contact == contact}
        theirs, others = set[str](), set[str]()
        for event in self._log:
            if event is not None:
                (theirs if event.stream in gone else others).update(event.fact.digests)
        return sorted(theirs - others)

    def _erase(self, contact: str) -> None:
        gone = {id for id, c in self._conversations.items() if c.contact == contact}
        self._contacts.pop(contact, None)
        self._addresses = {key: id for key, id in self._addresses.items() if id != contact}
        self._keys = {key: id for key, id in self._keys.items() if id not in gone}
        self._texts = [text for text in self._texts if text.conversation not in gone]
        self._letters = {id: letter for id, letter in self._letters.items() if letter.conversation not in gone}
        for id in gone:
            if self._conversations[id].queued:
                self._queued[self._conversations[id].inbox] -= 1
            del self._conversations[id], self._streams[id]
            self._deliveries.pop(id, None)
        self._alarms = [alarm for alarm in self._alarms if alarm[1] not in gone]
        heapq.heapify(self._alarms)
        for job in [job for job in self._jobs.values() if job.stream in gone]:
            self._finish(JobDone(job.id, job.token))
        self._log = [event if event is None or event.stream not in gone else None for event in self._log]


class _MemoryTransaction:
    """Holds the store's lock from its beginning to its end, and keeps what was written only if nothing was raised."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._batch: Batch | None = None
        self._erased: str | None = None

    def __enter__(self) -> _MemoryTransaction:
        self._store._lock.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._batch is not None:
                self._store._keep(self._batch)
            if kind is None and self._erased is not None:
                self._store._erase(self._erased)
        finally:
            self._store._lock.release()

    def load(self, wanted: Wanted) -> Loaded:
        return self._store._load(wanted)

    def write(self, batch: Batch) -> None:
        assert self._batch is None, "a transaction writes one batch"
        self._store._place(batch)
        self._batch = batch

    def erase(self, contact: str) -> Sequence[str]:
        self._erased = contact
        return self._store._only_theirs(contact)


def _matches(query: Query, c: Conversation) -> bool:
    return (
        (query.status is None or c.status in query.status)
        and (query.assignee is None or c.assignee == query.assignee)
        and (query.inbox is None or c.inbox == query.inbox)
        and (query.channel is None or c.channel == query.channel)
        and (query.contact is None or c.contact == query.contact)
        and (query.bot is None or bool(c.bot) == query.bot)
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
    return cursor_of(*_sort_key(query, c))
