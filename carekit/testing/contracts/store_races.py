"""The store's suite: many writers and readers at once, and the same history in two stores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.builtin.memory import MemoryStore
from carekit.facts.events import Event, MessageReceived
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.errors import Conflict
from carekit.ground.values import replace
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Batch, Job, JobDone, Store, Written
from carekit.service.commands import Staff
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import conversation, event, minute, persist, pipeline, receive, started, write

T = TypeVar("T")

WRITERS = 8
EACH = 6


class StoreRaces(StoreBase):
    """Writers at once."""

    def test_many_writers_of_one_conversation_leave_no_gap(self, opened: Store) -> None:
        """Eight writers at once into one conversation: every message once, in one sequence without gaps."""
        first = receive(pipeline(opened), "ana", "first")

        def work(number: int) -> list[int]:
            line = pipeline(opened)
            return [receive(line, "ana", f"{number}-{turn}").seq for turn in range(EACH)]

        given_out = sorted(seq for seqs in _at_once(work) for seq in seqs)
        events = opened.events(first.stream)
        assert [e.seq for e in events] == list(range(1, WRITERS * EACH + 3))
        assert given_out == list(range(3, WRITERS * EACH + 3))
        texts = [e.fact.external_id for e in events if isinstance(e.fact, MessageReceived)]
        assert sorted(texts) == sorted(["first", *(f"{n}-{t}" for n in range(WRITERS) for t in range(EACH))])
        final = opened.conversation(first.stream, EVERYTHING)
        assert final is not None
        assert (final.seq, final.inbound) == (len(events), WRITERS * EACH + 1)

    def test_one_message_delivered_by_many_is_kept_once(self, opened: Store) -> None:
        """Eight deliveries at once of the same new message: one contact, one conversation, one message, one answer."""
        results = _at_once(lambda _: receive(pipeline(opened), "ana", "same"))
        assert len({(kept.stream, kept.seq, kept.contact) for kept in results}) == 1
        assert sum(not kept.repeated for kept in results) == 1
        assert len(opened.events(results[0].stream)) == 2
        assert (opened.count(Query(), EVERYTHING), len(opened.contacts("", 9, EVERYTHING)[0])) == (1, 1)

    def test_a_newcomer_who_writes_many_at_once_is_one_contact(self, opened: Store) -> None:
        """Eight different first messages at once of one person: one contact, one conversation, eight messages."""
        results = _at_once(lambda number: receive(pipeline(opened), "ana", f"m{number}"))
        assert len({(kept.stream, kept.contact) for kept in results}) == 1
        assert [e.seq for e in opened.events(results[0].stream)] == list(range(1, WRITERS + 2))

    def test_a_reader_of_the_feed_misses_nothing_while_many_write(self, opened: Store) -> None:
        """Who reads on from the last position seen, while eight write, ends with the log: none missing, none twice."""
        done = threading.Event()
        seen: list[Event] = []

        def read() -> None:
            while True:
                last_look = done.is_set()
                page = opened.feed(seen[-1].position if seen else 0, 7, EVERYTHING)
                seen.extend(page)
                if last_look and not page:
                    return

        def work(number: int) -> None:
            line = pipeline(opened)
            for turn in range(EACH):
                receive(line, f"peer{number}", f"{number}-{turn}")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            _at_once(work)
        finally:
            done.set()
            reader.join(60)
        assert seen == opened.feed(0, 100_000, EVERYTHING)
        assert len(seen) == WRITERS * (EACH + 1)

    def test_jobs_go_to_one_worker_each(self, opened: Store) -> None:
        """Eight workers who take jobs at once get each job once."""
        jobs = [Job(f"lane{number}", "send", "c1", 1, minute(0)) for number in range(40)]
        written = write(opened, Batch(jobs=jobs)).jobs

        def work(_: int) -> list[int]:
            mine = []
            while taken := opened.lease(minute(1), minute(9), 3):
                mine += [job.id for job in taken]
            return mine

        assert sorted(id for mine in _at_once(work) for id in mine) == sorted(job.id for job in written)

    def test_agents_changed_at_once_lose_no_change(self, opened: Store) -> None:
        """Eight who add steps to one agent at once leave all of their steps."""
        ana = Agent("ana", "Ana", "ana@desk.example", seq=1)
        write(opened, Batch(events=[event(ana.stream, 1)], agents=[(ana, None)]))

        def work(number: int) -> None:
            persist(pipeline(opened), Staff("ana", None, "service", sessions_ended=True))

        _at_once(work)
        assert [(agent.seq, agent.session_epoch) for agent in opened.agents()] == [(WRITERS + 1, WRITERS)]
        assert len(opened.events("agent:ana")) == WRITERS + 1

    # --- the same history

    def test_it_does_what_the_memory_store_does(self, opened: Store) -> None:
        """Generated histories of batches, good and bad, leave it and the store in memory with the same answers."""
        example = [0]

        @settings(
            max_examples=12,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(moves=st.lists(_MOVES, min_size=1, max_size=12))
        def same(moves: list[tuple[str, int, int, bool]]) -> None:
            example[0] += 1
            twins = _Twins(opened, f"x{example[0]}-")
            for move in moves:
                twins.move(*move)
                twins.compare()

        same()


_MOVES = st.tuples(
    st.sampled_from(
        ["begin", "step", "skip", "receipt", "key", "agent", "stale agent", "job", "lease", "end", "retry"]
    ),
    st.integers(0, 2),
    st.integers(0, 5),
    st.booleans(),
)


class _Twins:
    """The store under test and one in memory, given the same batches; names begin with *prefix*."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.ours, self.model, self.prefix = store, MemoryStore(), prefix
        self.after = store.last_position()
        self.known: dict[str, Conversation] = {}
        self.agent: Agent | None = None
        self.before: Agent | None = None
        self.pairs: dict[int, tuple[Job, Job]] = {}
        while waiting := store.lease(minute(10**6), minute(10**6 + 1), 99):
            write(store, Batch(done=[JobDone(job.id, job.token) for job in waiting]))

    def move(self, kind: str, who: int, when: int, flag: bool) -> None:
        id = f"{self.prefix}c{who}"
        c = self.known.get(id)
        if kind == "lease":
            self._lease(when)
        elif kind in ("end", "retry"):
            self._end(retry_at=minute(when) if kind == "retry" else None, stale=flag)
        elif kind == "job":
            job = Job(f"{self.prefix}{who}", "send", id, 1, minute(when))
            self._write(Batch(jobs=[job], lease_until=minute(when) if flag else None))
        elif kind == "receipt":
            self._write(Batch(receipts={f"{self.prefix}r{when}": str(who)}, marks={f"{self.prefix}m": str(when)}))
        elif kind == "key" and c is not None:
            self._write(Batch(keys={f"loop|{self.prefix}{when}": id}))
        elif kind in ("agent", "stale agent"):
            self._agent(stale=kind == "stale agent")
        elif c is None:
            fresh = conversation(id, contact=f"{self.prefix}p{when % 2}", timers={"t": minute(when)} if flag else {})
            person = Contact(fresh.contact, minute(0), name=str(when))
            if self._write(Batch(events=[started(fresh)], conversations=[fresh], contacts=[person])):
                self.known[id] = fresh
        else:
            seq = c.seq + (2 if kind == "skip" else 1)
            waits = minute(when) if flag else None
            later = replace(
                c, seq=seq, updated_at=minute(when), waiting_since=waits, timers={"t": minute(when)} if flag else {}
            )
            if self._write(Batch(events=[event(id, seq)], conversations=[later])):
                self.known[id] = later

    def _write(self, batch: Batch, model: Batch | None = None) -> bool:
        results: list[Written | None] = []
        for store, its in ((self.ours, batch), (self.model, model or batch)):
            try:
                results.append(write(store, its))
            except Conflict:
                results.append(None)
        ours, theirs = results
        assert (ours is None) == (theirs is None), "one store refused what the other kept"
        if ours is None or theirs is None:
            return False
        assert [replace(e, position=0) for e in ours.events] == [replace(e, position=0) for e in theirs.events]
        for mine, other in zip(ours.jobs, theirs.jobs, strict=True):
            self.pairs[other.id] = (mine, other)
        return True

    def _agent(self, *, stale: bool) -> None:
        id = f"{self.prefix}a"
        if self.agent is None:
            after, before = Agent(id, "Ana", f"{id}@desk.example", seq=1), None
        else:
            before = self.before if stale else self.agent
            after = replace(self.agent, seq=self.agent.seq + 1, load=self.agent.seq)
        if self._write(Batch(events=[event(after.stream, after.seq)], agents=[(after, before)])):
            self.before, self.agent = self.agent, after

    def _lease(self, when: int) -> None:
        ours = self.ours.lease(minute(when), minute(when + 2), 99)
        theirs = self.model.lease(minute(when), minute(when + 2), 99)
        ours.sort(key=lambda job: job.id)
        for mine, other in zip(ours, sorted(theirs, key=lambda job: job.id), strict=True):
            assert self.pairs[other.id][0].id == mine.id
            assert replace(mine, id=0, token=0) == replace(other, id=0, token=0)
            self.pairs[other.id] = (mine, other)

    def _end(self, *, retry_at: datetime | None, stale: bool) -> None:
        if not self.pairs:
            return
        mine, other = self.pairs[min(self.pairs)]
        ends = [
            Batch(done=[JobDone(job.id, job.token - stale, retry_at, 1 if retry_at else 0)]) for job in (mine, other)
        ]
        if self._write(*ends) and retry_at is None:
            del self.pairs[other.id]

    def compare(self) -> None:
        """Every read gives the same, leaving out what earlier examples wrote."""
        ours, model, mine = self.ours, self.model, self.prefix
        feed = [replace(e, position=0) for e in ours.feed(self.after, 9999, EVERYTHING)]
        assert feed == [replace(e, position=0) for e in model.feed(0, 9999, EVERYTHING)]
        for number in range(3):
            id = f"{mine}c{number}"
            assert ours.conversation(id, EVERYTHING) == model.conversation(id, EVERYTHING)
            assert len(ours.events(id)) == len(model.events(id))
        for person in (f"{mine}p0", f"{mine}p1"):
            scope = Scope(contact=person)
            assert ours.contact(person, scope) == model.contact(person, scope)
            for order in ("updated", "waiting", "queued"):
                query = Query(order=order, limit=2)
                assert list(ours.conversations(query, scope).items) == list(model.conversations(query, scope).items)
                assert ours.count(query, scope) == model.count(query, scope)
        assert [a for a in ours.agents() if a.id.startswith(mine)] == model.agents()
        names = [f"{mine}m"]
        assert ours.marks(names) == model.marks(names)
        keys = [f"loop|{mine}{number}" for number in range(6)]
        assert [ours.find_key(key) for key in keys] == [model.find_key(key) for key in keys]
        for when in (0, 3, 9):
            due = {id for id in ours.due(minute(when), 9999) if id.startswith(mine)}
            assert due == set(model.due(minute(when), 9999))
        assert ours.pending_jobs() == model.pending_jobs()


def _at_once(work: Callable[[int], T]) -> list[T]:
    """What *work* gives in `WRITERS` threads that begin together."""
    begin = threading.Barrier(WRITERS)

    def run(number: int) -> T:
        begin.wait(30)
        return work(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))
