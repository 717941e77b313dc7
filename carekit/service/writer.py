"""Group commit: whoever arrives while a transaction is being written shares the next one.

Nobody waits on purpose: a lone command is written at once, and under load the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from carekit.ground.errors import CarekitError, Conflict, Refused, Unavailable
from carekit.service.commands import Command
from carekit.service.pipeline import Kept, Pipeline

LARGEST = 256
"""Commands in one transaction."""
WAITING = 5000
"""Commands that may wait; beyond that the asker is told to come back."""


class Writer:
    """Feeds commands to the pipeline, one batch at a time, and tells *committed* what was kept."""

    def __init__(self, pipeline: Pipeline, committed: Callable[[list[Kept]], None], *, inline: bool) -> None:
        self._pipeline = pipeline
        self._committed = committed
        self._inline = inline
        self._waiting: deque[tuple[Command, asyncio.Future[Kept]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="carekit-writer")

    async def submit(self, command: Command) -> Kept:
        """The result of *command* once it is durable; raises what the command or the store raised."""
        if self._inline:
            result = self._pipeline.handle((command,))[0]
            if isinstance(result, Exception):
                raise result
            self._committed([result])
            return result
        if len(self._waiting) >= WAITING:
            raise Unavailable("too much is waiting to be written; try again in a moment")
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await future

    async def close(self) -> None:
        """Write what waits, then let the thread go."""
        if self._task is not None:
            await self._task
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def _handle(self, commands: Sequence[Command]) -> list[Kept | Exception]:
        """The result of each of *commands*; what the store cannot bear of one must not cost the others their commit."""
        try:
            return self._pipeline.handle(commands)
        except (Conflict, Unavailable) as error:
            return [error] * len(commands)
        except Exception as error:  # noqa: BLE001 - a fault of a store must reach the askers, or they would wait for ever
            if len(commands) == 1:
                return [_explained(error)]
            half = len(commands) // 2
            return self._handle(commands[:half]) + self._handle(commands[half:])

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(LARGEST, len(self._waiting)))]
            commands = [command for command, _ in batch]
            results = await loop.run_in_executor(self._thread, self._handle, commands)
            self._committed([result for result in results if isinstance(result, Kept)])
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)


def _explained(error: Exception) -> CarekitError:
    if isinstance(error, CarekitError):
        return error
    if isinstance(error, UnicodeError):
        return Refused("it holds text that cannot be written as UTF-8; send it as valid Unicode")
    return Unavailable(f"the store failed: {type(error).__name__}: {error}")
