"""The talk of a transaction with PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed here: pip install carekit-sql[postgresql]")

from carekit_sql import arrays  # noqa: E402 - it needs psycopg
from carekit_sql.wire import Wire  # noqa: E402


@pytest.fixture
def wire(server: Any) -> Iterator[Wire]:
    connection = psycopg.connect(server.url, autocommit=True)
    arrays.adapt(connection)
    wire = Wire(connection)
    yield wire
    wire.close()


def test_values_come_back_as_they_were(wire: Wire) -> None:
    """Texts with NUL, bytes, numbers of either size and arrays, with and without NULL."""
    given = ["a%b \x00 \ufdd0 é", b"\x00\xff", 7, -(2**40)]
    answer = wire.execute("SELECT %s::text, %s::bytea, %s::integer, %s::bigint, '100%%'", given)
    assert answer.fetchone() == (*given, "100%")
    sent = (arrays.Numbers([1, None]), arrays.Texts(["x", "y\x00"]))
    rows = wire.execute("SELECT * FROM unnest(%b::bigint[], %b::text[])", sent)
    assert [*rows] == [(1, "x"), (None, "y\x00")]
    assert rows.fetchone() is None and rows.fetchall() == []


def test_what_is_said_again_is_prepared_once(wire: Wire) -> None:
    """And gives what it gave before, for other values and other sizes of them."""
    for number in (1, 2, 2**40, 3, 2**41):
        assert wire.execute("SELECT %s::bigint + 1", [number]).fetchone() == (number + 1,)
    names = wire.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%bigint + 1%%'").fetchall()
    assert len(names) == 2


def test_answers_are_read_in_any_order(wire: Wire) -> None:
    """Each is the one to its own statement."""
    answers = [wire.execute("SELECT %s::integer", [number]) for number in range(20)]
    assert [answer.fetchone() for answer in answers[::-1]] == [(number,) for number in range(20)][::-1]


def test_what_was_found_is_kept_when_the_connection_goes_on(wire: Wire) -> None:
    """Its rows may be read after somebody else has asked something else of it, as they come back to the pool."""
    mine = wire.execute("SELECT 1, 'mine'")
    wire.catch_up()
    assert wire.execute("SELECT generate_series(1, 3)").fetchall() == [(1,), (2,), (3,)]
    assert mine.fetchall() == [(1, "mine")]


def test_a_transaction_in_which_nobody_speaks_is_ended(wire: Wire) -> None:
    """By the server, after the time that its settings give, so that it holds up the others for that long only."""
    wire.execute("SET idle_in_transaction_session_timeout = '100ms'")
    wire.execute("BEGIN")
    wire.catch_up()
    time.sleep(0.5)
    with pytest.raises(psycopg.Error, match="idle-in-transaction timeout"):
        wire.execute("SELECT 1").fetchall()


def test_what_was_done_is_told(wire: Wire) -> None:
    """How many rows, and what the server calls it."""
    wire.execute("CREATE TEMPORARY TABLE lost (x integer)")
    added = wire.execute("INSERT INTO lost SELECT generate_series(1, 3)")
    assert (added.rowcount, added.statusmessage) == (3, "INSERT 0 3")
    wire.catch_up()
    assert wire.execute("SELECT count(*) FROM lost").fetchone() == (3,)


def test_the_first_error_is_the_one_that_is_told(wire: Wire) -> None:
    """Of statements that were sent together, and not that those after it were passed over."""
    wire.execute("SELECT 1")
    wire.execute("SELECT 1 / 0")
    later = wire.execute("SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.DivisionByZero):
        later.fetchall()


def test_much_goes_each_way_at_once(wire: Wire) -> None:
    """Neither side waits for the other to take what it says: 30 MB out while as much comes in."""
    text = "x" * 10_000_000
    answers = [wire.execute("SELECT %s::text", [text]) for _ in range(3)]
    assert all(answer.fetchone() == (text,) for answer in answers)


def test_a_server_that_goes_away_is_told(wire: Wire, server: Any) -> None:
    """As an error of the driver, whatever was being waited for."""
    (mine,) = wire.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    server.execute(f"SELECT pg_terminate_backend({mine})")
    with pytest.raises(psycopg.OperationalError):
        wire.execute("SELECT 1").fetchall()


def test_what_has_no_form_is_refused_before_anything_is_sent(wire: Wire) -> None:
    """And what was said before stands."""
    before = wire.execute("SELECT 1")
    with pytest.raises(TypeError, match="float"):
        wire.execute("SELECT %s", [1.5])
    assert before.fetchone() == (1,)
