"""Tell plugins what was committed, without letting one of them hold up or break anything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from carekit.seams.desk import Live
from carekit.seams.hookspecs import Sample

log = logging.getLogger("carekit.plugins")

WAITING = 10_000
"""Calls that may wait for a slow plugin before further ones are dropped and counted."""

PATIENCE = 2.0
"""Seconds that what waits gets when the service stops."""

Hook = tuple[str, Callable[..., object]]


class Notifier:
    """Calls the Notify hooks one after another in a thread of its own. Costs nothing when nobody listens."""

    def __init__(self, on_event: Sequence[Hook], on_measured: Sequence[Hook]) -> None:
        self._on_event = on_event
        self._on_measured = on_measured
        self._thread = ThreadPoolExecutor(1, "carekit-notify") if on_event or on_measured else None
        self._waiting = 0
        self._counting = Lock()  # the loop, the writing thread and our own all count
        self.failures: dict[str, int] = {}
        self.dropped = 0

    @property
    def listens(self) -> bool:
        """Whether any plugin wants to hear of events."""
        return bool(self._on_event)

    @property
    def measures(self) -> bool:
        """Whether any plugin wants to hear of measurements."""
        return bool(self._on_measured)

    def events(self, committed: Sequence[Live]) -> None:
        """Pass committed events on."""
        if self._on_event:
            self._later(self._on_event, [(live.event, live.conversation) for live in committed])

    def measured(self, sample: Sample) -> None:
        """Pass a measurement on; may be called from any thread."""
        if self._on_measured:
            self._later(self._on_measured, [(sample,)])

    def close(self) -> None:
        """Finish what waits, within `PATIENCE`; a slow plugin misses the rest and does not hold up the end."""
        if self._thread is None:
            return
        last = self._thread.submit(lambda: None)
        try:
            last.result(PATIENCE)
        except TimeoutError:
            log.warning("plugins were too slow to hear of everything before the end")
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _later(self, hooks: Sequence[Hook], calls: Sequence[tuple[object, ...]]) -> None:
        assert self._thread is not None, "there is a thread when there are hooks"
        with self._counting:
            if self._waiting >= WAITING:
                self.dropped += len(calls)
                return
            self._waiting += 1
        self._thread.submit(self._call, hooks, calls)

    def _call(self, hooks: Sequence[Hook], calls: Sequence[tuple[object, ...]]) -> None:
        for plugin, function in hooks:
            for arguments in calls:
                try:
                    function(*arguments)
                except Exception as error:  # noqa: BLE001 - a listener's failure never undoes the fact
                    self.failures[plugin] = self.failures.get(plugin, 0) + 1
                    log.warning("plugin %r failed in a hook: %s: %s", plugin, type(error).__name__, error)
        with self._counting:
            self._waiting -= 1
