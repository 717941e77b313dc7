"""Group commit: whoever arrives while a transaction is being written shares the next one.

Nobody waits on purpose: a lone command is written at once, and under load the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from carekit.ground.errors import CarekitError, Conflict, InDoubt, Refused, Unavailable
from carekit.service.pipeline.commands import Command
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept

LARGEST = 256
"""Commands in one transaction."""
Told = Callable[[Kept | Exception], None]
"""Called with the result of a command."""
Waiting = tuple[Command, Told, float]
"""A command, who hears of it, and the time of the loop at which it came."""

WAITING = 5000
"""Commands that may wait; beyond that the asker is told to come back."""

PATIENCE = 5.0
"""Seconds that a command may have waited for its turn; who comes while one has waited longer is told to come back.

Where the store is slow or away the length of the queue says little: its age says how long a newcomer would wait.
"""


log = logging.getLogger("carekit.writer")


class Writer:
    """Feeds commands to the pipeline, one batch at a time, and tells *committed* what was kept; *doubted* is called
    where nobody knows whether it was.

    A store that may block is written from a thread of its own; an ``inline`` one at the end of the loop's round,
    so that all who are ready in it share one.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        committed: Callable[[list[Kept]], None],
        *,
        inline: bool,
        doubted: Callable[[], None] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._committed = committed
        self._doubted = doubted
        self._waiting: deque[Waiting] = deque()
        self._busy_on: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="carekit-writer")

    def submit(self, command: Command) -> asyncio.Future[Kept]:
        """The result of *command* once it is durable, or what the command or the store raised."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        try:
            self.admit()
        except Unavailable as error:
            future.set_exception(error)
        else:
            self.post(command, partial(_settle, future))
        return future

    def admit(self) -> None:
        """Raise `Unavailable` if too much is waiting already, or has waited for too long."""
        waiting = self._waiting
        if len(waiting) >= WAITING or (waiting and asyncio.get_running_loop().time() - waiting[0][2] > PATIENCE):
            raise Unavailable("too much is waiting to be written; try again in a moment")

    def post(self, command: Command, done: Told) -> None:
        """Write *command* with the next batch and then call *done* with its result.

        For what already happened and must be noted (a bot answered, a channel sent): it is never turned away.
        """
        loop = asyncio.get_running_loop()
        self._waiting.append((command, done, loop.time()))
        if self._busy_on is not loop:  # nobody writes, or on a loop that has ended meanwhile
            self._busy_on = loop
            if self._thread is None:
                loop.call_soon(self._write_inline)
            else:
                self._task = loop.create_task(self._write())

    async def close(self) -> None:
        """Write what waits, then let the thread go."""
        if self._task is not None:
            await self._task
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def _write_inline(self) -> None:
        while self._waiting:
            batch = self._take()
            self._tell(batch, _handled(self._pipeline, [command for command, _, _ in batch]))
        self._busy_on = None

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._take()
            commands = [command for command, _, _ in batch]
            self._tell(batch, await loop.run_in_executor(self._thread, _handled, self._pipeline, commands))
        self._busy_on = None

    def _take(self) -> list[Waiting]:
        waiting = self._waiting
        if len(waiting) <= LARGEST:
            batch = list(waiting)
            waiting.clear()
            return batch
        return [waiting.popleft() for _ in range(LARGEST)]

    def _tell(self, batch: list[Waiting], results: Sequence[Kept | Exception]) -> None:
        for (_, done, _), result in zip(batch, results, strict=True):
            try:
                done(result)  # who asked hears of it before those who only follow
            except Exception:  # one who cannot hear must not leave the others waiting
                log.exception("what became of a command could not be told")
        try:
            kept = [result for result in results if type(result) is Kept]
            self._committed(kept)
            if len(kept) < len(results) and any(type(result) is InDoubt for result in results):
                self._doubted()
        except Exception:  # whoever listens may fail; the next batch must be written all the same
            log.exception("what was committed could not be told to everybody")


def _settle(future: asyncio.Future[Kept], result: Kept | Exception) -> None:
    if future.cancelled():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _handled(pipeline: Pipeline, commands: Sequence[Command]) -> Sequence[Kept | Exception]:
    """The result of each of *commands*; what the store cannot bear of one must not cost the others their commit."""
    try:
        return pipeline.handle(commands)
    except (Conflict, Unavailable) as error:
        return [error] * len(commands)
    except Exception as error:  # noqa: BLE001 - a fault of a store must reach the askers, or they would wait for ever
        if len(commands) == 1:
            return [_explained(error)]
        half = len(commands) // 2
        return [*_handled(pipeline, commands[:half]), *_handled(pipeline, commands[half:])]


def _explained(error: Exception) -> CarekitError:
    if isinstance(error, CarekitError):
        return error
    if isinstance(error, UnicodeError):
        return Refused("it holds text that cannot be written as UTF-8; send it as valid Unicode")
    return Unavailable(f"the store failed: {type(error).__name__}: {error}")
