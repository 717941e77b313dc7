"""Hears what other processes have committed to the same store, and tells them what this one has.

Without a bus, and when the bus is away, it looks at the store once in a while: that costs time, never an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from carekit.ground.errors import CarekitError
from carekit.seams.bus import Bus
from carekit.seams.component import Health
from carekit.seams.store import Store
from carekit.service.hub import Hub
from carekit.service.reading import Read

log = logging.getLogger("carekit.pulse")

SELDOM = 1.0
"""Seconds between looks at the store when nobody says that there is something new."""
SOON = 0.02
"""Seconds of rest between looks, however many hints there are."""
AGAIN = 2.0
"""Seconds until a bus that was lost is listened to again."""


class Pulse:
    """``look`` is called whenever there may be jobs of others to take up."""

    def __init__(self, store: Store, hub: Hub, bus: Bus | None, read: Read, look: Callable[[], None]) -> None:
        self._store = store
        self._hub = hub
        self._bus = bus
        self._read = read
        self._look = look
        self._news = asyncio.Event()
        self._own = asyncio.Event()
        self._trouble = ""

    def committed(self) -> None:
        """This process has committed something: tell the others soon."""
        self._own.set()

    def health(self) -> list[Health]:
        """Whether the bus can be reached, if there is one."""
        if self._bus is None or not self._trouble:
            return []
        detail = f"{self._trouble}; hints are lost, and the store is looked at every {SELDOM:.0f} s instead"
        return [Health(f"bus {self._bus.name}", "degraded", detail)]

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            if self._bus is not None:
                tasks.create_task(self._listen(self._bus))
                tasks.create_task(self._tell(self._bus))

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SELDOM):
                    await self._news.wait()
            self._news.clear()
            self._look()
            if self._hub.followers:
                await self._hint()
            await asyncio.sleep(SOON)

    async def _hint(self) -> None:
        try:
            self._hub.hint(await self._read(self._store.last_position))
        except CarekitError as error:
            log.warning("cannot look for what others have committed: %s", error)

    async def _listen(self, bus: Bus) -> None:
        while True:
            try:
                await bus.listen(lambda hint: self._news.set())
                self._lost("it ended by itself")
            except Exception as error:  # noqa: BLE001 - a bus is a stranger's code, and one that is away is no reason to stop
                self._lost(error)
            await asyncio.sleep(AGAIN)
            self._own.set()  # what gets through shows that the bus is back

    def _lost(self, error: Exception | str) -> None:
        explained = isinstance(error, CarekitError | str)
        trouble = str(error) if explained else f"{type(error).__name__}: {error}"
        if trouble != self._trouble:
            log.warning("the bus is away: %s", trouble)
        self._trouble = trouble

    async def _tell(self, bus: Bus) -> None:
        """One hint for all that was committed while the last one was on its way."""
        while True:
            await self._own.wait()
            self._own.clear()
            try:
                await bus.publish(b"committed")
                self._trouble = ""
            except Exception as error:  # noqa: BLE001 - likewise; the others will look by themselves
                self._lost(error)
                await asyncio.sleep(AGAIN)
