"""The tables, and how they are made.

What is asked for by value has a column of its own; the whole noun or fact is kept beside it in ``body``, the JSON bytes
of `carekit.encode`. Instants are whole microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.schema import CreateIndex, CreateTable

# Byte order, as Python and SQLite sort texts: cursors must mean the same everywhere.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER.
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()
BODY = sa.LargeBinary()
DIGEST = sa.LargeBinary()

metadata = sa.MetaData()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def _instant(name: str, *, optional: bool = False) -> sa.Column[int]:
    return sa.Column(name, INSTANT, nullable=optional)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _body() -> sa.Column[bytes]:
    return sa.Column("body", BODY, nullable=False)


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
    sa.Column("bot", TEXT, nullable=False, server_default=""),
)

# Every message moves its conversation to the top of the lists, so each index with that order is paid for by every
# message. One carries them all: a list of several statuses, or of any, is put together from one of each. A contact has
# few conversations, which can be sorted when they are asked for. Those that wait are few, and have indexes that hold
# only them.
_c = conversation.c
_newest = _c.updated_at.desc()
sa.Index("conversation_status", _c.status, _newest, _c.id)
sa.Index("conversation_contact", _c.contact)


def _partial(name: str, only: sa.ColumnElement[bool], *columns: sa.ColumnElement[Any]) -> None:
    sa.Index(f"conversation_{name}", *columns, sqlite_where=only, postgresql_where=only)


_partial("assignee", _c.assignee != "", _c.assignee, _newest, _c.id)
_partial("waiting", _c.waiting_since.is_not(None), _c.waiting_since, _c.id)
_partial("queued", _c.queued_at.is_not(None), _c.queued_at, _c.id)
_partial("queue", sa.and_(_c.queued_at.is_not(None), _c.status == sa.literal_column("'open'")), _c.inbox)
_partial("wake", _c.wake_at.is_not(None), _c.wake_at, _c.id)

thread_key = sa.Table(
    "thread_key",
    metadata,
    sa.Column("key", TEXT, primary_key=True),
    _text("conversation"),
    sqlite_with_rowid=False,
)

# The key is a digest: short, whatever the far side's own ids are like, and nobody's personal data.
receipt = sa.Table(
    "receipt", metadata, sa.Column("key", DIGEST, primary_key=True), _text("value"), sqlite_with_rowid=False
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
    _text("destination"),
    _number("attempts"),
    _number("token"),
    _number("begun"),
    sa.Column("node", sa.Integer, nullable=False),
    sa.Index("job_lane", "lane", "id"),
    sa.Index("job_due", "due", "id"),
    sqlite_autoincrement=True,
)

node = sa.Table(
    "node", metadata, sa.Column("id", SERIAL, primary_key=True), _instant("until"), sqlite_autoincrement=True
)

claim = sa.Table(
    "claim",
    metadata,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("node", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Keys of one column, ``<stream>:<seq>`` and ``<view>|<key>``: what belongs together lies together.
delivery = sa.Table(
    "delivery", metadata, sa.Column("key", TEXT, primary_key=True), _text("status"), sqlite_with_rowid=False
)

letter = sa.Table(
    "letter",
    metadata,
    sa.Column("id", TEXT, primary_key=True),
    _text("channel"),
    _text("stream"),
    _body(),
)

view = sa.Table("view_row", metadata, sa.Column("key", TEXT, primary_key=True), _text("text"), sqlite_with_rowid=False)

# Which streams refer to which kept bytes: what nothing refers to may be swept away.
blob = sa.Table(
    "blob",
    metadata,
    sa.Column("digest", TEXT, primary_key=True),
    sa.Column("stream", TEXT, primary_key=True),
    sa.Index("blob_stream", "stream"),
    sqlite_with_rowid=False,
)

mark = sa.Table("mark", metadata, sa.Column("name", TEXT, primary_key=True), _text("value"), sqlite_with_rowid=False)

credential = sa.Table(
    "credential", metadata, sa.Column("agent", TEXT, primary_key=True), _text("hash"), sqlite_with_rowid=False
)


# For the search: the folded words of each message, by its position. In SQLite this is a table of a kind of its own,
# which SQLAlchemy does not know; so it stands apart from the others, once for each.
words = sa.Table(
    "words",
    sa.MetaData(),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("said", TSVECTOR, nullable=False),
    sa.Index("words_said", "said", postgresql_using="gin"),
)
words_of_sqlite = sa.table("words", sa.column("rowid", sa.Integer), sa.column("said", sa.Text), sa.column("words"))


def definitions(dialect: sa.Dialect) -> Iterator[str]:
    """The statements that make an empty database ours."""
    for table in metadata.sorted_tables:
        yield from _definition(table, dialect)
    yield from search(dialect)


def search(dialect: sa.Dialect) -> Iterator[str]:
    """The statements that make the index of words."""
    if dialect.name == "sqlite":
        yield "CREATE VIRTUAL TABLE words USING fts5(said, tokenize='unicode61 remove_diacritics 0')"
    else:
        yield from _definition(words, dialect)


def _definition(table: sa.Table, dialect: sa.Dialect) -> Iterator[str]:
    yield str(CreateTable(table).compile(dialect=dialect)).strip()
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield str(CreateIndex(index).compile(dialect=dialect))
