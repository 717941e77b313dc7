"""Readers of the log: each event once, whoever reads, and whatever falls between a row and its cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.facts.events import Event
from carekit.ground.errors import StoreError
from carekit.seams.store import Store
from carekit.service.pipeline.commands import Command, KeepView
from carekit.service.views import readers as module
from carekit.service.views.readers import CURSORS, Step, Views
from carekit.testing.contracts.values import conversation, keep, persist, pipeline

T = TypeVar("T")


class Counting:
    """Counts the events of each stream."""

    name = "counting"

    def step(self, events: Sequence[Event], store: Store) -> Step:
        streams = {event.stream for event in events}
        rows = {id: int(text) for id, text in store.rows(self.name, streams).items()}
        for event in events:
            rows[event.stream] = rows.get(event.stream, 0) + 1
        return Step({(self.name, id): str(number) for id, number in rows.items()})


class Scene:
    """Two processes over one store."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.line = pipeline(self.store)
        self.before_submit: Callable[[], None] = lambda: None
        self.one, self.two = (Views(self.store, self._read, self._submit) for _ in range(2))

    async def _read(self, look: Callable[[], T]) -> T:
        return look()

    async def _submit(self, command: Command) -> object:
        hook, self.before_submit = self.before_submit, lambda: None
        hook()
        return persist(self.line, command, patience=1)[0]

    def write(self, *ids: str) -> None:
        keep(self.store, *(conversation(id) for id in ids))

    def counted(self) -> dict[str, str]:
        return dict(self.store.view("counting", "", "~"))


def test_each_event_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps of any size, and later ones from where the last reading ended."""
    monkeypatch.setattr(module, "PAGE", 2)
    scene = Scene()
    scene.write("c1", "c2", "c3", "c4", "c5")
    assert asyncio.run(scene.one.catch_up(Counting())) == 5
    scene.write("c6")
    assert asyncio.run(scene.one.catch_up(Counting())) == 1
    assert asyncio.run(scene.one.catch_up(Counting())) == 0
    assert scene.counted() == {f"c{n}": "1" for n in range(1, 7)}


def test_another_process_reads_on_where_this_one_was() -> None:
    """The cursor lies in the store, beside the rows."""
    scene = Scene()
    scene.write("c1")
    asyncio.run(scene.one.catch_up(Counting()))
    scene.write("c2")
    assert asyncio.run(scene.two.catch_up(Counting())) == 1
    assert scene.counted() == {"c1": "1", "c2": "1"}


def test_two_that_read_at_once_count_nothing_twice() -> None:
    """Whoever commits second is refused, and goes on behind what the other has read."""
    scene = Scene()
    scene.write("c1", "c2")

    def overtake() -> None:
        events = scene.store.feed(0, 10, module.EVERYTHING)
        step = Counting().step(events, scene.store)
        persist(scene.line, KeepView((CURSORS, "counting"), "", str(events[-1].position), step.rows, ()), patience=1)

    scene.before_submit = overtake
    asyncio.run(scene.one.catch_up(Counting()))
    assert scene.counted() == {"c1": "1", "c2": "1"}


def test_a_reader_that_lost_its_place_finds_it_again() -> None:
    """A process that another one has overtaken reads on from the other's cursor."""
    scene = Scene()
    scene.write("c1")
    asyncio.run(scene.one.catch_up(Counting()))
    scene.write("c2")
    asyncio.run(scene.two.catch_up(Counting()))
    scene.write("c3")
    asyncio.run(scene.one.catch_up(Counting()))
    assert scene.counted() == {"c1": "1", "c2": "1", "c3": "1"}


def test_a_step_that_fails_is_taken_again() -> None:
    """Rows and cursor move together or not at all."""
    scene = Scene()
    scene.write("c1")

    def fail() -> None:
        raise StoreError("the disk is full")

    scene.before_submit = fail
    with pytest.raises(StoreError):
        asyncio.run(scene.one.catch_up(Counting()))
    assert scene.counted() == {}
    asyncio.run(scene.one.catch_up(Counting()))
    assert scene.counted() == {"c1": "1"}


def test_a_reader_of_another_name_begins_anew() -> None:
    """So a view whose meaning has changed is made again from the whole log."""

    class Renamed(Counting):
        name = "counting-2"

    scene = Scene()
    scene.write("c1")
    asyncio.run(scene.one.catch_up(Counting()))
    assert asyncio.run(scene.one.catch_up(Renamed())) == 1
    assert dict(scene.store.view("counting-2", "", "~")) == {"c1": "1"}
