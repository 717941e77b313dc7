"""Group commit: everyone gets the own answer, what arrives together is written together, and one fault stays alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import ClassVar

import attrs
import pytest

from carekit.builtin.memory import MemoryStore
from carekit.facts.actions import AddNote
from carekit.facts.events import Event, MessageReceived
from carekit.ground.errors import InDoubt, Refused, StoreError, Unavailable
from carekit.ground.ids import SequentialIds
from carekit.rules.turn import Rulebook
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Batch
from carekit.service import writer as module
from carekit.service.pipeline.commands import Act, Command, Receive
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept
from carekit.service.writer import Writer
from carekit.testing import FrozenClock
from carekit.testing.contracts.values import inbound


class Blocking(MemoryStore):
    """Memory behind the manners of a store that blocks: it runs in a thread, and can be held up."""

    inline: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[int] = []

    def _place(self, batch: Batch) -> None:
        assert threading.current_thread() is not threading.main_thread(), "a blocking store must not block the loop"
        assert self.gate.wait(20)
        for event in batch.events:
            self._bear(event)
        self.batches.append(len(batch.events))
        super()._place(batch)

    def _bear(self, event: Event) -> None:
        if isinstance(event.fact, MessageReceived):
            event.fact.text.encode()  # as a store that writes bytes must
            if "poison" in event.fact.text:
                raise StoreError("the database cannot keep this")
            if "bug" in event.fact.text:
                raise RuntimeError("a fault of the store")


@attrs.define
class Scene:
    store: Blocking
    writer: Writer
    committed: list[Kept]


def _scene() -> Scene:
    store = Blocking()
    pipeline = Pipeline(store, Rulebook.of([], ["loop"]), FrozenClock(), SequentialIds())
    committed: list[Kept] = []
    return Scene(store, Writer(pipeline, committed.extend, inline=False), committed)


def _message(number: int, text: str = "hello") -> Receive:
    return Receive.of(inbound(f"peer{number}", f"m{number}", text))


async def _all(scene: Scene, commands: Sequence[Command]) -> list[Kept | BaseException]:
    results = await asyncio.gather(*(scene.writer.submit(command) for command in commands), return_exceptions=True)
    await scene.writer.close()
    return list(results)


def test_what_waits_is_written_together() -> None:
    """While one transaction is being written all that arrives shares the next one, and everyone gets the own answer."""
    scene = _scene()

    async def scenario() -> list[Kept | BaseException]:
        scene.store.gate.clear()
        first = asyncio.ensure_future(scene.writer.submit(_message(0)))
        await asyncio.sleep(0)
        rest = [asyncio.ensure_future(scene.writer.submit(_message(number))) for number in range(1, 30)]
        await asyncio.sleep(0)
        scene.store.gate.set()
        results = await asyncio.gather(first, *rest)
        await scene.writer.close()
        return list(results)

    results = asyncio.run(scenario())
    assert scene.store.batches in ([2, 58], [60])
    kept = [result for result in results if isinstance(result, Kept)]
    senders = [e.fact.sender for r in kept for e in r.events if isinstance(e.fact, MessageReceived)]
    assert senders == [f"loopback:peer{number}" for number in range(30)]
    assert scene.committed == kept


@pytest.mark.parametrize(("text", "error"), [("\ud800", Refused), ("poison", StoreError), ("bug", Unavailable)])
def test_one_fault_stays_alone(text: str, error: type[Exception]) -> None:
    """A message the store cannot write fails for its own asker; all others of the batch are kept, in order."""
    scene = _scene()
    commands = [_message(number, text if number == 7 else "hello") for number in range(20)]
    results = asyncio.run(_all(scene, commands))
    assert [number for number, result in enumerate(results) if isinstance(result, Exception)] == [7]
    assert type(results[7]) is error
    texts = [e.fact.sender for e in scene.store.feed(0, 999, EVERYTHING) if isinstance(e.fact, MessageReceived)]
    assert texts == [f"loopback:peer{number}" for number in range(20) if number != 7]


def test_a_refusal_reaches_its_asker_only() -> None:
    """A command that the rules refuse raises for its asker."""
    scene = _scene()
    results = asyncio.run(_all(scene, [_message(1), Act("nowhere", AddNote("x"), "agent:ana"), _message(2)]))
    assert [type(result).__name__ for result in results] == ["Kept", "NotFound", "Kept"]
    assert len(scene.committed) == 2


def test_too_much_waiting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit an asker is told at once to come back, and what waits is written all the same."""
    monkeypatch.setattr(module, "WAITING", 5)
    scene = _scene()
    scene.store.gate.clear()

    async def scenario() -> list[Kept | BaseException]:
        tasks = [asyncio.ensure_future(scene.writer.submit(_message(number))) for number in range(12)]
        await asyncio.sleep(0)
        scene.store.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await scene.writer.close()
        return list(results)

    results = asyncio.run(scenario())
    told = [result for result in results if isinstance(result, Unavailable)]
    assert 0 < len(told) < 12
    assert sum(isinstance(result, Kept) for result in results) == 12 - len(told)


