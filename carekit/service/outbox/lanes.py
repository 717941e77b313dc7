"""Which job may run next: one of a lane at a time, and no destination with more than its share of workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from carekit.facts.events import Event
from carekit.facts.nouns import Contact, Conversation
from carekit.ground.values import Value
from carekit.seams.store import Job
from carekit.service.outbox.breaker import Breaker

WIDTH = 32
"""Jobs of one destination that may run at once, if nobody says how many it can take."""


class Found(Value, frozen=True):
    """All that a job needs to know of its conversation; ``event`` is the step that asked for it."""

    conversation: Conversation
    contact: Contact
    event: Event
    message: Event | None = None
    """The step that a bot is to answer."""


class Destination:
    """A channel or a bot: what runs for it, and how it has been lately."""

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self.breaker = Breaker()
        self.running = 0
        self.waiting: deque[Lane] = deque()


class Lane:
    """The jobs of one lane that are here, in order; the first one is the next or running."""

    __slots__ = ("destination", "jobs", "leased", "name")

    def __init__(self, name: str, destination: Destination) -> None:
        self.name = name
        self.destination = destination
        self.jobs: deque[tuple[Job, Found | None]] = deque()
        self.leased = False
        """Whether some came from the store, which gives only the first of a lane: there may be more."""


class Lanes:
    """All lanes that have work. *width* says how many jobs of a destination may run at once."""

    def __init__(self, width: Callable[[str], int] = lambda destination: WIDTH) -> None:
        self._width = width
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._destinations: dict[str, Destination] = {}
        self.jobs = 0
        """How many jobs are here, running ones included."""

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def destinations(self) -> list[Destination]:
        """Every destination that a job has been for."""
        return list(self._destinations.values())

    @property
    def ready(self) -> bool:
        """Whether a lane may run that does not."""
        return bool(self._ready)

    def add(self, job: Job, found: Found | None) -> Lane:
        """Put *job* at the end of its lane."""
        self.jobs += 1
        lane = self._lanes.get(job.lane)
        if lane is not None:
            # Those before it will have changed what it needs to know.
            lane.jobs.append((job, None))
            return lane
        destination = self._destinations.get(job.destination)
        if destination is None:
            destination = self._destinations[job.destination] = Destination(
                job.destination, self._width(job.destination)
            )
        lane = self._lanes[job.lane] = Lane(job.lane, destination)
        lane.jobs.append((job, found))
        self._ready.append(lane)
        return lane

    def begin(self) -> Lane | None:
        """The next lane whose first job may run, which now counts as running; None if there is none."""
        while self._ready:
            lane = self._ready.popleft()
            destination = lane.destination
            if destination.running < destination.width:
                destination.running += 1
                return lane
            destination.waiting.append(lane)
        return None

    def end(self, destination: Destination) -> None:
        """An attempt is over: the destination has room for another."""
        destination.running -= 1
        if destination.waiting:
            self._ready.append(destination.waiting.popleft())

    def again(self, lane: Lane) -> None:
        """The first job of *lane* may run (once more)."""
        self._ready.append(lane)

    def done(self, lane: Lane) -> None:
        """The first job of *lane* is finished: the next one may run."""
        lane.jobs.popleft()
        self.jobs -= 1
        if lane.jobs:
            self._ready.append(lane)  # at the end, so that a long lane does not hold up the others
        else:
            del self._lanes[lane.name]

    def drop(self, lane: Lane) -> None:
        """Forget *lane*: its jobs are the store's again."""
        self.jobs -= len(lane.jobs)
        lane.jobs.clear()
        if self._lanes.get(lane.name) is lane:  # it may have been forgotten before, and there be another by now
            del self._lanes[lane.name]

    def clear(self) -> None:
        """Forget everything."""
        for lane in list(self._lanes.values()):
            self.drop(lane)
        self._ready.clear()
        for destination in self._destinations.values():
            destination.waiting.clear()

    def drop_waiting(self) -> None:
        """Forget every job that does not run."""
        waiting = [*self._ready, *(lane for one in self._destinations.values() for lane in one.waiting)]
        self._ready.clear()
        for destination in self._destinations.values():
            destination.waiting.clear()
        for lane in waiting:
            self.drop(lane)
        for lane in self._lanes.values():
            while len(lane.jobs) > 1:
                lane.jobs.pop()
                self.jobs -= 1
