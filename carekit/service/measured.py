"""The same work, timed: used instead of the plain one only when a plugin listens to measurements.

=========  =====================================================================  =============================
operation  seconds                                                                count
=========  =====================================================================  =============================
commit     loading, deciding and writing one transaction, repetitions included    commands in it
bot        one turn of a bot                                                      1
send       one attempt of a channel to send a message                             1
=========  =====================================================================  =============================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from carekit.facts.events import BotAsked, MessageSent
from carekit.seams.hookspecs import Sample
from carekit.seams.store import Job
from carekit.service.outbox.breaker import Breaker
from carekit.service.outbox.errands import Errands
from carekit.service.outbox.lanes import Found
from carekit.service.pipeline.commands import BotDone, Command, Sent
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept

Tell = Callable[[Sample], None]
"""Takes a measurement; called from whichever thread did the work."""


class MeasuredPipeline(Pipeline):
    """Tells how long each transaction took, those that failed included."""

    def __init__(self, *arguments: Any, tell: Tell, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._tell = tell

    def handle(self, commands: Sequence[Command]) -> list[Kept | Exception]:
        begun = perf_counter()
        try:
            return super().handle(commands)
        finally:
            self._tell(Sample("commit", perf_counter() - begun, len(commands)))


class MeasuredErrands(Errands):
    """Tells how long each bot thought and each channel sent, whatever came of it."""

    def __init__(self, *, tell: Tell, **named: Any) -> None:
        super().__init__(**named)
        self._tell = tell

    async def ask(self, job: Job, asked: BotAsked, found: Found, breaker: Breaker) -> BotDone:
        begun = perf_counter()
        try:
            return await super().ask(job, asked, found, breaker)
        finally:
            self._tell(Sample("bot", perf_counter() - begun))

    async def send(self, job: Job, message: MessageSent, found: Found, breaker: Breaker) -> Sent:
        begun = perf_counter()
        try:
            return await super().send(job, message, found, breaker)
        finally:
            self._tell(Sample("send", perf_counter() - begun))
