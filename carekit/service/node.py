"""This process among others on the same store: alive for as long as it says so in time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError
from carekit.seams.store import Store
from carekit.service.reading import Read

log = logging.getLogger("carekit.node")

LEASE = timedelta(seconds=30)
"""How long a node counts as alive after it last said so."""
BEAT = 8.0
"""Seconds between saying so."""

_ALWAYS = datetime.max.replace(tzinfo=UTC)


class Node:
    """A number under which jobs and claims belong to this process.

    A process that was stopped for longer than its lease finds out before it does anything more: its number is void,
    what it had is dropped (``lost`` is called), and it goes on under a new one.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        read: Read,
        *,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._read = read
        self.lost = lost
        self.doubted: Callable[[], None] = lambda: None
        """Called when it gives up its number although it is alive; see `doubt`."""
        self._number = 0
        self._until = _ALWAYS
        self._latest = 0.0
        self._hurry = asyncio.Event()

    @property
    def number(self) -> int:
        """Its number, 0 while it has none or may have lost it."""
        return self._number if self._number and self.alive else 0

    @property
    def alive(self) -> bool:
        """Whether what it has is surely still its own, by both clocks: the one on the wall may have been set."""
        if self._store.inline:
            return True
        return self._clock.now() < self._until and time.monotonic() < self._latest

    def begin_alone(self) -> None:
        """Take a number for good, on a store that no other process can reach."""
        self._number = self._store.join(self._clock.now(), _ALWAYS)

    async def beat(self) -> None:
        """Say that it is alive; begin anew under another number if it was silent for too long."""
        if self._store.inline:
            return
        now, latest = self._clock.now(), time.monotonic() + LEASE.total_seconds()
        until, number = now + LEASE, self._number
        if number and not await self._read(lambda: self._store.beat(number, now, until)):
            log.warning("this process was silent for too long; what it was doing is another's now")
            self._number = number = 0
            self.lost()
        if not number:
            self._number = await self._read(lambda: self._store.join(now, until))
        self._until, self._latest = until, latest

    def doubt(self) -> None:
        """Jobs may be kept under its number of which it has not heard: take another, and let that one run out.

        Whoever looks then takes them up. What runs has the rest of the lease to end; what waits is dropped.
        """
        if self._number and not self._store.inline:
            log.warning("a commit may have been kept or not; what it led to is taken up within %s", LEASE)
            self._number = 0
            self.doubted()
            self._hurry.set()

    async def leave(self) -> None:
        """Let go of everything at once, so that others need not wait."""
        number, self._number = self._number, 0
        if number:
            await self._read(lambda: self._store.leave(number))

    async def run(self, each: Callable[[], None] = lambda: None) -> None:
        """Beat until cancelled; *each* is called with every beat."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                await self.beat()
            except CarekitError as error:
                log.warning("cannot say that this process is alive: %s", error)
            each()
