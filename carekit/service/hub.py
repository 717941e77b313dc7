"""Committed events to everyone who follows: a hint in memory, with the store as the truth to fall back to.

A follower that does not keep up loses its queue, not its place: it reads on from the store. So nobody waits for a slow
reader and nobody misses an event.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from carekit.facts.nouns import Conversation
from carekit.seams.desk import Live
from carekit.seams.scope import Scope

BACKLOG = 1000
"""Events a follower may lag behind before it is sent back to the store."""
PAGE = 200

Read = Callable[[int, Scope, int], Awaitable[list[Live]]]


class _Follower:
    def __init__(self) -> None:
        self.queue: deque[Live] = deque()
        self.lagging = False
        self.arrived = asyncio.Event()


class Hub:
    """Hands committed events to followers in this process."""

    def __init__(self) -> None:
        self._followers: set[_Follower] = set()
        self._closed = False
        self._head = 0
        """The newest position that was told of; the service begins with the store's last."""

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    def publish(self, events: Sequence[Live]) -> None:
        """Give *events*, in order of position, to everyone who follows.

        If there is a gap before them, others have committed something: then everyone reads on from the store, or a
        position would be skipped.
        """
        if not events:
            return
        first, last = events[0].event.position, events[-1].event.position
        if first > self._head + 1:
            self.hint(last)
            return
        self._head = max(self._head, last)
        for follower in self._followers:
            if len(follower.queue) + len(events) > BACKLOG:
                follower.queue.clear()
                follower.lagging = True
            elif not follower.lagging:
                follower.queue.extend(events)
            follower.arrived.set()

    def hint(self, position: int) -> None:
        """The store has events up to *position*: if that is news, everyone who follows reads on from there."""
        if position <= self._head:
            return
        self._head = position
        for follower in self._followers:
            follower.queue.clear()
            follower.lagging = True
            follower.arrived.set()

    def close(self) -> None:
        """Let every follower end."""
        self._closed = True
        for follower in self._followers:
            follower.arrived.set()

    async def follow(self, scope: Scope, after: int, read: Read) -> AsyncIterator[list[Live]]:
        """Events after position *after* that *scope* shows: from the store until it is empty, then live."""
        follower = _Follower()
        follower.lagging = True  # begins in the store
        self._followers.add(follower)
        position = after
        try:
            while not self._closed:
                if follower.lagging:
                    follower.lagging = False
                    follower.queue.clear()
                    async for page in _catch_up(scope, position, read):
                        position = page[-1].event.position
                        yield page
                    continue
                if not follower.queue:
                    follower.arrived.clear()
                    await follower.arrived.wait()
                    continue
                batch = [live for live in follower.queue if live.event.position > position]
                follower.queue.clear()
                if batch:
                    position = batch[-1].event.position
                    if shown := [live for live in batch if visible(scope, live)]:
                        yield shown
        finally:
            self._followers.discard(follower)


async def _catch_up(scope: Scope, position: int, read: Read) -> AsyncIterator[list[Live]]:
    while page := await read(position, scope, PAGE):
        position = page[-1].event.position
        yield page


def visible(scope: Scope, live: Live) -> bool:
    """Whether *scope* shows a live event."""
    conversation: Conversation | None = live.conversation
    if conversation is None:
        return scope.shows_stream(live.event.stream)
    return scope.reaches(conversation) and scope.shows(live.event)
