"""The tables, and how they are made.

What is asked for by value has a column of its own; the whole noun or fact is kept beside it in ``body``, the JSON bytes
of `carekit.encode`. Instants are whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

VERSION = 1
"""Version of the schema below; it grows with every change of it."""

# Byte order, as Python and SQLite sort texts: cursors must mean the same everywhere.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER.
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()
BODY = sa.LargeBinary()

metadata = sa.MetaData()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def _instant(name: str, *, optional: bool = False) -> sa.Column[int]:
    return sa.Column(name, INSTANT, nullable=optional)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _body() -> sa.Column[bytes]:
    return sa.Column("body", BODY, nullable=False)


meta = sa.Table("meta", metadata, sa.Column("key", TEXT, primary_key=True), _text("value"))

contact = sa.Table("contact", metadata, sa.Column("id", TEXT, primary_key=True), _body())

address = sa.Table(
    "address",
    metadata,
    sa.Column("key", TEXT, primary_key=True),
    _text("contact"),
    sqlite_with_rowid=False,
)

agent = sa.Table("agent", metadata, sa.Column("id", TEXT, primary_key=True), _body())

conversation = sa.Table(
    "conversation",
    metadata,
    sa.Column("id", TEXT, primary_key=True),
    _text("channel"),
    _text("inbox"),
    _text("contact"),
    _text("status"),
    _text("assignee"),
    _instant("updated_at"),
    _instant("waiting_since", optional=True),
    _instant("queued_at", optional=True),
    _instant("wake_at", optional=True),
    _instant("created_at"),
    _number("seq"),
    _body(),
)

# One index for each order; those of the few that wait hold only these, so that they cost nothing for the many.
_c = conversation.c
_newest = _c.updated_at.desc()
sa.Index("conversation_updated", _newest, _c.id)
sa.Index("conversation_status", _c.status, _newest, _c.id)
sa.Index("conversation_contact", _c.contact, _newest, _c.id)


def _partial(name: str, only: sa.ColumnElement[bool], *columns: sa.ColumnElement[Any]) -> None:
    sa.Index(f"conversation_{name}", *columns, sqlite_where=only, postgresql_where=only)


_partial("assignee", _c.assignee != "", _c.assignee, _newest, _c.id)
_partial("waiting", _c.waiting_since.is_not(None), _c.waiting_since, _c.id)
_partial("queued", _c.queued_at.is_not(None), _c.queued_at, _c.id)
_partial("wake", _c.wake_at.is_not(None), _c.wake_at, _c.id)

thread_key = sa.Table(
    "thread_key",
    metadata,
    sa.Column("key", TEXT, primary_key=True),
    _text("conversation"),
    sqlite_with_rowid=False,
)

receipt = sa.Table(
    "receipt", metadata, sa.Column("key", TEXT, primary_key=True), _text("value"), sqlite_with_rowid=False
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("position", SERIAL, primary_key=True),
    _text("stream"),
    _number("seq"),
    _instant("at"),
    _text("kind"),
    _text("actor"),
    sa.Column("cause", sa.Integer),
    _text("policy"),
    _text("reason"),
    _text("config"),
    _body(),
    sa.UniqueConstraint("stream", "seq"),
    sqlite_autoincrement=True,  # a position is a reader's cursor: it must never be given twice
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("id", SERIAL, primary_key=True),
    _text("lane"),
    _text("kind"),
    _text("stream"),
    _number("seq"),
    _instant("due"),
    _number("attempts"),
    _instant("lease_until", optional=True),
    _number("token"),
    sa.Index("job_lane", "lane", "id"),
    sa.Index("job_due", "due", "id"),
    sqlite_autoincrement=True,
)

mark = sa.Table("mark", metadata, sa.Column("name", TEXT, primary_key=True), _text("value"), sqlite_with_rowid=False)

credential = sa.Table(
    "credential", metadata, sa.Column("agent", TEXT, primary_key=True), _text("hash"), sqlite_with_rowid=False
)


def definitions(dialect: sa.Dialect) -> Iterator[str]:
    """The statements that make an empty database ours."""
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
