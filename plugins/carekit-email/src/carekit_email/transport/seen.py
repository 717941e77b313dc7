"""Which mails of a mailbox are known, for servers that only give them names: the names, in a fixed number of marks.

A mark for each mail would stay for ever. Here those of mails that are gone from the server go as well, and what is
written with one mail is a small part of all names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from zlib import crc32

_SLOTS = 64


class Seen:
    """The names (without blanks, as POP3's unique ids are) that were seen, in the marks ``<name>|0`` to ``|63``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._slots: list[list[str]] = [[] for _ in range(_SLOTS)]

    @property
    def marks(self) -> list[str]:
        """The marks to read before anything else."""
        return [f"{self._name}|{slot}" for slot in range(_SLOTS)]

    def load(self, stored: Mapping[str, str]) -> None:
        """Take what the marks hold."""
        self._slots = [stored.get(mark, "").split() for mark in self.marks]

    def keep_only(self, names: Iterable[str]) -> dict[str, str | None]:
        """Forget every other name; give the marks that change by it."""
        there = set(names)
        before = self._slots
        self._slots = [[one for one in slot if one in there] for slot in before]
        return {
            mark: " ".join(slot) or None
            for mark, slot, old in zip(self.marks, self._slots, before, strict=True)
            if slot != old
        }

    def known(self, names: Collection[str]) -> set[str]:
        """Those of *names* that were seen."""
        return {one for one in names if one in self._slots[_slot(one)]}

    def mark_with(self, name: str) -> dict[str, str]:
        """The mark to write in the commit of the mail *name*, after which `add` remembers it here, too."""
        slot = _slot(name)
        return {f"{self._name}|{slot}": " ".join([*self._slots[slot], name])}

    def add(self, name: str) -> None:
        """Remember *name*, whose mark was written."""
        self._slots[_slot(name)].append(name)


def _slot(name: str) -> int:
    return crc32(name.encode("utf-8", "replace")) % _SLOTS
