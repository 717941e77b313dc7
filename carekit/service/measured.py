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

from carekit.facts.events import BotAsked, Event, MessageSent
from carekit.facts.nouns import Contact, Conversation
from carekit.seams.hookspecs import Sample
from carekit.seams.store import Job
from carekit.service.commands import BotDone, Command, Sent
from carekit.service.outbox import Outbox
from carekit.service.pipeline import Kept, Pipeline

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


class MeasuredOutbox(Outbox):
    """Tells how long each bot thought and each channel sent, whatever came of it."""

    def __init__(self, *, tell: Tell, **named: Any) -> None:
        super().__init__(**named)
        self._tell = tell

    async def _ask(
        self, job: Job, asked: BotAsked, conversation: Conversation, contact: Contact, events: list[Event]
    ) -> BotDone:
        begun = perf_counter()
        try:
            return await super()._ask(job, asked, conversation, contact, events)
        finally:
            self._tell(Sample("bot", perf_counter() - begun))

    async def _send(
        self, job: Job, message: MessageSent, conversation: Conversation, contact: Contact, events: list[Event]
    ) -> Sent:
        begun = perf_counter()
        try:
            return await super()._send(job, message, conversation, contact, events)
        finally:
            self._tell(Sample("send", perf_counter() - begun))
