"""How many statements a message is, so that nobody adds one unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from carekit import Address, Inbound
from carekit.testing import DeskKit
from carekit_sql import plugin
from carekit_sql.store import SqlStore

FILE = """
[service]
name = "Test desk"
secret = "a secret for tests only"

[store]
use = "sql"
url = "{url}"

[channels.loop]
use = "loopback"

[policies.first-response]
use = "sla"
first_response = "4h"
"""
NEW, KNOWN = "new", "known"
EXPECTED = {
    # Asked: keys, receipts, addresses, conversations, contacts, agents, queues. Written: the conversation, its events
    # and the receipt, and of somebody new the contact, the address and the key. SQLite learns its last number by one
    # more. PostgreSQL asks five of these at once, and holds the names and the order of the log by one each.
    "sqlite": {NEW: 12, KNOWN: 11},
    "postgresql": {NEW: 11, KNOWN: 8},
}


class Counting:
    """A connection that notes the statements of a transaction."""

    def __init__(self, work: Any, seen: list[str]) -> None:
        self._work = work
        self._seen = seen

    def execute(self, text: str, *rest: Any, **options: Any) -> Any:
        self._seen.append(text)
        return self._work.execute(text, *rest, **options)

    def executemany(self, text: str, rows: Any) -> Any:
        self._seen.append(text)
        return self._work.executemany(text, rows)


class Counted:
    """A desk of which each transaction's statements are noted."""

    def __init__(self, url: str, folder: Path) -> None:
        self.kit = DeskKit(FILE.format(url=url), folder=folder, extra={"sql": plugin}, discover=False)
        store = self.kit.service.store
        assert isinstance(store, SqlStore)
        database = store._opened().database
        self.seen: list[str] = []
        writing = database.writing

        @contextmanager
        def counted() -> Iterator[Any]:
            with writing() as work:
                yield Counting(work, self.seen)

        database.writing = counted  # type: ignore[method-assign]

    def receive(self, *people: int, mark: str) -> list[str]:
        """The statements of one transaction with a message of each of *people*."""
        self.seen.clear()
        told = [
            Inbound("loop", f"{mark}-{n}", Address("loopback", f"user-{n}"), "hello", thread=key, keys=key)
            for n, key in ((n, (f"peer:{n}",)) for n in people)
        ]
        self.kit.run(self.kit.desk.receive_all(told))
        return list(self.seen)


@pytest.fixture
def counted(place: str, tmp_path: Path) -> Iterator[Counted]:
    (tmp_path / "desk").mkdir()
    found = Counted(place, tmp_path / "desk")
    yield found
    found.kit.close()


def test_a_message_is_so_many_statements(counted: Counted, place: str) -> None:
    """The first of a contact, and the second, in the conversation that there is now."""
    expected = EXPECTED[place.partition(":")[0]]
    first, second = counted.receive(1, mark="a"), counted.receive(1, mark="b")
    assert {NEW: len(first), KNOWN: len(second)} == expected, [*first, *second]


def test_a_hundred_messages_are_no_more_statements_than_one(counted: Counted) -> None:
    """What comes together is asked and written together."""
    everybody = range(100)
    counted.receive(*everybody, mark="a")
    counted.receive(*everybody, mark="b")
    one = counted.receive(1, mark="c")
    assert len(counted.receive(*everybody, mark="d")) == len(one)
