"""Runs jobs: a handful of workers share the lanes that have work.

A job that this process has just written comes here directly with all it needs to know; jobs whose time comes later, or
whose node died, are leased from the store. Whatever a bot or a channel does ends as a command; nothing is lost by a
crash, because a job stays in the store until its outcome is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from carekit.ground.errors import CarekitError, StoreError
from carekit.seams.component import Health
from carekit.seams.store import Job
from carekit.service.node import Node
from carekit.service.outbox.errands import Done, Errands, found_in, given_up
from carekit.service.outbox.lanes import Found, Lane, Lanes
from carekit.service.pipeline.commands import Command, Sent
from carekit.service.pipeline.world import Kept
from carekit.service.writer import Told

log = logging.getLogger("carekit.outbox")

ROOM = 10_000
"""Jobs that may wait here; beyond that new ones are left to whoever has room."""
NOTE_AGAIN = 0.5
"""Seconds until an outcome that the store could not take is offered to it again."""
GRACE = 10.0
"""Seconds beyond its time after which a job's code is left to itself."""

Load = Callable[[Job], Awaitable[Found | None]]
Look = Callable[[Job], Found | None]


class _Worker:
    """A task that does one job after another, and what it is at."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.lane: Lane | None = None
        self.since = 0.0
        self.lost = False


class Outbox:
    """Runs jobs. ``post`` takes the commands that tell what became of them.

    ``load`` reads what a job needs; ``look`` does the same from a store that never blocks.
    """

    def __init__(
        self,
        errands: Errands,
        node: Node,
        *,
        post: Callable[[Command, Told], None],
        load: Load,
        look: Look | None = None,
    ) -> None:
        self.errands = errands
        self._node = node
        self._post = post
        self._load = load
        self._look = look
        self._lanes = Lanes(errands.width)
        self._workers: set[_Worker] = set()
        self._lost: set[_Worker] = set()
        self._resting: list[asyncio.Future[None]] = []
        self._coming: asyncio.AbstractEventLoop | None = None
        """Where a worker has been woken that has not looked yet."""
        self._idle: list[asyncio.Future[None]] = []
        self._stopping = False
        self.more: Callable[[], None] = lambda: None
        """Called when the store may have more jobs that nobody does."""
        errands.waits = self._wake

    # --- what it has

    @property
    def busy(self) -> int:
        """Lanes that run or wait."""
        return len(self._lanes)

    @property
    def room(self) -> bool:
        """Whether new jobs may come here."""
        return not self._stopping and self._lanes.jobs < ROOM

    def blocked(self, now: datetime) -> list[str]:
        """Destinations for which no job should be fetched now."""
        return [one.name for one in self._lanes.destinations if one.waiting or one.breaker.blocks(now)]

    def health(self) -> list[Health]:
        """The destinations that are left alone for a while, and what does not end."""
        found = []
        for destination in self._lanes.destinations:
            if not destination.breaker.closed:
                text = f"failed {destination.breaker.failures} times in a row; it is left alone for a while, then tried"
                found.append(Health(destination.name, "degraded", text))
        if self._lost:
            found.append(
                Health("outbox", "degraded", f"{len(self._lost)} job(s) do not end although they were told to")
            )
        return found

    # --- what comes

    def take_kept(self, kept: Kept) -> None:
        """Run the jobs that a command has just led to, as far as they are this node's."""
        if self._stopping:
            return
        conversation = kept.conversation
        for job in kept.jobs:
            if job.token:
                found = found_in(job, conversation, kept.person, kept.events) if conversation is not None else None
                self._lanes.add(job, found)
        self._wake()

    def take(self, *jobs: Job) -> None:
        """Run *jobs* that were leased from the store."""
        if self._stopping:
            return
        for job in jobs:
            self._lanes.add(job, None).leased = True
        self._wake()

    def drop(self) -> None:
        """Forget every job: they are another node's by now."""
        self._lanes.clear()
        self._tell_idle()

    def drop_waiting(self) -> None:
        """Forget every job that does not run."""
        self._lanes.drop_waiting()
        if not len(self._lanes):
            self._tell_idle()

    async def idle(self) -> None:
        """Wait until no lane has work."""
        while len(self._lanes):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(done)
            await done

    async def stop(self, patience: float) -> None:
        """Begin nothing new; give what runs *patience* seconds, then cancel it (another node will take it up)."""
        self._stopping = True
        self.drop_waiting()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.idle()
        tasks = [worker.task for worker in (*self._workers, *self._lost) if worker.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:  # one that will not be cancelled must not hold up the end
            await asyncio.wait(tasks, timeout=patience)

    def watch(self) -> None:
        """Let go of workers whose job does not end although its time was up long ago."""
        now = asyncio.get_running_loop().time()
        for worker in list(self._workers):
            lane = worker.lane
            if lane is None or not lane.jobs:
                continue
            job, found = lane.jobs[0]
            patience = self.errands.patience(job)
            if now - worker.since < patience + GRACE:
                continue
            log.error("a job for %s does not end, and is left to itself", lane.destination.name)
            worker.lost = True
            self._workers.discard(worker)
            self._lost.add(worker)
            outcome = given_up(job, found, patience)
            self._post(outcome, partial(self._noted, lane, job, outcome))

    # --- workers

    def _wake(self) -> None:
        """Have somebody look at the lanes that are ready: a worker that rests in the running loop, else a new one.

        One does for many lanes, as long as no job of theirs waits for something; when one does, another is woken.
        """
        if not self._lanes.ready:
            return
        loop = asyncio.get_running_loop()
        if self._coming is loop:
            return
        for index in range(len(self._resting) - 1, -1, -1):
            resting = self._resting[index]
            if resting.get_loop() is loop:
                del self._resting[index]
                if not resting.done():
                    resting.set_result(None)
                    self._coming = loop
                    return
        if len(self._workers) < sum(destination.width for destination in self._lanes.destinations):
            worker = _Worker()
            worker.task = loop.create_task(self._work(worker), name="outbox")
            self._workers.add(worker)
            self._coming = loop
            worker.task.add_done_callback(lambda _: self._gone(worker))

    def _gone(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        self._lost.discard(worker)

    async def _work(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._coming = None
            while (lane := self._lanes.begin()) is not None:
                worker.lane, worker.since = lane, loop.time()
                try:
                    await self._run(worker, lane)
                finally:
                    worker.lane = None
                    self._lanes.end(lane.destination)
                if worker.lost:
                    return
            rest: asyncio.Future[None] = loop.create_future()
            self._resting.append(rest)
            await rest

    async def _run(self, worker: _Worker, lane: Lane) -> None:
        """Do the first job of a lane. The lane goes on when the outcome is durable; the worker goes on at once."""
        job, found = lane.jobs[0]
        if not self._node.alive:  # another node may have it by now
            self._forget(lane)
            return
        try:
            if found is None:
                found = await self._fetch(job) if self._look is None else self._look(job)
                if not lane.jobs:
                    return  # dropped meanwhile
                lane.jobs[0] = (job, found)
            outcome = await self.errands.run(job, found, lane.destination.breaker)
        except CarekitError as error:
            self._put_off(lane, job, error)
        except BaseException:
            self._forget(lane)
            raise
        else:
            if not worker.lost:
                self._post(outcome, partial(self._noted, lane, job, outcome))

    async def _fetch(self, job: Job) -> Found | None:
        self._wake()  # others may go on meanwhile
        return await self._load(job)

    def _put_off(self, lane: Lane, job: Job, error: CarekitError) -> None:
        """The job could not even begin: for want of the store it is tried again; else it is not ours any more."""
        log.warning("a job of %s is put off: %s", lane.name, error)
        if isinstance(error, StoreError) and not self._stopping:
            asyncio.get_running_loop().call_later(NOTE_AGAIN, self._again, lane)
        else:
            self._forget(lane)

    def _again(self, lane: Lane) -> None:
        if lane.jobs and not self._stopping:
            self._lanes.again(lane)
            self._wake()

    def _noted(self, lane: Lane, job: Job, outcome: Done, result: Kept | Exception) -> None:
        """A job's outcome is durable, or could not be made so."""
        if not lane.jobs or lane.jobs[0][0] is not job:
            return  # dropped meanwhile
        if isinstance(result, Exception):
            if self._stopping or not self._node.alive:
                self._forget(lane)
            else:
                # It has happened, and doing it again would be twice: the store gets the chance to note it.
                log.warning("the outcome of a job of %s is offered again: %s", lane.name, result)
                asyncio.get_running_loop().call_later(NOTE_AGAIN, self._note_again, lane, job, outcome)
            return
        if isinstance(outcome, Sent) and outcome.done.retry_at is not None:
            self._forget(lane)  # all of the lane is the store's again, so that nothing overtakes it
        else:
            self._lanes.done(lane)
            self._wake()
            if lane.leased and not lane.jobs:
                self.more()
            if not len(self._lanes):
                self._tell_idle()

    def _note_again(self, lane: Lane, job: Job, outcome: Done) -> None:
        if lane.jobs:
            self._post(outcome, partial(self._noted, lane, job, outcome))

    def _forget(self, lane: Lane) -> None:
        self._lanes.drop(lane)
        if not len(self._lanes):
            self._tell_idle()

    def _tell_idle(self) -> None:
        for done in self._idle:
            if not done.done():
                done.set_result(None)
        self._idle.clear()
