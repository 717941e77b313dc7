"""Kills at one system call after another."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import count

from tests.reliability._clients import Client, keys
from tests.reliability._ledger import Ledger
from tests.reliability._scale import FULL, points
from tests.reliability._site import Site
from tests.reliability._strace import fault


class Sweep:
    """Kills a site at one system call after another, while a client delivers one message each time."""

    def __init__(self, site: Site, client: Client, ledger: Ledger, *, rest: Callable[[], bool] = lambda: True) -> None:
        self.site, self.client, self.ledger, self.rest = site, client, ledger, rest
        self.kills = 0
        # Every other message comes from somebody new.
        self._keys = iter(key for number in count() for key in keys(f"sender{number}", 2))

    def run(self, *calls: str, at: Sequence[int] = ()) -> None:
        """Strike at each of *calls*, until the path has no more of them; in a short run only *at* these, if given."""
        for call in calls:
            for number in points(call) if FULL or not at else at:
                if not self._strike(call, number):
                    break
                self.kills += 1
        if not self.site.alive:
            self.site.start()

    def _strike(self, call: str, number: int) -> bool:
        """Whether the process died of it; then it has been started again, and the message is delivered."""
        if not self.site.alive:  # it died of the last strike when nobody looked any more
            self.site.start()
        process, key = self.site.process, next(self._keys)
        assert process is not None
        with fault(process, call, "signal=KILL", when=str(number)):
            self.ledger.offer(key)
            if self.client.insist(key, lambda: not process.alive):
                self.ledger.ack(key)
                self._settle()
        if process.wait(0.3) is None:  # what was struck just now needs a moment to be gone
            return False
        self.site.start()
        if key not in self.ledger.acked:  # who has been told that it is kept does not come again
            self.client.deliver([key], self.ledger)
        return True

    def _settle(self) -> None:
        """Let what follows the acknowledgement have its kills, too."""
        process = self.site.process
        assert process is not None
        while process.alive:
            try:
                if self.rest():
                    return
            except sqlite3.OperationalError:  # it is being recovered
                pass
            time.sleep(0.01)
