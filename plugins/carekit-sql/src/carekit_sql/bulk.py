"""Many rows in one statement.

SQLite runs one statement for each row, prepared once. PostgreSQL gets one array for each column, so that the text is
the same whatever the number of rows, and one way to the server does for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from carekit_sql import tables as t

_POSTGRESQL: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def array_of(values: Collection[Any]) -> Any:
    """Texts, bytes or numbers, at least one, as an array of PostgreSQL."""
    from carekit_sql.arrays import array_of  # psycopg is an extra

    return array_of(list(values))


def kinds_of(columns: Sequence[sa.Column[Any]]) -> list[Any]:
    """The kind of array for each of *columns*."""
    from carekit_sql.arrays import KINDS

    return [KINDS[_type_of(column)] for column in columns]


def arrays_of(kinds: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """*rows*, at least one, as an array for each of their columns."""
    return [kind(values) for kind, values in zip(kinds, zip(*rows, strict=True), strict=True)]


def unnested(columns: Sequence[sa.Column[Any]]) -> str:
    """What makes rows of such arrays again."""
    return f"unnest({', '.join(f'%b::{_type_of(column)}[]' for column in columns)})"


def listed(columns: Sequence[sa.Column[Any]]) -> str:
    """The names of *columns*."""
    return ", ".join(f'"{column.name}"' for column in columns)


def _type_of(column: sa.Column[Any]) -> str:
    """The name of a column's type in PostgreSQL, without its collation."""
    return str(column.type.compile(_POSTGRESQL)).partition(" ")[0]


class Bulk:
    """A statement for rows of some columns."""

    def __init__(self, dialect: sa.Dialect, columns: Sequence[sa.Column[Any]], text: str) -> None:
        self._kinds = kinds_of(columns) if dialect.name == "postgresql" else None
        self.text = text

    def run(self, work: Any, rows: Sequence[Sequence[Any]]) -> None:
        """Write *rows*, if there are any."""
        if rows and self._kinds:
            work.execute(self.text, arrays_of(self._kinds, rows))
        elif rows:
            work.executemany(self.text, rows)


class Insert(Bulk):
    """Adds rows that have every column of *table*.

    With *replace* a row takes the place of the one with its key; with *spare* the one that is there stays.
    """

    def __init__(self, table: sa.Table, dialect: sa.Dialect, *, replace: bool = False, spare: bool = False) -> None:
        columns = list(table.columns)
        if dialect.name == "postgresql":
            source = f"SELECT {listed(columns)} FROM {unnested(columns)} AS new({listed(columns)})"  # noqa: S608
        else:
            source = f"VALUES ({', '.join('?' * len(columns))})"
        text = f"INSERT INTO {table.name} ({listed(columns)}) {source}"
        if replace:
            changes = (f'"{c.name}" = excluded."{c.name}"' for c in columns if not c.primary_key)
            text += f" ON CONFLICT ({listed(list(table.primary_key))}) DO UPDATE SET {', '.join(changes)}"
        if spare:
            text += " ON CONFLICT DO NOTHING"
        super().__init__(dialect, columns, text)


class Move(Bulk):
    """Moves conversations on, of which nothing that is listed has changed: (updated_at, seq, body, id) rows."""

    def __init__(self, dialect: sa.Dialect) -> None:
        c = t.conversation.c
        columns = [c.updated_at, c.seq, c.body, c.id]
        text = "UPDATE conversation SET updated_at = ?, seq = ?, body = ? WHERE id = ?"
        if dialect.name == "postgresql":
            text = (
                "UPDATE conversation SET updated_at = new.updated_at, seq = new.seq, body = new.body"  # noqa: S608
                f" FROM {unnested(columns)} AS new({listed(columns)}) WHERE conversation.id = new.id"
            )
        super().__init__(dialect, columns, text)


class Words(Bulk):
    """Adds the words of messages to the index of the search, as (position, words) rows; no words may be empty."""

    def __init__(self, dialect: sa.Dialect) -> None:
        columns = [t.words.c.position, sa.Column("said", t.TEXT)]
        text = "INSERT INTO words (rowid, said) VALUES (?, ?)"
        if dialect.name == "postgresql":
            # The words as they are: the server's own idea of a word would be another one.
            text = (
                "INSERT INTO words (position, said)"  # noqa: S608
                " SELECT position, array_to_tsvector(string_to_array(said, ' '))"
                f" FROM {unnested(columns)} AS new(position, said)"
            )
        super().__init__(dialect, columns, text)


class Heads:
    """The last step of each of some streams, looked up at the end of the index, however long the stream is."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._arrays = dialect.name == "postgresql"

    def parts(self, streams: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
        """The text and parameters for *streams*, at least one; one without steps comes with None."""
        if self._arrays:
            last = "(SELECT max(seq) FROM event WHERE event.stream = asked.stream)"
            text = f'SELECT stream, {last} FROM unnest(%b::text[] COLLATE "C") AS asked(stream)'  # noqa: S608
            yield text, [array_of(sorted(streams))]
            return
        for stream in streams:
            yield "SELECT ?, (SELECT max(seq) FROM event WHERE stream = ?)", [stream, stream]
