"""The store's suite: many writers and readers at once, and the same history in two stores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from carekit.facts.events import Event, MessageReceived
from carekit.facts.nouns import Agent
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Batch, Job, Store
from carekit.service.pipeline.commands import Staff
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import event, minute, persist, pipeline, receive, write

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
            node = opened.join(minute(0), minute(99))
            while taken := opened.lease(node, minute(1), 3):
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


def _at_once(work: Callable[[int], T]) -> list[T]:
    """What *work* gives in `WRITERS` threads that begin together."""
    begin = threading.Barrier(WRITERS)

    def run(number: int) -> T:
        begin.wait(30)
        return work(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))
