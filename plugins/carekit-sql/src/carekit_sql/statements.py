"""Statements: made with SQLAlchemy, turned into text once, and from then on handed to the driver as they are.

A batch of one message is a dozen statements of some microseconds each; building or looking up the construct every time
would cost more than running it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from carekit_sql import tables as t

_LIST = re.compile(r"__\[POSTCOMPILE_(\w+?)\]")
MOST = 8192
"""The most values handed over as one list; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


class Statement:
    """One statement as text for one database, with the order of its parameters.

    A list is padded to the next power of two by repeating its last value, so that the driver and the server see a few
    texts instead of one for every length, and can keep them prepared.
    """

    def __init__(self, construct: sa.ClauseElement, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> None:
        compiled = construct.compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self.names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._lists = frozenset(_LIST.findall(self.text))
        self._place = "%s" if dialect.paramstyle == "format" else "?"
        self._texts: dict[tuple[int, ...], str] = {}

    def bind(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text and parameters for *values*; every list must hold 1 to `MOST` values."""
        if self._fixed:
            values = {**self._fixed, **values}
        if not self._lists:
            return self.text, [values[name] for name in self.names]
        parameters: list[Any] = []
        sizes = []
        for name in self.names:
            if name in self._lists:
                items = list(values[name])
                size = 1 << (len(items) - 1).bit_length()
                sizes.append(size)
                parameters += items
                parameters += items[-1:] * (size - len(items))
            else:
                parameters.append(values[name])
        return self._for_sizes(tuple(sizes)), parameters

    def _for_sizes(self, sizes: tuple[int, ...]) -> str:
        text = self._texts.get(sizes)
        if text is None:
            rest = iter(sizes)
            text = self._texts[sizes] = _LIST.sub(lambda _: ", ".join([self._place] * next(rest)), self.text)
        return text


def _among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("keys", expanding=True))


def keep(table: sa.Table, dialect: sa.Dialect) -> Statement:
    """Insert a row, or let it take the place of the one with its key."""
    build: Callable[..., Any] = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement = build(table)
    key = [column.name for column in table.primary_key]
    changes = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    return Statement(statement.on_conflict_do_update(index_elements=key, set_=changes), dialect, table.columns.keys())


def add(table: sa.Table, dialect: sa.Dialect) -> Statement:
    """Insert a row whose key must be new."""
    return Statement(table.insert(), dialect, table.columns.keys())


class Statements:
    """All statements of fixed shape, for one database."""

    def __init__(self, dialect: sa.Dialect) -> None:
        def make(construct: sa.ClauseElement) -> Statement:
            return Statement(construct, dialect)

        c, e, j = t.conversation.c, t.event.c, t.job.c
        self.keys = make(sa.select(t.thread_key.c.key, t.thread_key.c.conversation).where(_among(t.thread_key.c.key)))
        self.receipts = make(sa.select(t.receipt.c.key, t.receipt.c.value).where(_among(t.receipt.c.key)))
        self.addresses = make(sa.select(t.address.c.key, t.address.c.contact).where(_among(t.address.c.key)))
        # Locks are always taken in order of id, so that no two writers can wait for each other.
        self.conversations = make(sa.select(c.id, c.body).where(_among(c.id)).order_by(c.id).with_for_update())
        self.contacts = make(
            sa.select(t.contact.c.id, t.contact.c.body)
            .where(_among(t.contact.c.id))
            .order_by(t.contact.c.id)
            .with_for_update()
        )
        self.agents = make(sa.select(t.agent.c.id, t.agent.c.body).order_by(t.agent.c.id))
        self.some_agents = make(
            sa.select(t.agent.c.id, t.agent.c.body).where(_among(t.agent.c.id)).order_by(t.agent.c.id).with_for_update()
        )
        self.heads = make(sa.select(e.stream, sa.func.max(e.seq)).where(_among(e.stream)).group_by(e.stream))
        self.jobs = make(sa.select(*JOB).where(_among(j.id)).order_by(j.id).with_for_update())

        self.keep_conversation = keep(t.conversation, dialect)
        self.keep_contact = keep(t.contact, dialect)
        self.keep_key = keep(t.thread_key, dialect)
        self.keep_mark = keep(t.mark, dialect)
        self.keep_credential = keep(t.credential, dialect)
        self.add_address = add(t.address, dialect)
        self.add_agent = add(t.agent, dialect)
        self.add_receipt = add(t.receipt, dialect)
        self.add_event = add(t.event, dialect)
        self.add_job = add(t.job, dialect)
        self.add_meta = add(t.meta, dialect)
        self.change_agent = make(
            t.agent.update().where(t.agent.c.id == sa.bindparam("key")).values(body=sa.bindparam("new"))
        )
        mine = (j.id == sa.bindparam("key"), j.token == sa.bindparam("mine"))
        self.end_job = make(t.job.delete().where(*mine))
        self.delay_job = make(
            t.job.update()
            .where(*mine)
            .values(due=sa.bindparam("retry_at"), attempts=sa.bindparam("tries"), lease_until=sa.null())
        )

        self.version = make(sa.select(t.meta.c.value).where(t.meta.c.key == "schema"))
        self.last_position = make(sa.select(sa.func.max(e.position)))
        self.credential = make(sa.select(t.credential.c.hash).where(t.credential.c.agent == sa.bindparam("agent")))
        self.marks = make(sa.select(t.mark.c.name, t.mark.c.value).where(_among(t.mark.c.name)))
        self.due = make(
            sa.select(c.id)
            .where(c.wake_at <= sa.bindparam("now"))
            .order_by(c.wake_at, c.id)
            .limit(sa.bindparam("most"))
        )
        self.next_due = make(sa.select(sa.func.min(c.wake_at)).where(c.wake_at.is_not(None)))
        self.pending_jobs = make(sa.select(sa.func.count()).select_from(t.job))
        self.ripe_jobs = make(_free_jobs())
        self.free_jobs = make(_free_jobs().with_for_update(skip_locked=True))
        self.lease_job = make(
            t.job.update().where(_among(j.id)).values(token=j.token + 1, lease_until=sa.bindparam("until"))
        )


JOB = (
    t.job.c.lane,
    t.job.c.kind,
    t.job.c.stream,
    t.job.c.seq,
    t.job.c.due,
    t.job.c.id,
    t.job.c.attempts,
    t.job.c.token,
)
"""The columns of a job in the order of the fields of `carekit.Job`."""


def _free_jobs() -> sa.Select[Any]:
    """The due and unleased jobs that are first in their lanes."""
    j, earlier = t.job.c, t.job.alias("earlier")
    first = ~sa.exists().where(earlier.c.lane == j.lane, earlier.c.id < j.id)
    now: sa.BindParameter[int] = sa.bindparam("now")
    free = sa.or_(j.lease_until.is_(None), j.lease_until <= now)
    return sa.select(*JOB).where(j.due <= now, free, first).order_by(j.due, j.id).limit(sa.bindparam("most"))
