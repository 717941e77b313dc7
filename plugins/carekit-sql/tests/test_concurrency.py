"""Many writers and readers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import ModuleType

import pytest

from carekit import Agent, Batch, Conflict, Contact, Job, Scope, Wanted, replace
from carekit_sql.store import SqlStore

THREADS = 8


def in_threads(work: Callable[[int], None]) -> None:
    """Run *work* in some threads at once; whatever one raises is raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        for result in [pool.submit(work, number) for number in range(THREADS)]:
            result.result(timeout=120)


def test_concurrent_writers_leave_no_gaps(store: SqlStore, make: ModuleType) -> None:
    """Eight threads that write to the same three conversations give each a sequence without gaps or repeats."""
    streams = ["c_1", "c_2", "c_3"]
    make.add_conversations(store, *(make.conversation(id, seq=1, contact=f"p_{id}") for id in streams))

    def work(number: int) -> None:
        for turn in range(15):
            make.append(store, streams[(number + turn) % 3], f"{number}-{turn}")

    in_threads(work)
    for stream in streams:
        events = store.events(stream)
        assert [event.seq for event in events] == list(range(1, 1 + 1 + THREADS * 5))
    assert store.last_position() == 3 + THREADS * 15


def test_several_processes_open_and_share_one_database(
    url: str, open_store: Callable[[str], SqlStore], make: ModuleType
) -> None:
    """Stores that open an empty database at the same moment all find the same tables, and go on as one."""
    stores: list[SqlStore] = []
    in_threads(lambda _: stores.append(open_store(url)))
    assert len(stores) == THREADS
    make.add_conversations(stores[0], make.conversation("c_1", seq=1))

    def work(number: int) -> None:
        for turn in range(5):
            make.append(stores[number], "c_1", f"{number}-{turn}")

    in_threads(work)
    for store in stores:
        assert [event.seq for event in store.events("c_1")] == list(range(1, 2 + THREADS * 5))


def test_concurrent_first_messages_of_one_thread_find_one_conversation(store: SqlStore, make: ModuleType) -> None:
    """Whoever comes first makes the conversation; the others wait, and find it."""
    made = []

    def work(number: int) -> None:
        with store.transaction() as transaction:
            loaded = transaction.load(Wanted(keys=["chat|k"], addresses=["email:a"]))
            if not loaded.keys:
                id = f"c_{number}"
                transaction.write(
                    Batch(
                        contacts=[Contact(f"p_{number}", make.T)],
                        conversations=[make.conversation(id, contact=f"p_{number}")],
                        keys={"chat|k": id},
                        addresses={"email:a": f"p_{number}"},
                        events=[make.started(id)],
                    )
                )
                made.append(id)

    in_threads(work)
    assert len(made) == 1
    assert store.find_key("chat|k") == made[0]


def test_feed_never_skips_a_position_that_commits_late(store: SqlStore, make: ModuleType) -> None:
    """A reader that goes on from the last position it saw gets every event once and in order, whoever writes."""
    make.add_conversations(store, *(make.conversation(f"c_{n}", seq=1, contact=f"p_{n}") for n in range(THREADS)))
    seen: list[int] = []
    written = threading.Event()

    def read() -> None:
        while True:
            last_round = written.is_set()
            events = store.feed(seen[-1] if seen else 0, 7, Scope.everything())
            seen.extend(event.position for event in events)
            if last_round and not events:
                return

    def work(number: int) -> None:
        for turn in range(25):
            make.append(store, f"c_{number}", str(turn))

    with ThreadPoolExecutor(1) as reading:
        reader = reading.submit(read)
        try:
            in_threads(work)
        finally:
            written.set()
        reader.result(timeout=60)
    total = THREADS + THREADS * 25
    assert len(seen) == total
    assert seen == sorted(set(seen))
    assert seen == [event.position for event in store.feed(0, total + 1, Scope.everything())]


def test_concurrent_leases_give_each_job_to_one_worker(store: SqlStore, make: ModuleType) -> None:
    """No job is leased twice, and no two jobs of one lane at once."""
    make.write(store, jobs=[Job(f"lane-{n % 10}", "send", "c_1", n, make.T) for n in range(40)])
    taken: list[Job] = []
    soon = make.T + make.MINUTE

    def work(_: int) -> None:
        taken.extend(store.lease(store.join(make.T, soon), make.T, 3))

    in_threads(work)
    node = store.join(make.T, soon)
    while jobs := store.lease(node, make.T, 3):
        taken.extend(jobs)
    assert sorted(job.id for job in taken) == list(range(1, 11))
    assert {job.token for job in taken} == {1}


def test_concurrent_changes_of_one_agent_lose_nothing(store: SqlStore, make: ModuleType) -> None:
    """Every raised load counts once: who saw an older agent gets a conflict and tries again."""
    make.write(store, agents=[(Agent("a_1", "Ana", "ana@example.com"), None)])

    def raise_load() -> bool:
        try:
            with store.transaction() as transaction:
                before = transaction.load(Wanted()).agents["a_1"]
                after = Agent("a_1", "Ana", "ana@example.com", load=before.load + 1)
                transaction.write(Batch(agents=[(after, before)]))
        except Conflict:
            return False
        return True

    def work(_: int) -> None:
        for _ in range(5):
            while not raise_load():
                pass

    in_threads(work)
    assert store.agents()[0].load == THREADS * 5


