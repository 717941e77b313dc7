"""Wait for a stranger's coroutine, no longer than agreed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


async def within(
    answer: Coroutine[Any, Any, T], seconds: float, late: Exception, waits: Callable[[], None] = lambda: None
) -> T:
    """The result of *answer*; raises *late* when the time is up.

    Most answers come without waiting for anything, and arming a timer would cost several times what they do: so the
    first step is taken at once, and only an answer that really waits is put under the clock; *waits* is called then.
    """
    try:
        waited_for = answer.send(None)
    except StopIteration as done:
        result: T = done.value
    else:
        waits()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                result = await _Rest(answer, waited_for)
        except TimeoutError as error:
            if limit.expired():
                raise late from error
            raise
    return result


def being_cancelled() -> bool:
    """Whether a cancellation is meant for us, and does not merely come out of a stranger's code."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Rest:
    """Goes on with a coroutine whose first step has been taken."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waited_for: Any) -> None:
        self._coroutine = coroutine
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, waited_for = self._coroutine, self._waited_for
        while True:
            try:
                try:
                    sent = yield waited_for
                except BaseException as error:  # noqa: BLE001 - a cancellation must reach the coroutine where it waits
                    waited_for = coroutine.throw(error)
                else:
                    waited_for = coroutine.send(sent)
            except StopIteration as done:
                return done.value
