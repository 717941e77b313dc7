"""What one side was told is kept, held against what the other side has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from threading import Lock

import attrs

LINES: list[str] = []
"""What the ledgers of this run had to tell, for the summary at its end."""


@attrs.frozen
class Balance:
    """``lost`` was acknowledged and is nowhere; ``duplicated`` is there more than once."""

    acked: int
    lost: list[str]
    duplicated: list[str]

    def __str__(self) -> str:
        return f"acked {self.acked}, lost {len(self.lost)}, duplicated {len(self.duplicated)}"


class Ledger:
    """Every message by a key of its own. Clients write in it from their threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.offered: set[str] = set()
        self.acked: set[str] = set()
        self._lock = Lock()

    def offer(self, key: str) -> None:
        """Note that *key* is on its way: from now on it may be kept, and at most once."""
        with self._lock:
            self.offered.add(key)

    def ack(self, key: str) -> None:
        """Note that *key* is kept, as we were told."""
        with self._lock:
            self.acked.add(key)

    def more(self) -> Callable[[], bool]:
        """What tells whether something was acknowledged since now."""
        before = len(self.acked)
        return lambda: len(self.acked) > before

    def balance(self, found: Iterable[str], besides: Collection[str] = ()) -> Balance:
        """Compare with what was *found*; what is *besides* is known to be open, and so not lost."""
        counts = Counter(found)
        lost = self.acked - set(counts) - set(besides)
        return Balance(len(self.acked), sorted(lost), sorted(key for key, count in counts.items() if count > 1))

    def settle(self, found: Iterable[str], besides: Collection[str] = (), **figures: int) -> Balance:
        """The balance, told at the end of the run; fails unless nothing is lost and nothing there twice."""
        found = list(found)
        balance = self.balance(found, besides)
        self.tell(balance, **figures)
        assert not balance.lost, f"{self.name}: lost {balance.lost[:5]} of {balance}"
        assert not balance.duplicated, f"{self.name}: duplicated {balance.duplicated[:5]} of {balance}"
        strangers = set(found) - self.offered
        assert not strangers, f"{self.name}: found what nobody offered: {sorted(strangers)[:5]}"
        return balance

    def tell(self, balance: Balance, **figures: int) -> None:
        """Have the balance told at the end of the run."""
        before = "".join(f"{name.replace('_', ' ')} {figure}, " for name, figure in figures.items())
        LINES.append(f"{self.name}: {before}{balance}")
