"""The store's suite: the same history in two stores, of which the one in memory is the model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.builtin.memory import MemoryStore
from carekit.facts.nouns import Agent, Contact, Conversation, DeliveryStatus, Letter
from carekit.ground.errors import Conflict
from carekit.ground.values import replace
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Batch, Job, JobBegun, JobDone, Store
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import conversation, event, minute, started, write


class StoreTwins(StoreBase):
    """One history in two stores."""

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
    st.sampled_from("begin step skip receipt key agent job lease begun end retry delivery letter view silence".split()),
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
        self.nodes = [self._node(), self._node()]
        while waiting := store.lease(self.nodes[0][0], minute(10**6), 99):
            write(store, Batch(done=[JobDone(job.id, job.token) for job in waiting]))

    def _node(self) -> tuple[int, int]:
        return tuple(store.join(minute(0), minute(10**6)) for store in (self.ours, self.model))  # type: ignore[return-value]

    def move(self, kind: str, who: int, when: int, flag: bool) -> None:
        """One batch or one step outside of a batch, given to both."""
        moves: dict[str, Callable[[int, int, bool], None]] = {
            "lease": self._lease,
            "begun": self._begun,
            "end": self._end,
            "retry": self._retry,
            "silence": self._silence,
            "job": self._job,
            "receipt": self._receipt,
            "key": self._key,
            "agent": self._agent,
            "delivery": self._delivery,
            "letter": self._letter,
            "view": self._view,
            "begin": self._step,
            "step": self._step,
            "skip": self._skip,
        }
        moves[kind](who, when, flag)

    def _id(self, who: int) -> str:
        return f"{self.prefix}c{who}"

    def _silence(self, who: int, when: int, flag: bool) -> None:
        for store, node in zip((self.ours, self.model), self.nodes[who % 2], strict=True):
            store.leave(node)
        self.nodes[who % 2] = self._node()

    def _job(self, who: int, when: int, flag: bool) -> None:
        job = Job(f"{self.prefix}{who}", "send", self._id(who), 1, minute(when), f"channel:{when % 2}")
        ours, theirs = self.nodes[when % 2] if flag else (0, 0)
        self._write(Batch(jobs=[job], node=ours), Batch(jobs=[replace(job)], node=theirs))

    def _receipt(self, who: int, when: int, flag: bool) -> None:
        self._write(Batch(receipts={f"{self.prefix}r{when}": str(who)}, marks={f"{self.prefix}m": str(when)}))

    def _key(self, who: int, when: int, flag: bool) -> None:
        if self._id(who) in self.known:
            self._write(Batch(keys={f"loop|{self.prefix}{when}": self._id(who)}))

    def _delivery(self, who: int, when: int, flag: bool) -> None:
        status = DeliveryStatus.SENT if flag else DeliveryStatus.FAILED
        self._write(Batch(deliveries={(self._id(who), when): status}))

    def _letter(self, who: int, when: int, flag: bool) -> None:
        letter = Letter(f"{self._id(who)}:{when}", "failed", "loop", minute(when), "no", self._id(who), when)
        self._write(Batch(letters={letter.id: letter if flag else None}))

    def _view(self, who: int, when: int, flag: bool) -> None:
        self._write(Batch(views={(f"{self.prefix}v", str(when)): str(who) if flag else ""}))

    def _skip(self, who: int, when: int, flag: bool) -> None:
        self._step(who, when, flag, by=2)

    def _step(self, who: int, when: int, flag: bool, by: int = 1) -> None:
        id, timers = self._id(who), {"t": minute(when)} if flag else {}
        c = self.known.get(id)
        if c is None:
            fresh = conversation(id, contact=f"{self.prefix}p{when % 2}", timers=timers)
            person = Contact(fresh.contact, minute(0), name=str(when))
            if self._write(Batch(events=[started(fresh)], conversations=[fresh], contacts=[person])):
                self.known[id] = fresh
            return
        waits = minute(when) if flag else None
        later = replace(c, seq=c.seq + by, updated_at=minute(when), waiting_since=waits, timers=timers)
        if self._write(Batch(events=[event(id, later.seq)], conversations=[later])):
            self.known[id] = later

    def _write(self, batch: Batch, model: Batch | None = None) -> bool:
        results: list[Batch | None] = []
        # The store numbers the events it is given in place, so each gets its own.
        twin = model or replace(batch, events=[replace(event) for event in batch.events])
        for store, its in ((self.ours, batch), (self.model, twin)):
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

    def _agent(self, who: int, when: int, stale: bool) -> None:
        id = f"{self.prefix}a"
        if self.agent is None:
            after, before = Agent(id, "Ana", f"{id}@desk.example", seq=1), None
        else:
            before = self.before if stale else self.agent
            after = replace(self.agent, seq=self.agent.seq + 1, load=self.agent.seq)
        if self._write(Batch(events=[event(after.stream, after.seq)], agents=[(after, before)])):
            self.before, self.agent = self.agent, after

    def _lease(self, who: int, when: int, flag: bool) -> None:
        ours = self.ours.lease(self.nodes[who % 2][0], minute(when), 99)
        theirs = self.model.lease(self.nodes[who % 2][1], minute(when), 99)
        ours.sort(key=lambda job: job.id)
        for mine, other in zip(ours, sorted(theirs, key=lambda job: job.id), strict=True):
            assert self.pairs[other.id][0].id == mine.id
            assert replace(mine, id=0, token=0) == replace(other, id=0, token=0)
            self.pairs[other.id] = (mine, other)

    def _retry(self, who: int, when: int, stale: bool) -> None:
        self._end(who, when, stale, retry_at=minute(when))

    def _end(self, who: int, when: int, stale: bool, retry_at: datetime | None = None) -> None:
        if not self.pairs:
            return
        mine, other = self.pairs[min(self.pairs)]
        ends = [
            Batch(done=[JobDone(job.id, job.token - stale, retry_at, 1 if retry_at else 0)]) for job in (mine, other)
        ]
        if self._write(*ends) and retry_at is None:
            del self.pairs[other.id]

    def _begun(self, who: int, when: int, stale: bool) -> None:
        if self.pairs:
            pair = self.pairs[min(self.pairs)]
            self._write(*(Batch(begun=[JobBegun(job.id, job.token - stale)]) for job in pair))

    def compare(self) -> None:
        """Every read gives the same, leaving out what earlier examples wrote."""
        ours, model, mine = self.ours, self.model, self.prefix
        feed = [replace(e, position=0) for e in ours.feed(self.after, 9999, EVERYTHING)]
        assert feed == [replace(e, position=0) for e in model.feed(0, 9999, EVERYTHING)]
        for number in range(3):
            id = f"{mine}c{number}"
            assert ours.conversation(id, EVERYTHING) == model.conversation(id, EVERYTHING)
            assert len(ours.events(id)) == len(model.events(id))
            assert ours.deliveries(id) == model.deliveries(id)
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
        assert ours.view(f"{mine}v", "", "9") == model.view(f"{mine}v", "", "9")
        assert [one for one in ours.letters("", 999) if one.id.startswith(mine)] == model.letters("", 999)
