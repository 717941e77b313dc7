"""How long work tells how far it has come, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Step = Callable[[int], None]
"""Is told how much more has been done."""
Progress = Callable[[str, int], AbstractContextManager[Step]]
"""Begins a part of the work, by its name and how much there is to do."""


@contextmanager
def silent(label: str, total: int) -> Iterator[Step]:
    """Shows nothing."""
    yield lambda done: None
