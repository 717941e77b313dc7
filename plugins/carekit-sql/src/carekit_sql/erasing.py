"""Take a contact out of every table.

Receipts stay: they are digests, and say only that something was received, so that it does not come back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from carekit_sql.statements import Statement, Statements

SOME = 1000
"""Streams or digests in one statement."""


def erase(
    work: Any, statements: Statements, contact: str, hold: Callable[[Any, Collection[str]], None]
) -> Sequence[str]:
    """Remove *contact* and all of their conversations; the digests that nothing refers to any more.

    *hold* keeps other writers from the contact's addresses, as they do among themselves, and the conversations are
    locked: what somebody is just adding is waited for and goes too, and who comes later finds nobody.
    """
    s = statements
    hold(work, [key for (key,) in _rows(work, s.addresses_of, {"contact": contact})])
    streams = [id for (id,) in _rows(work, s.streams_of, {"contact": contact})]
    digests: set[str] = set()
    for some in _parts(streams):
        digests.update(digest for (digest,) in _rows(work, s.digests_of, {"keys": some}))
        for statement in s.erase_streams:
            work.execute(*statement.bind({"keys": some}))
        for stream in some:
            work.execute(*s.erase_deliveries.bind({"first": f"{stream}:", "last": f"{stream};"}))
    for statement in s.erase_contact:
        work.execute(*statement.bind({"contact": contact}))
    needed = {digest for some in _parts(sorted(digests)) for (digest,) in _rows(work, s.needed, {"keys": some})}
    return sorted(digests - needed)


def _rows(work: Any, statement: Statement, values: dict[str, Any]) -> list[Any]:
    return list(work.execute(*statement.bind(values)).fetchall())


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), SOME):
        yield keys[start : start + SOME]
