"""Wake conversations whose timers are due, and take up jobs whose time has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError, InDoubt
from carekit.seams.store import Store
from carekit.service.node import Node
from carekit.service.outbox.outbox import Outbox
from carekit.service.pipeline.commands import Command, Wake

log = logging.getLogger("carekit.alarms")

PATIENCE = 5.0
"""Seconds between looks at the store when nothing else is known: other processes set timers too."""
REST = 1.0
"""Seconds of rest after a look that failed, although something is due: the store must get time to recover."""
BATCH = 200

T = TypeVar("T")


class Alarms:
    """Looks at the store when the next timer is due, and now and then anyway."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        submit: Callable[[Command], Awaitable[object]],
        outbox: Outbox,
        node: Node,
        sweep: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._submit = submit
        self._outbox = outbox
        self._node = node
        self._sweep = sweep
        self._next: datetime | None = None
        self._earlier = asyncio.Event()
        self._failed = False
        outbox.more = self.hasten

    def set(self, at: datetime) -> None:
        """A timer is due at *at*: do not sleep longer than that."""
        if self._next is None or at < self._next:
            self._next = at
            self._earlier.set()

    def hasten(self) -> None:
        """There may be jobs that others have left: look now."""
        self._earlier.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._earlier.clear()  # before the look: what is told while it lasts may have come too late for it
            try:
                await self.look()
                await self._sweep()
            except Exception as error:  # noqa: BLE001 - whatever a store raises, timers must go on when it is well again
                self._failed = True
                text = str(error) if isinstance(error, CarekitError) else f"{type(error).__name__}: {error}"
                log.warning("cannot look for what is due: %s", text)
            await self._sleep()

    async def look(self) -> int:
        """Wake what is due and take up jobs; how many of both."""
        now = self._clock.now()
        done = 0
        while due := await self._in_thread(lambda: self._store.due(now, BATCH)):
            results = await asyncio.gather(*(self._submit(Wake(id)) for id in due), return_exceptions=True)
            done += len(due)
            failed = [(id, e) for id, e in zip(due, results, strict=True) if isinstance(e, Exception)]
            for id, error in failed:
                log.warning("the timers of %s could not fire, and are tried again: %s", id, error)
            if failed:
                self._failed = True
                break  # they are still due: looking again at once would never end
        leased = await self._lease(now)
        self._next = await self._in_thread(lambda: self._store.next_due(now))
        return done + leased

    async def _lease(self, now: datetime) -> int:
        """Take up jobs that belong to nobody, as many as there is room for; how many."""
        node, skip = self._node.number, self._outbox.blocked(now)
        if not node or not self._outbox.room:
            return 0
        try:
            jobs = await self._in_thread(lambda: self._store.lease(node, now, BATCH, skip))
        except InDoubt:
            self._node.doubt()
            raise
        self._outbox.take(*jobs)
        return len(jobs)

    async def _sleep(self) -> None:
        least, self._failed = (REST if self._failed else 0.0), False
        seconds = PATIENCE
        if self._next is not None:
            seconds = min(seconds, max(least, (self._next - self._clock.now()).total_seconds()))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._earlier.wait()

    async def _in_thread(self, look: Callable[[], T]) -> T:
        if self._store.inline:
            return look()
        return await asyncio.to_thread(look)
