"""How the store is asked where that holds nothing up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Read(Protocol):
    """Takes a look at the store, in a thread if it may block."""

    async def __call__(self, look: Callable[[], T]) -> T: ...
