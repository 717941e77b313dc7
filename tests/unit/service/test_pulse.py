"""What other processes commit is heard of: at once with a bus, a little later without, and never not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar, TypeVar

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.ground.errors import StoreError, Unavailable
from carekit.seams.bus import Bus
from carekit.seams.desk import Live
from carekit.seams.scope import EVERYTHING, Scope
from carekit.service import pulse as module
from carekit.service.hub import Hub
from carekit.service.pulse import Pulse
from carekit.testing.contracts.values import conversation, keep

T = TypeVar("T")


class Shared(MemoryStore):
    """Memory behind the manners of a store that several processes use."""

    inline: ClassVar[bool] = False
    shared: ClassVar[bool] = True


class Wire(Bus):
    """A bus within the test, which can be cut."""

    def __init__(self) -> None:
        super().__init__("wire", None)
        self.ears: list[Callable[[bytes], None]] = []
        self.published = 0
        self.cut: Exception | None = None
        self._down = asyncio.Event()

    async def publish(self, hint: bytes) -> None:
        if self.cut:
            raise self.cut
        self.published += 1
        for heard in self.ears:
            heard(hint)

    async def listen(self, heard: Callable[[bytes], None]) -> None:
        if self.cut:
            raise self.cut
        self.ears.append(heard)
        await self._down.wait()


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can afford."""
    monkeypatch.setattr(module, "AGAIN", 0.001)
    monkeypatch.setattr(module, "SOON", 0.0)


class Scene:
    """A pulse over a store that others write to, with somebody who follows its hub."""

    def __init__(self, bus: Wire | None = None) -> None:
        self.store, self.hub, self.looks = Shared(), Hub(), 0
        self.pulse = Pulse(self.store, self.hub, bus, self.read, self._look)
        self.broken = False
        self.seen: list[int] = []

    def _look(self) -> None:
        self.looks += 1

    async def read(self, look: Callable[[], T]) -> T:
        if self.broken:
            raise StoreError("away")
        return look()

    def write(self, *ids: str) -> None:
        """What another process commits."""
        keep(self.store, *(conversation(id) for id in ids))

    async def _feed(self, after: int, scope: Scope, limit: int) -> list[Live]:
        return [Live(event, None) for event in self.store.feed(after, limit, scope)]

    async def _follow(self) -> None:
        async for page in self.hub.follow(EVERYTHING, 0, self._feed):
            self.seen += [live.event.position for live in page]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.pulse.run()), asyncio.create_task(self._follow())]
        await asyncio.sleep(0.01)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.002)


def test_without_a_bus_the_store_is_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process committed reaches who follows here, and its jobs may be taken up."""
    monkeypatch.setattr(module, "SELDOM", 0.01)
    scene = Scene()

    async def scenario() -> None:
        async with scene.working():
            scene.write("c1")
            await until(lambda: scene.seen == [1])
        assert scene.looks
        assert scene.pulse.health() == []

    asyncio.run(scenario())


def test_a_hint_lets_it_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for the next look, which here would come in a minute."""
    monkeypatch.setattr(module, "SELDOM", 60.0)
    bus = Wire()
    scene = Scene(bus)

    async def scenario() -> None:
        async with scene.working():
            scene.write("c1")
            await bus.publish(b"committed")
            await until(lambda: scene.seen == [1])

    asyncio.run(scenario())


def test_what_this_process_commits_is_published() -> None:
    """Once for all that was committed meanwhile: nobody needs a hint for each."""
    bus = Wire()
    scene = Scene(bus)

    async def scenario() -> None:
        async with scene.working():
            for _ in range(50):
                scene.pulse.committed()
            await until(lambda: bus.published)
            await asyncio.sleep(0.01)
        assert bus.published == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("error", "said"), [(Unavailable("nobody at the door"), "nobody at the door"), (OSError("gone"), "OSError: gone")]
)
def test_a_bus_that_is_away_costs_time_and_no_event(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """The store is looked at instead, the health says so, and when the bus is back it is used again."""
    monkeypatch.setattr(module, "SELDOM", 0.01)
    bus = Wire()
    bus.cut = error
    scene = Scene(bus)

    async def scenario() -> None:
        async with scene.working():
            scene.pulse.committed()
            scene.write("c1", "c2")
            await until(lambda: scene.seen == [1, 2])
            [health] = scene.pulse.health()
            assert (health.name, health.state) == ("bus wire", "degraded")
            assert health.detail == f"{said}; hints are lost, and the store is looked at every 0 s instead"
            bus.cut = None
            await until(lambda: bus.ears)
            scene.pulse.committed()
            await until(lambda: bus.published)
            await until(lambda: scene.pulse.health() == [])

    asyncio.run(scenario())


def test_a_store_that_is_away_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed look ends nothing."""
    monkeypatch.setattr(module, "SELDOM", 0.01)
    scene = Scene()
    scene.broken = True

    async def scenario() -> None:
        async with scene.working():
            scene.write("c1")
            looks = scene.looks
            await until(lambda: scene.looks > looks + 2)
            assert scene.seen == []
            scene.broken = False
            await until(lambda: scene.seen == [1])

    asyncio.run(scenario())


def test_hints_in_a_row_are_not_looks_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks there is a rest, however busy the others are."""
    monkeypatch.setattr(module, "SOON", 60.0)
    bus = Wire()
    scene = Scene(bus)

    async def scenario() -> None:
        async with scene.working():
            for _ in range(30):
                await bus.publish(b"committed")
                await asyncio.sleep(0.001)
        assert scene.looks == 1

    asyncio.run(scenario())
