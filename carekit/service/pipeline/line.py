"""A batch of commands becomes one transaction.

Load everything the batch touches, let every command take its turn over it, write everything once. A command that is
refused leaves the others alone; a transaction that loses a race is taken again from the start, which is harmless
because deciding is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from carekit.ground.clock import Clock
from carekit.ground.errors import Conflict
from carekit.ground.ids import Ids
from carekit.rules.turn import Rulebook
from carekit.seams.store import Store
from carekit.service.pipeline import commands as c
from carekit.service.pipeline import inbound, outbound, talk
from carekit.service.pipeline.initiate import begin
from carekit.service.pipeline.staff import staff
from carekit.service.pipeline.views import keep_view, mark
from carekit.service.pipeline.world import Frame, Kept, World

ATTEMPTS = 6
"""How often a transaction that lost a race is taken again."""


class Pipeline:
    """Takes batches of commands through the rules into the store. Synchronous; call it from one thread at a time.

    ``node`` gives the number of the node that new jobs belong to, 0 for none.
    """

    def __init__(
        self,
        store: Store,
        book: Rulebook,
        clock: Clock,
        ids: Ids,
        *,
        push: Mapping[str, bool] | None = None,
        node: Callable[[], int] = int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._frame = Frame(book, ids, push or {})
        self._node = node

    def handle(self, commands: Sequence[c.Command]) -> list[Kept | Exception]:
        """The result of each of *commands*, in order; durable when this returns. Raises `StoreError` for all."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(commands)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _attempt(self, commands: Sequence[c.Command]) -> list[Kept | Exception]:
        now = self._clock.now()
        results: list[Kept | Exception] = []
        wants = c.Wants()
        for command in commands:
            command.want(wants)
        with self._store.transaction() as transaction:
            world = World(transaction.load(wants.wanted()), self._frame, now)
            for command in commands:
                try:
                    results.append(_HANDLERS[type(command)](command, world))
                except Exception as error:  # noqa: BLE001 - one command must not take the others down; its asker gets the error
                    results.append(error)
            if world.changed:
                transaction.write(world.batch(self._node()))
        return results


_HANDLERS: dict[type[c.Command], Callable[[Any, World], Kept]] = {
    c.Receive: inbound.receive,
    c.SetAside: inbound.set_aside,
    c.CloseLetter: inbound.close,
    c.Act: talk.act,
    c.Begin: begin,
    c.Wake: talk.wake,
    c.Offer: talk.offer,
    c.BotDone: talk.bot_done,
    c.Begun: outbound.begun,
    c.Sent: outbound.sent,
    c.Delivered: outbound.delivered,
    c.Staff: staff,
    c.KeepView: keep_view,
    c.Mark: mark,
}
