"""Statements: how lists become text, and that the indexes carry the orders and filters that are asked for most."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from types import ModuleType

import pytest
import sqlalchemy as sa

from carekit import Query, Scope, Status
from carekit_sql import reads
from carekit_sql import tables as t
from carekit_sql.locations import read
from carekit_sql.statements import Statement, Statements
from carekit_sql.store import SqlStore

SQLITE = read("sqlite:///care.db").get_dialect()(paramstyle="qmark")  # type: ignore[call-arg]


@pytest.mark.parametrize(("count", "places"), [(1, 1), (2, 2), (3, 4), (5, 8), (8, 8), (100, 128)])
def test_lists_are_padded_so_that_few_texts_are_prepared(count: int, places: int) -> None:
    """A list takes as many places as the next power of two, the last value filling them up."""
    statement = Statement(sa.select(t.mark).where(t.mark.c.name.in_(sa.bindparam("keys", expanding=True))), SQLITE)
    text, parameters = statement.bind({"keys": range(count)})
    assert text.count("?") == len(parameters) == places
    assert set(parameters) == set(range(count))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(), "conversation_status"),
        (Query(cursor="1~c"), "conversation_status"),
        (Query(status=[Status.OPEN, Status.SNOOZED], inbox="sales"), "conversation_status"),
        (Query(order="waiting"), "conversation_waiting"),
        (Query(order="waiting", cursor="1~c", inbox="sales"), "conversation_waiting"),
        (Query(order="queued", status=[Status.OPEN]), "conversation_queued"),
        (Query(assignee="a_1"), "conversation_assignee"),
        (Query(status=[Status.OPEN], assignee="", bot=False), "conversation_status"),
        (Query(order="waiting", bot=False), "conversation_waiting"),
        (Query(status=[Status.SNOOZED]), "conversation_status"),
    ],
)
def test_lists_read_an_index_in_order(
    file: str, open_store: Callable[[str], SqlStore], make: ModuleType, query: Query, index: str
) -> None:
    """No list of one filter sorts more than a page of each status, or looks at conversations that it does not show."""
    open_store(file).close()
    statement = reads.Reads(SQLITE).listing(reads.Listing.of(query, Scope.everything()))
    values = {**reads.query_values(query, Scope.everything()), "most": 50}
    connection = sqlite3.connect(file.removeprefix("sqlite:///"))
    text, parameters = statement.bind(values)
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters))
    connection.close()
    assert f"INDEX {index}" in plan
    assert "SCAN conversation" not in plan.replace(f"SCAN conversation USING INDEX {index}", "")
    several = query.order == "updated" and query.assignee is None and (query.status is None or len(query.status) > 1)
    assert plan.count("TEMP B-TREE") == several


def test_the_queue_is_counted_in_its_index(file: str, open_store: Callable[[str], SqlStore]) -> None:
    """Each transaction counts it: that must cost what the queue is long, not what is open."""
    open_store(file).close()
    connection = sqlite3.connect(file.removeprefix("sqlite:///"))
    [step] = connection.execute(f"EXPLAIN QUERY PLAN {Statements(SQLITE).queued.text}")
    connection.close()
    assert step[3] == "SCAN conversation USING INDEX conversation_queue"


def test_feed_of_a_contact_reads_only_their_streams(file: str, open_store: Callable[[str], SqlStore]) -> None:
    """A widget that comes back after a long time does not make the store go through the whole log."""
    open_store(file).close()
    scope = Scope.of_contact("p_1", "chat")
    statement = reads.Reads(SQLITE).feed(reads.Reach.of(scope))
    connection = sqlite3.connect(file.removeprefix("sqlite:///"))
    text, parameters = statement.bind({"after": 0, "most": 50, **reads.limits(scope)})
    plan = " | ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters))
    connection.close()
    assert "event USING INDEX sqlite_autoindex_event_1 (stream=?" in plan
