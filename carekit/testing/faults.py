"""A transport that misbehaves as networks do: it delivers twice, late, out of order, or not at the first attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from carekit.facts.nouns import Inbound
from carekit.seams.desk import Receipt

Deliver = Callable[[Inbound], Awaitable[Receipt]]
"""What takes one message, such as ``desk.receive``."""


class FaultyTransport:
    """Hands messages to *deliver* as a far side with at-least-once delivery would on a bad day.

    Each message is given twice with the probability *duplicate* (and again with the same), changes places with
    neighbours with *reorder*, comes many places later with *delay*, and with *drop* its first attempt is lost: then it
    is sent again later, or never if *resend* is off. *random* decides everything, so that a seed repeats a bad day.
    """

    def __init__(
        self,
        deliver: Deliver,
        random: Random,
        *,
        duplicate: float = 0.3,
        reorder: float = 0.3,
        delay: float = 0.1,
        drop: float = 0.1,
        resend: bool = True,
    ) -> None:
        self._deliver = deliver
        self._random = random
        self._duplicate = duplicate
        self._reorder = reorder
        self._delay = delay
        self._drop = drop
        self._resend = resend
        self.lost: list[Inbound] = []
        """The messages that were never delivered (only without *resend*)."""
        self.attempts = 0
        """How many deliveries were made."""

    def schedule(self, messages: Sequence[Inbound]) -> list[Inbound]:
        """The deliveries of *messages* in the order in which they will arrive."""
        placed: list[tuple[float, int, Inbound]] = []
        for place, message in enumerate(messages):
            deliveries = self._places(place, len(messages))
            if not deliveries:
                self.lost.append(message)
            placed += [(at, place, message) for at in deliveries]
        placed.sort(key=lambda entry: entry[:2])
        return [message for _, _, message in placed]

    async def deliver(self, messages: Sequence[Inbound]) -> list[Receipt]:
        """Deliver *messages*, a few at a time; the receipt of every delivery that arrived, in order of arrival."""
        arrivals = self.schedule(messages)
        receipts: list[Receipt] = []
        while arrivals:
            size = self._random.randint(1, 4)
            together, arrivals = arrivals[:size], arrivals[size:]
            self.attempts += len(together)
            receipts += await asyncio.gather(*(self._deliver(message) for message in together))
        return receipts

    def _places(self, place: int, length: int) -> list[float]:
        """Where the deliveries of one message fall among those of *length* messages; none if it is lost."""
        chance = self._random.random
        at = float(place)
        if chance() < self._reorder:
            at += self._random.uniform(-3, 3)
        if chance() < self._delay:
            at += self._random.uniform(1, max(2, length))
        places = [at]
        while chance() < self._duplicate and len(places) < 5:
            places.append(at + self._random.uniform(0, max(2, length)))
        if chance() < self._drop:
            del places[0]
            if not places and self._resend:
                places.append(at + self._random.uniform(1, max(2, length)))
        return places