def test_a_queue_that_stands_still_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """While something has waited for too long, an asker is told to come back; what happened is noted all the same."""
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    scene = _scene()
    scene.store.gate.clear()

    async def scenario() -> list[Kept | BaseException]:
        first = asyncio.ensure_future(scene.writer.submit(_message(0)))
        await asyncio.sleep(0.01)  # it is being written now
        second = asyncio.ensure_future(scene.writer.submit(_message(1)))
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable, match="try again"):
            await scene.writer.submit(_message(2))
        noted: asyncio.Future[Kept | Exception] = asyncio.get_running_loop().create_future()
        scene.writer.post(_message(3), noted.set_result)
        scene.store.gate.set()
        results = [await first, await second, await noted]
        results.append(await scene.writer.submit(_message(4)))
        await scene.writer.close()
        return list(results)

    results = asyncio.run(scenario())
    assert [type(result).__name__ for result in results] == ["Kept"] * 4


def test_an_asker_who_left_does_not_hold_up_the_others() -> None:
    """A cancelled asker's command may be kept; everyone else gets an answer."""
    scene = _scene()
    scene.store.gate.clear()

    async def scenario() -> list[Kept | BaseException]:
        tasks = [asyncio.ensure_future(scene.writer.submit(_message(number))) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        scene.store.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await scene.writer.close()
        return list(results)

    results = asyncio.run(scenario())
    assert [type(result).__name__ for result in results] == ["Kept", "CancelledError", "Kept"]


def test_a_store_that_never_blocks_is_written_at_once() -> None:
    """An inline store needs neither thread nor waiting."""
    store, committed = MemoryStore(), list[Kept]()
    pipeline = Pipeline(store, Rulebook.of([], ["loop"]), FrozenClock(), SequentialIds())
    writer = Writer(pipeline, committed.extend, inline=True)

    async def scenario() -> None:
        await writer.submit(_message(1))
        assert store.last_position() == 2
        await writer.close()

    asyncio.run(scenario())
    assert len(committed) == 1


def test_a_listener_that_fails_does_not_stop_the_writing() -> None:
    """What comes after a listener's failure is written and answered all the same."""
    store = MemoryStore()
    pipeline = Pipeline(store, Rulebook.of([], ["loop"]), FrozenClock(), SequentialIds())

    def fail(_: list[Kept]) -> None:
        raise RuntimeError("nobody told me")

    writer = Writer(pipeline, fail, inline=True)

    async def two() -> list[Kept]:
        return [await writer.submit(_message(number)) for number in range(2)]

    assert len({kept.stream for kept in asyncio.run(two())}) == 2


def test_an_asker_who_cannot_hear_leaves_nobody_waiting() -> None:
    """The others of the batch get their answers, and whoever follows is told."""
    scene = _scene()

    def fail(result: Kept | Exception) -> None:
        raise RuntimeError("I cannot hear")

    async def scenario() -> list[Kept | BaseException]:
        scene.writer.post(_message(0), fail)
        return await _all(scene, [_message(1), _message(2)])

    assert [type(result).__name__ for result in asyncio.run(scenario())] == ["Kept", "Kept"]
    assert len(scene.committed) == 3


def test_a_commit_in_doubt_is_told_to_whoever_must_know() -> None:
    """Its askers hear that it may be kept; a store that is merely away is no doubt."""
    store, doubts = MemoryStore(), list[str]()
    pipeline = Pipeline(store, Rulebook.of([], ["loop"]), FrozenClock(), SequentialIds())
    writer = Writer(pipeline, lambda kept: None, inline=True, doubted=lambda: doubts.append("doubt"))
    errors = [InDoubt("it broke off"), Unavailable("it is away")]

    def fail(commands: Sequence[Command]) -> list[Kept | Exception]:
        raise errors.pop()

    pipeline.handle = fail  # type: ignore[method-assign]

    async def ask() -> None:
        await writer.submit(_message(1))

    with pytest.raises(Unavailable, match="away"):
        asyncio.run(ask())
    assert doubts == []
    with pytest.raises(InDoubt):
        asyncio.run(ask())
    assert doubts == ["doubt"]
