"""Followers: the store first, then live, none missing and none twice, and nobody waits for the slow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import events as f
from carekit.facts.nouns import Conversation
from carekit.ground.values import replace
from carekit.seams.desk import Live
from carekit.seams.scope import EVERYTHING, Scope
from carekit.service import hub as module
from carekit.service.hub import Hub, visible
from carekit.testing import DeskKit
from carekit.testing.contracts.values import conversation, event, inbound


class Log:
    """A log with its hub, as the service keeps both: first the log, then the hint."""

    def __init__(self) -> None:
        self.events: list[Live] = []
        self.hub = Hub()
        self.reads = 0

    def commit(self, count: int = 1, c: Conversation | None = None, fact: f.Fact | None = None) -> None:
        new = []
        for _ in range(count):
            position = len(self.events) + 1
            live = Live(replace(event("c1", position, fact), position=position), c or conversation())
            self.events.append(live)
            new.append(live)
        self.hub.publish(new)

    async def read(self, after: int, scope: Scope, limit: int) -> list[Live]:
        self.reads += 1
        await asyncio.sleep(0)
        shown = [live for live in self.events if live.event.position > after and visible(scope, live)]
        return shown[:limit]

    def positions(self) -> list[int]:
        return [live.event.position for live in self.events]


async def _take(log: Log, seen: list[int], scope: Scope = EVERYTHING, after: int = 0, pause: int = 0) -> None:
    async for page in log.hub.follow(scope, after, log.read):
        assert page, "an empty page tells nothing"
        seen.extend(live.event.position for live in page)
        for _ in range(pause):
            await asyncio.sleep(0)


async def _quiet(turns: int = 200) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def _finish(log: Log, *tasks: asyncio.Task[None]) -> None:
    await _quiet()
    log.hub.close()
    await asyncio.gather(*tasks)


def test_a_follower_gets_the_past_and_then_the_present() -> None:
    """What was committed before comes from the store, what comes later comes live; each once, in order."""
    log, seen = Log(), list[int]()

    async def scenario() -> None:
        log.commit(450)
        task = asyncio.create_task(_take(log, seen))
        await _quiet()
        log.commit(3)
        await _finish(log, task)

    asyncio.run(scenario())
    assert seen == log.positions()


def test_a_follower_begins_where_it_left_off() -> None:
    """After a position only what follows is given."""
    log, seen = Log(), list[int]()

    async def scenario() -> None:
        log.commit(10)
        task = asyncio.create_task(_take(log, seen, after=7))
        await _quiet()
        log.commit()
        await _finish(log, task)

    asyncio.run(scenario())
    assert seen == [8, 9, 10, 11]


def test_a_slow_follower_reads_on_from_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lags too far behind loses the queue and not the place; a fast one beside it never goes back to the store."""
    monkeypatch.setattr(module, "BACKLOG", 10)
    log = Log()
    slow, fast = list[int](), list[int]()

    async def scenario() -> None:
        tasks = [asyncio.create_task(_take(log, slow, pause=60)), asyncio.create_task(_take(log, fast))]
        await _quiet()
        for _ in range(60):
            log.commit(2)
            await _quiet(5)
        await _quiet(3000)
        await _finish(log, *tasks)

    asyncio.run(scenario())
    assert slow == fast == log.positions()


@settings(max_examples=40)
@given(steps=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=25), pause=st.integers(0, 10))
def test_nothing_is_missed_or_given_twice(steps: Sequence[tuple[int, int]], pause: int) -> None:
    """However commits and reading fall together, a follower ends with the very log."""
    log, seen = Log(), list[int]()

    async def scenario() -> None:
        task = asyncio.create_task(_take(log, seen, pause=pause))
        for count, turns in steps:
            log.commit(count)
            await _quiet(turns)
        await _quiet(1500)
        await _finish(log, task)

    backlog, module.BACKLOG = module.BACKLOG, 20
    try:
        asyncio.run(scenario())
    finally:
        module.BACKLOG = backlog
    assert seen == log.positions()


def test_a_follower_sees_only_its_scope() -> None:
    """A contact gets public facts of their own conversations alone, from the store as live."""
    log, seen = Log(), list[int]()
    mine, other = conversation("c1"), conversation("c2", contact="p2")

    async def scenario() -> None:
        task = asyncio.create_task(_take(log, seen, Scope.of_contact("p1", "loop")))
        for _ in range(2):
            log.commit(1, mine, f.MessageSent("agent:ana", "hi"))
            log.commit(1, mine, f.NoteAdded("agent:ana", "for us"))
            log.commit(1, other, f.MessageSent("agent:ana", "hi"))
            await _quiet()
        await _finish(log, task)

    asyncio.run(scenario())
    assert seen == [1, 4]


def test_a_follower_that_leaves_is_forgotten() -> None:
    """Who stops following costs nothing any more."""
    log = Log()

    async def scenario() -> None:
        log.commit()
        following = log.hub.follow(EVERYTHING, 0, log.read)
        await anext(following)
        assert log.hub.followers == 1
        await following.aclose()  # type: ignore[attr-defined]
        assert log.hub.followers == 0

    asyncio.run(scenario())


def test_agents_streams_are_for_those_inside() -> None:
    """An agent's coming and going is shown to agents, not to contacts and not to a scope that reaches nothing."""
    live = Live(event("agent:ana", 1), None)
    assert visible(EVERYTHING, live)
    assert visible(Scope(inboxes=frozenset({"main"})), live)
    for scope in (Scope.of_contact("p1", "loop"), Scope.of_contact("", "loop"), Scope(inboxes=frozenset())):
        assert not visible(scope, live)


def test_following_a_desk_gives_its_log(desk: DeskKit) -> None:
    """Through the desk itself: the past, then what happens while following."""
    seen = list[int]()

    async def scenario() -> None:
        async def follow() -> None:
            async for page in desk.desk.follow(EVERYTHING, after=0):
                seen.extend(live.event.position for live in page)

        task = asyncio.create_task(follow())
        await _quiet(20)
        for number in range(5):
            await desk.desk.receive(inbound(f"peer{number}", f"m{number}"))
            await _quiet(3)
        desk.service.hub.close()
        await task

    desk.write("before")
    desk.run(scenario())
    assert seen == list(range(1, 13))


# --- what others commit


def test_a_hint_lets_everybody_read_on_from_the_store() -> None:
    """What another process has committed reaches who follows here; an old hint is no news."""

    async def scenario() -> None:
        log, seen = Log(), list[int]()
        follower = asyncio.create_task(_take(log, seen))
        log.commit()
        await _quiet()
        elsewhere = Log()
        elsewhere.commit(3)
        log.events = elsewhere.events
        log.hub.hint(3)
        await _quiet()
        assert seen == [1, 2, 3]
        reads = log.reads
        log.hub.hint(3)
        log.hub.hint(2)
        await _quiet()
        assert log.reads == reads
        follower.cancel()

    asyncio.run(scenario())


def test_a_gap_before_own_events_is_filled_from_the_store() -> None:
    """Events of others that lie before one's own are not skipped, though nobody has told of them."""

    async def scenario() -> None:
        log, seen = Log(), list[int]()
        follower = asyncio.create_task(_take(log, seen))
        log.commit()
        await _quiet()
        told, log.hub = log.hub, Hub()
        log.commit(2)  # another process
        log.hub = told
        log.commit()
        await _quiet()
        assert seen == [1, 2, 3, 4]
        follower.cancel()

    asyncio.run(scenario())
