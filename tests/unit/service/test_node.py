"""A process among others: what it has is its own for as long as it says so in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, TypeVar

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.ground.errors import Unavailable
from carekit.seams.store import Batch, Job
from carekit.service import node as module
from carekit.service.node import LEASE, Node
from carekit.testing import FrozenClock
from carekit.testing.contracts.values import minute, write

T = TypeVar("T")


class Shared(MemoryStore):
    """Memory behind the manners of a store that several processes use."""

    inline: ClassVar[bool] = False


def _node(store: MemoryStore, clock: FrozenClock, lost: list[str] | None = None) -> Node:
    async def read(look: Callable[[], T]) -> T:
        return look()

    return Node(store, clock, read, lost=lambda: lost.append("lost") if lost is not None else None)


def test_a_node_has_a_number_after_its_first_beat() -> None:
    """Before it has none, so that nothing can be its own."""
    clock = FrozenClock()
    node = _node(Shared(), clock)
    assert (node.number, node.alive) == (0, False)
    asyncio.run(node.beat())
    assert node.number > 0
    assert node.alive


def test_a_silent_node_is_not_alive() -> None:
    """When its lease has run out it does nothing more under its number, though nobody has told it yet."""
    clock = FrozenClock()
    node = _node(Shared(), clock)
    asyncio.run(node.beat())
    clock.advance(LEASE)
    assert (node.number, node.alive) == (0, False)


def test_a_process_that_was_stopped_counts_by_its_own_clock_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on the wall that was set back does not bring a lease back to life."""
    node = _node(Shared(), FrozenClock())
    asyncio.run(node.beat())
    later = module.time.monotonic() + LEASE.total_seconds()
    monkeypatch.setattr(module.time, "monotonic", lambda: later)
    assert not node.alive


def test_beats_keep_it_alive_under_one_number() -> None:
    """Each beat prolongs its life."""
    clock, lost = FrozenClock(), list[str]()
    node = _node(Shared(), clock, lost)
    asyncio.run(node.beat())
    number = node.number
    for _ in range(5):
        clock.advance(LEASE * 0.9)
        asyncio.run(node.beat())
    assert (node.number, lost) == (number, [])


def test_after_too_long_a_silence_it_begins_anew() -> None:
    """What it had is another's by now: it drops everything, and goes on under another number."""
    clock, lost = FrozenClock(), list[str]()
    node = _node(Shared(), clock, lost)
    asyncio.run(node.beat())
    number = node.number
    clock.advance(LEASE * 2)
    asyncio.run(node.beat())
    assert lost == ["lost"]
    assert node.number not in (0, number)


def test_after_a_commit_in_doubt_it_goes_on_under_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, while the number before runs out: a job that was kept without its knowing is then free for all."""
    monkeypatch.setattr(module, "BEAT", 60)
    store, clock = Shared(), FrozenClock()
    node, told = _node(store, clock), list[int]()
    node.doubted = lambda: told.append(node.number)

    async def scenario() -> int:
        await node.beat()
        before = node.number
        write(store, Batch(jobs=[Job("l", "send", "c1", 1, minute(0))], node=before))
        task = asyncio.create_task(node.run())
        node.doubt()
        node.doubt()
        async with asyncio.timeout(20):
            while not node.number:  # noqa: ASYNC110 - nobody tells of a beat
                await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return before

    before = asyncio.run(scenario())
    assert told == [0]
    assert node.number not in (0, before)
    assert store.lease(node.number, clock.now(), 9) == []
    assert len(store.lease(node.number, clock.advance(LEASE), 9)) == 1


def test_a_node_that_leaves_frees_what_it_had() -> None:
    """Others need not wait for its lease to run out."""
    store, clock = Shared(), FrozenClock()
    node, other = _node(store, clock), _node(store, clock)
    asyncio.run(node.beat())
    asyncio.run(other.beat())
    job = write(store, Batch(jobs=[Job("l", "send", "c1", 1, minute(0))], node=node.number)).jobs[0]
    assert store.lease(other.number, minute(0), 9) == []
    asyncio.run(node.leave())
    asyncio.run(node.leave())
    assert [taken.id for taken in store.lease(other.number, minute(0), 9)] == [job.id]
    assert node.number == 0


def test_a_store_that_is_away_does_not_end_the_beating(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again with the next beat, and calls what is to be looked after each time."""
    monkeypatch.setattr(module, "BEAT", 0.001)
    store, looked = Shared(), list[int]()
    node = _node(store, FrozenClock())
    plain, away = store.join, [1, 2]

    def join(*arguments: object) -> int:
        if away:
            away.pop()
            raise Unavailable("the database is away")
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "join", join)

    async def scenario() -> None:
        task = asyncio.create_task(node.run(lambda: looked.append(1)))
        while not node.number:  # noqa: ASYNC110 - nobody tells of a beat
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    assert len(looked) >= 2


def test_a_store_in_memory_is_wholly_its_own() -> None:
    """No other process can reach it, so that no beat is needed, however long it takes."""
    clock = FrozenClock()
    node = _node(MemoryStore(), clock)
    node.begin_alone()
    clock.advance(LEASE * 1000)
    assert node.number > 0
