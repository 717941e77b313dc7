"""The contract of a bus, as tests. Subclass `BusContract` and override ``bus`` and ``other``::

class TestPigeons(BusContract):
    @pytest.fixture
    def bus(self, loft):
        return Pigeons("bus", PigeonSettings(loft))

    @pytest.fixture
    def other(self, loft):
        return Pigeons("bus", PigeonSettings(loft))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from carekit.seams.bus import Bus

PATIENCE = 10.0
"""Seconds in which a hint must get through."""
OFTEN = 0.05
"""Seconds between tries: a hint that is published before somebody listens may be lost."""


class BusContract:
    """All that a bus promises. ``bus`` and ``other`` are two ends of the same, as in two processes."""

    @pytest.fixture
    def bus(self) -> Bus:
        """The bus under test, made as the file would make it."""
        raise NotImplementedError("override the fixture 'bus' with the bus to test")

    @pytest.fixture
    def other(self) -> Bus:
        """The same as another process would make it."""
        raise NotImplementedError("override the fixture 'other' with a second end of the bus")

    def test_a_hint_reaches_everybody(self, bus: Bus, other: Bus) -> None:
        """Whoever listens hears it, the one that published it included, and as it was written."""

        async def scenario() -> None:
            async with _ear(bus) as mine, _ear(other) as theirs:
                await _until_heard(bus, b"\x00committed\xff", mine, theirs)
            assert set(mine) == set(theirs) == {b"\x00committed\xff"}

        _run(scenario(), bus, other)

    def test_hints_go_both_ways(self, bus: Bus, other: Bus) -> None:
        """No end is the only one that may publish."""

        async def scenario() -> None:
            async with _ear(bus) as mine, _ear(other) as theirs:
                await _until_heard(other, b"there", mine)
                await _until_heard(bus, b"back", theirs)

        _run(scenario(), bus, other)

    def test_the_longest_hint_gets_through(self, bus: Bus, other: Bus) -> None:
        """A hundred bytes of any value."""
        hint = bytes(range(100, 200))

        async def scenario() -> None:
            async with _ear(other) as theirs:
                await _until_heard(bus, hint, theirs)

        _run(scenario(), bus, other)

    def test_many_at_once_hold_nothing_up(self, bus: Bus, other: Bus) -> None:
        """A thousand hints in one breath are published; some of them may be lost."""

        async def scenario() -> None:
            async with _ear(other) as theirs:
                await _until_heard(bus, b"first", theirs)
                async with asyncio.timeout(PATIENCE):
                    await asyncio.gather(*(bus.publish(str(n).encode()) for n in range(1000)))
                await _until_heard(bus, b"last", theirs)

        _run(scenario(), bus, other)

    def test_listening_ends_when_it_is_cancelled(self, bus: Bus) -> None:
        """A service that stops does not wait for a hint, and a later one listens anew."""

        async def scenario() -> None:
            for _ in range(2):
                async with asyncio.timeout(PATIENCE), _ear(bus) as mine:
                    await _until_heard(bus, b"x", mine)

        _run(scenario(), bus)


def _run(scenario: Coroutine[Any, Any, None], *ends: Bus) -> None:
    async def run() -> None:
        try:
            await scenario
        finally:
            for end in ends:
                await end.finish()

    asyncio.run(run())


@asynccontextmanager
async def _ear(bus: Bus) -> AsyncIterator[list[bytes]]:
    """Listens in the background; what it has heard."""
    heard: list[bytes] = []
    task = asyncio.create_task(bus.listen(heard.append))
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until_heard(bus: Bus, hint: bytes, *ears: list[bytes]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not all(hint in heard for heard in ears):
            await bus.publish(hint)
            await asyncio.sleep(OFTEN)