def test_reads_go_on_while_a_transaction_is_open(store: SqlStore, make: ModuleType) -> None:
    """A reader neither waits for a writer nor sees what it has not committed."""
    make.add_conversations(store, make.conversation(seq=1))
    with store.transaction() as transaction:
        transaction.load(Wanted(conversations=["c_1"]))
        transaction.write(Batch(events=[make.received(seq=2)]))
        with ThreadPoolExecutor(1) as other:
            assert other.submit(store.last_position).result(timeout=30) == 1
    assert store.last_position() == 2


def test_position_is_not_shown_before_the_ones_below_it(store: SqlStore, make: ModuleType) -> None:
    """While a transaction that has a position is open, no reader sees a higher one, or it would skip the lower."""
    # Of two contacts, since writers also wait for each other where they share one.
    make.add_conversations(store, make.conversation("c_1", seq=1), make.conversation("c_2", seq=1, contact="p_2"))
    with ThreadPoolExecutor(1) as other:
        with store.transaction() as transaction:
            transaction.load(Wanted(conversations=["c_1"]))
            transaction.write(Batch(events=[lower := make.received("c_1", 2)]))
            transaction.load(Wanted(conversations=["c_1"]))  # by then it has been written
            higher = other.submit(make.append, store, "c_2", "later")
            wait([higher], timeout=0.5)  # time enough to overtake, if it could
            assert store.feed(2, 10, Scope.everything()) == []
        higher.result(timeout=30)
    assert [event.stream for event in store.feed(2, 10, Scope.everything())] == ["c_1", "c_2"]
    assert lower.position == 3


def test_worker_does_not_wait_for_a_job_that_another_is_at(
    database: str, open_store: Callable[[str], SqlStore], make: ModuleType
) -> None:
    """On PostgreSQL a lease passes over jobs that an open transaction holds, and takes the next."""
    store = open_store(database)
    node = store.join(make.T, make.T + make.MINUTE)
    make.write(store, jobs=[Job(lane, "send", "c_1", 1, make.T) for lane in ("a", "a", "b")])
    with store.transaction() as transaction, ThreadPoolExecutor(1) as other:
        transaction.load(Wanted(jobs=[1]))
        leased = other.submit(store.lease, node, make.T, 10).result(timeout=30)
    assert [job.lane for job in leased] == ["b"]


def test_contact_that_has_changed_since_it_was_read_is_not_written(
    ready: str, open_store: Callable[[str], SqlStore], make: ModuleType
) -> None:
    """On PostgreSQL who reads a contact does not hold it, so who writes one looks first whether it is as it was."""
    store = open_store(ready)
    make.add_conversations(store, make.conversation("c_1", seq=1), make.conversation("c_2", seq=1))

    make.write(store, addresses={"email:ana@post.example": "p_1"})
    ana = Wanted(addresses=["email:ana@post.example"])

    def rename(wanted: Wanted, name: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        with store.transaction() as transaction:
            found = transaction.load(wanted).contacts["p_1"]
            meanwhile()
            transaction.write(Batch(contacts=[replace(found, name=f"{found.name}{name}")]))

    with pytest.raises(Conflict, match="p_1 has changed"):
        rename(ana, "a", meanwhile=lambda: rename(Wanted(conversations=["c_2"]), "b"))
    rename(ana, "a")
    found = store.contact("p_1", Scope.everything())
    assert found is not None and found.name == "ba"


def test_what_is_added_while_a_contact_is_erased_is_erased_too(store: SqlStore, make: ModuleType) -> None:
    """Whoever is just adding to a conversation of theirs, or beginning another, is waited for; nothing is left over."""
    make.add_conversations(store, make.conversation("c_1", seq=1))
    make.write(store, addresses={"email:ana@post.example": "p_1"})

    def erase() -> None:
        with store.transaction() as transaction:
            transaction.erase("p_1")

    def erase_during(wanted: Wanted, **values: object) -> None:
        with ThreadPoolExecutor(1) as other:
            with store.transaction() as transaction:
                transaction.load(wanted)
                erasing = other.submit(erase)
                wait([erasing], timeout=0.5)  # time enough to pass by, if it could
                transaction.write(Batch(**values))
            erasing.result(timeout=30)

    changed = make.conversation("c_1", seq=2)
    erase_during(Wanted(conversations=["c_1"]), events=[make.received("c_1", 2)], conversations=[changed])
    assert (store.conversation("c_1", Scope.everything()), store.events("c_1")) == (None, [])

    make.write(store, contacts=[Contact("p_1", make.T)], addresses={"email:ana@post.example": "p_1"})
    begun = make.conversation("c_2", seq=1)
    erase_during(Wanted(addresses=["email:ana@post.example"]), events=[make.started("c_2")], conversations=[begun])
    assert (store.conversation("c_2", Scope.everything()), store.events("c_2")) == (None, [])
