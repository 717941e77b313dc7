"""The contract of a bus: hints from process to process, where several work on one desk.

A hint says that there may be something new in the store, and no more than that. Whoever hears one looks there; whoever
misses one looks there a little later anyway. So a bus may lose, double and reorder what it carries.
"""

from __future__ import annotations

from collections.abc import Callable

from carekit.seams.component import Component


class Bus(Component):
    """Base of all buses: override both methods."""

    async def publish(self, hint: bytes) -> None:
        """Pass *hint* (at most 100 bytes) on to every process that listens. May raise; nobody waits for it."""
        raise NotImplementedError

    async def listen(self, heard: Callable[[bytes], None]) -> None:
        """Call *heard* with every hint, one's own included, until cancelled; raise when the connection is lost."""
        raise NotImplementedError
