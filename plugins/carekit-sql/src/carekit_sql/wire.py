"""A transaction's talk with PostgreSQL, in the pipeline mode of its own library.

Statements are sent as they come, without waiting for the answer to the one before, so that a whole part of a
transaction costs one way to the server and back, and the server is at work on one while we make the next. This is what
psycopg's own pipelines do, with less of its work for every statement: a writer has some sixty texts, sent again and
again with arrays that are encoded already.

The protocol is told in PostgreSQL's manual, "Pipeline Mode" of libpq.
"""

from __future__ import annotations

import re
import selectors
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format

from carekit_sql.arrays import Array, escape

_PLACE = re.compile(r"%(?:[sb]|(%))")
_NUMBER, _SMALL_NUMBER, _TEXT, _BYTES = 20, 23, 25, 17
_LARGE, _SMALL = struct.Struct("!q"), struct.Struct("!i")
_FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.PIPELINE_ABORTED}


class Answer:
    """What the server says to one statement, perhaps not yet."""

    __slots__ = ("_at", "_result", "_rows", "_wire")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._result: Any = None
        self._rows: list[tuple[Any, ...]] = []
        self._at = 0

    def take(self, result: Any, rows: list[tuple[Any, ...]]) -> None:
        """Keep the server's *result*, and the *rows* in it."""
        self._result = result
        self._rows = rows

    @property
    def rowcount(self) -> int:
        """How many rows were changed or found."""
        return self._arrived().command_tuples or 0

    @property
    def statusmessage(self) -> str:
        """What was done, as the server calls it."""
        return str((self._arrived().command_status or b"").decode())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that were not fetched yet."""
        self._arrived()
        at, self._at = self._at, len(self._rows)
        return self._rows[at:]

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        self._arrived()
        if self._at >= len(self._rows):
            return None
        self._at += 1
        return self._rows[self._at - 1]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def _arrived(self) -> Any:
        if self._result is None:
            self._wire.catch_up()
        return self._result


class Wire:
    """A connection for transactions, one after another."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection  # which closes it when it goes
        self._pg = connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._reader = Transformer(connection)
        self._asked: deque[Answer] = deque()
        self._known: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._texts: dict[str, bytes] = {}
        self._socket = selectors.DefaultSelector()
        self._socket.register(self._pg.socket, selectors.EVENT_READ)

    def close(self) -> None:
        """Let go of it, and of a transaction that has not ended."""
        self._socket.close()
        self._connection.close()

    def execute(self, text: str, parameters: Sequence[Any] = (), *, binary: bool = True) -> Answer:
        """Send a statement; with errors of an earlier one raises them, as `psycopg.Error`."""
        oids, values = [], []
        for parameter in parameters:
            oid, value = _encoded(parameter)
            oids.append(oid)
            values.append(value)
        self._send(text, tuple(oids), values)
        self._pg.flush()  # the server works on it while we make the next
        answer = Answer(self)
        self._asked.append(answer)
        return answer

    def catch_up(self) -> None:
        """Wait for all answers to what was said; raises the first error among them as `psycopg.Error`.

        They are read at once, while the connection is ours. The server knows then that it is for us to speak, and ends
        a transaction in which we do not.
        """
        self._pg.pipeline_sync()
        while self._asked:
            result = self._next()
            if result is None:
                self._asked.popleft()
            elif result.status in _FAILED:
                raise errors.error_from_result(result, encoding="utf-8")
            else:
                self._reader.set_pgresult(result)
                self._asked[0].take(result, self._reader.load_rows(0, result.ntuples, tuple))
        self._next()  # that these were all

    def _send(self, text: str, oids: tuple[int, ...], values: list[bytes | None]) -> None:
        formats = [Format.BINARY] * len(values)
        key = (text, oids)
        name = self._known.get(key)
        if name is None:
            query = self._texts.get(text)
            if query is None:
                query = self._texts[text] = _numbered(text)
                # Said for the first time, and perhaps the last.
                self._pg.send_query_params(query, values, oids, formats, Format.BINARY)
                return
            name = self._known[key] = b"carekit_%d" % len(self._known)
            self._pg.send_prepare(name, query, oids)
            self._asked.append(Answer(self))
        self._pg.send_query_prepared(name, values, formats, Format.BINARY)

    def _next(self) -> Any:
        """The next result, None where those of a statement end."""
        pg = self._pg
        while True:
            unsent = pg.flush()
            if not unsent and not pg.is_busy():
                return pg.get_result()
            self._socket.modify(pg.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))
            self._socket.select()
            pg.consume_input()


def _encoded(parameter: Any) -> tuple[int, bytes | None]:
    match parameter:
        case Array():
            return parameter.oid, parameter.data
        case str():
            return _TEXT, escape(parameter).encode()
        case int() if -(2**31) <= parameter < 2**31:
            return _SMALL_NUMBER, _SMALL.pack(parameter)
        case int():
            return _NUMBER, _LARGE.pack(parameter)
        case bytes():
            return _BYTES, parameter
    raise TypeError(f"a parameter of type {type(parameter).__name__} has no form for PostgreSQL here")


def _numbered(text: str) -> bytes:
    """The statement with its places numbered, as the server wants them."""
    number = 0

    def place(found: re.Match[str]) -> str:
        nonlocal number
        if found[1]:
            return "%"
        number += 1
        return f"${number}"

    return _PLACE.sub(place, text).encode()
