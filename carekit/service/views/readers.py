"""A reader of the log keeps rows of its own, which move on in one transaction with its cursor.

So it may be late, but never wrong: killed, it goes on where it was, and a view that is new or changed is made again
from the beginning of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from carekit.facts.events import Event
from carekit.ground.errors import Stale
from carekit.ground.values import Value
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Store, Text, ViewKey
from carekit.service.pipeline.commands import Command, KeepView
from carekit.service.reading import Read

log = logging.getLogger("carekit.views")

PAGE = 500
"""Events in one step."""
CURSORS = "cursor"
"""The view that holds every reader's cursor."""


class Step(Value, frozen=True):
    """What some events change: rows of views (an empty text removes one), and texts to be found."""

    rows: dict[ViewKey, str]
    texts: Sequence[Text] = ()


class Reader(Protocol):
    """Makes a view of the log."""

    name: str
    """Under which its cursor is kept: another name begins anew."""

    def step(self, events: Sequence[Event], store: Store) -> Step:
        """What *events* change; may look at the rows that are there."""
        ...


class Views:
    """Lets readers go on to the end of the log. ``submit`` takes the commands that keep what they found."""

    def __init__(self, store: Store, read: Read, submit: Callable[[Command], Awaitable[object]]) -> None:
        self._store = store
        self._read = read
        self._submit = submit
        self._at: dict[str, str] = {}

    async def catch_up(self, reader: Reader) -> int:
        """Read on to the end of the log; how many events that were. Other processes may do the same at once."""
        done = 0
        while True:
            count, command = await self._read(partial(self._look, reader))
            if command is None:
                return done
            try:
                await self._submit(command)
            except Stale:  # another process has read these
                self._at.pop(reader.name, None)
                continue
            self._at[reader.name] = command.after
            done += count

    def _look(self, reader: Reader) -> tuple[int, KeepView | None]:
        before = self._at.get(reader.name)
        if before is None:
            before = self._store.rows(CURSORS, [reader.name]).get(reader.name, "")
        events = self._store.feed(int(before or 0), PAGE, EVERYTHING)
        if not events:
            return 0, None
        step = reader.step(events, self._store)
        after = str(events[-1].position)
        return len(events), KeepView((CURSORS, reader.name), before, after, step.rows, step.texts)
