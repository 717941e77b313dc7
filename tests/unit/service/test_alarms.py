"""Timers and the queue, looked at in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.builtin.policies.route import Route
from carekit.facts import actions as a
from carekit.facts.events import AgentAdded, PresenceChanged, TimerFired
from carekit.facts.nouns import Presence, Status
from carekit.ground.errors import StoreError, Unavailable
from carekit.service import alarms as module
from carekit.service.alarms import Alarms
from carekit.service.node import Node
from carekit.service.outbox.errands import Errands
from carekit.service.outbox.outbox import Outbox
from carekit.service.pipeline.commands import Command, Staff, Wake
from carekit.testing import DeskKit, FrozenClock
from carekit.testing.contracts.hosting import LOOP, host, staff
from carekit.testing.contracts.values import conversation, keep, minute

T = TypeVar("T")


def test_a_snooze_ends_at_its_instant(desk: DeskKit) -> None:
    """The conversation wakes at the very instant, not when somebody looks."""
    desk.write("hello")
    desk.act(a.Snooze(minute(30)), "agent:ana")
    desk.advance("29m")
    assert desk.conversation().status is Status.SNOOZED
    desk.clock.advance("5h")
    desk.settle()
    assert desk.conversation().status is Status.OPEN
    (fired,) = desk.events(TimerFired)
    assert fired.at == minute(30)


def _alarms(store: MemoryStore, clock: FrozenClock, submit: Any) -> Alarms:
    async def sweep() -> None:
        return None

    async def read(look: Callable[[], T]) -> T:
        return look()

    node, errands = Node(store, clock, read), cast(Errands, SimpleNamespace(width=lambda destination: 1))
    outbox = Outbox(errands, node, post=lambda command, told: None, load=cast(Any, None))
    return Alarms(store, clock, submit=submit, outbox=outbox, node=node, sweep=sweep)


def test_a_timer_that_cannot_fire_does_not_spin() -> None:
    """When waking one conversation fails the others wake, and the look ends."""
    store, clock, woken = MemoryStore(), FrozenClock(), list[str]()
    keep(store, *(conversation(f"c{number}", timers={"t": minute(0)}) for number in range(3)))

    async def submit(command: Command) -> None:
        assert isinstance(command, Wake)
        woken.append(command.conversation)
        if command.conversation == "c1":
            raise StoreError("no")

    assert asyncio.run(_alarms(store, clock, submit).look()) == 3
    assert sorted(woken) == ["c0", "c1", "c2"]


def test_the_next_look_is_when_the_next_timer_is_due() -> None:
    """A timer set earlier than the one waited for ends the sleep; a later one does not."""
    store, clock, looks = MemoryStore(), FrozenClock(), list[int]()

    async def submit(command: Command) -> None:
        raise AssertionError("nothing is due")

    alarms = _alarms(store, clock, submit)

    async def scenario() -> None:
        plain = alarms.look

        async def look() -> int:
            looks.append(1)
            return await plain()

        alarms.look = look  # type: ignore[method-assign]
        task = asyncio.create_task(alarms.run())
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(looks) == 1
        alarms.set(clock.now())
        for _ in range(50):
            await asyncio.sleep(0.001)
            if len(looks) > 1:
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    assert len(looks) > 1


@pytest.mark.parametrize("error", [Unavailable("the database is away"), OSError("a fault of the store")])
@pytest.mark.parametrize("where", ["due", "submit"])
def test_a_store_that_fails_gets_a_rest_and_then_another_look(
    monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    """While the store fails with a timer due it is not asked in a circle; the next look finds the timer again."""
    monkeypatch.setattr(module, "REST", 60.0)
    store, clock, tried, fired = MemoryStore(), FrozenClock(), list[str](), list[str]()
    keep(store, conversation("c1", timers={"t": minute(0)}))
    plain = store.due

    def fail(place: str) -> None:
        if place == where and not tried:
            tried.append(place)
            raise error

    def due(now: datetime, limit: int) -> list[str]:
        fail("due")
        return [id for id in plain(now, limit) if id not in fired]

    async def submit(command: Command) -> None:
        fail("submit")
        assert isinstance(command, Wake)
        fired.append(command.conversation)

    monkeypatch.setattr(store, "due", due)

    async def scenario() -> None:
        alarms = _alarms(store, clock, submit)
        alarms.set(clock.now())
        task = asyncio.create_task(alarms.run())
        for _ in range(100):
            await asyncio.sleep(0)
        assert (tried, fired) == ([where], [])
        alarms.set(minute(-1))  # as if the rest were over
        for _ in range(100):
            await asyncio.sleep(0)
        assert fired == ["c1"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


def test_a_long_queue_for_absent_people_holds_up_nobody() -> None:
    """Sixty who wait for an inbox without anybody in it do not keep others from those who are there."""
    sales = '[channels.sales]\nuse = "loopback"\n'
    with host(Route("route", None), more=LOOP + sales) as kit:
        for number in range(60):
            kit.write("hello", channel="sales", sender=f"peer{number}", settle=False)
        last = kit.write("hello", sender="late").conversation
        added = AgentAdded("ana", "Ana", "ana@desk.example", inboxes=("loop",))
        kit.run(kit.service.submit(Staff("ana", added, "service")))
        kit.run(kit.service.submit(Staff("ana", PresenceChanged(Presence.AVAILABLE), "agent:ana")))
        kit.settle()
        assert kit.conversation(last).assignee == "ana"


def test_a_queue_is_drained_as_far_as_capacity_goes() -> None:
    """When an agent comes with room for three, the first three of five are assigned."""
    with host(Route("route", None)) as kit:
        ids = [kit.write("hello", sender=f"peer{number}").conversation for number in range(5)]
        staff(kit, "ana", 3)
        assert [kit.conversation(id).assignee for id in ids] == ["ana", "ana", "ana", "", ""]


def test_a_lane_that_somebody_left_is_emptied_without_pauses(desk: DeskKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store gives the first job of a lane only; the next one is fetched as soon as that is done."""
    desk.write("hello")
    monkeypatch.setattr(desk.service.pipeline, "_node", lambda: 0)  # as if another process had written them, and died
    for number in range(5):
        desk.act(a.Send(f"answer {number}"), "agent:ana", settle=False)
    assert desk.sent == []

    async def scenario() -> None:
        task = asyncio.create_task(desk.service.alarms.run())
        for _ in range(200):  # for less than the pause between two looks
            if len(desk.sent) == 5:
                break
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    desk.run(scenario())
    assert desk.sent == [f"answer {number}" for number in range(5)]
