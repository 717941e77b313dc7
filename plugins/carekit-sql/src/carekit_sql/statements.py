"""Statements: made with SQLAlchemy, turned into text once, and from then on handed to the driver as they are.

A batch of one message is a dozen statements of some microseconds each; building or looking up the construct every time
would cost more than running it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from carekit_sql import tables as t

_LIST = re.compile(r"IN \(__\[POSTCOMPILE_(\w+?)\]\)")
MOST = 8192
"""The most values handed over as one list; SQLite takes 32,766 parameters."""


class Statement:
    """One statement as text for one database, with the order of its parameters.

    PostgreSQL takes a list as one array. For SQLite it is padded to the next power of two by repeating its last value,
    so that the driver sees a few texts instead of one for every length, and can keep them prepared.
    """

    def __init__(self, construct: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = construct.compile(dialect=dialect)
        self.text = str(compiled)
        self._names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._lists = frozenset(_LIST.findall(self.text))
        self._arrays = dialect.name == "postgresql"
        self._texts: dict[tuple[int, ...], str] = {}
        if self._arrays:
            self.text = _LIST.sub("= ANY(%b)", self.text)

    def bind(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text and parameters for *values*; every list must hold 1 to `MOST` values."""
        if self._fixed:
            values = {**self._fixed, **values}
        if not self._lists:
            return self.text, [values[name] for name in self._names]
        if self._arrays:
            return self.text, [list(values[name]) if name in self._lists else values[name] for name in self._names]
        parameters: list[Any] = []
        sizes = []
        for name in self._names:
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
            text = self._texts[sizes] = _LIST.sub(lambda _: f"IN ({', '.join('?' * next(rest))})", self.text)
        return text


class Insert:
    """Adds rows that have every column of *table*; with *replace* a row takes the place of the one with its key.

    PostgreSQL gets one array for each column: one statement of always the same text, whatever the number of rows.
    """

    def __init__(self, table: sa.Table, dialect: sa.Dialect, *, replace: bool = False) -> None:
        self._arrays = dialect.name == "postgresql"
        build: Callable[..., Any] = postgresql.insert if self._arrays else sqlite.insert
        statement = build(table)
        names = table.columns.keys()
        if self._arrays:
            columns = [sa.bindparam(column.name, type_=postgresql.ARRAY(column.type)) for column in table.columns]
            source = sa.func.unnest(*columns).table_valued(*names).render_derived()
            statement = statement.from_select(names, sa.select(source))
        if replace:
            key = table.primary_key.columns.keys()
            changes = {name: statement.excluded[name] for name in names if name not in key}
            statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
        text = str(statement.compile(dialect=dialect, column_keys=names))
        # Binary costs PostgreSQL's driver half as much as text.
        self._text = text.replace("%s", "%b") if self._arrays else text

    def run(self, cursor: Any, rows: Iterable[Sequence[Any]]) -> None:
        """Insert *rows*, if there are any."""
        ready = list(rows)
        if not ready:
            return
        if self._arrays:
            cursor.execute(self._text, [list(column) for column in zip(*ready, strict=True)])
        else:
            cursor.executemany(self._text, ready)


def _among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("keys", expanding=True))


class Statements:
    """All statements of fixed shape, for one database."""

    def __init__(self, dialect: sa.Dialect) -> None:
        def make(construct: sa.ClauseElement) -> Statement:
            return Statement(construct, dialect)

        self._make_loads(make)
        self._make_inserts(dialect)
        self._make_reads(make)
        self._make_leases(make)

    def _make_loads(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
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
        self.queued = make(
            sa.select(t.conversation.c.inbox, sa.func.count())
            .where(t.conversation.c.queued_at.is_not(None), t.conversation.c.status == "open")
            .group_by(t.conversation.c.inbox)
        )
        self.heads = make(sa.select(e.stream, sa.func.max(e.seq)).where(_among(e.stream)).group_by(e.stream))
        self.jobs = make(sa.select(*JOB).where(_among(j.id)).order_by(j.id).with_for_update())

    def _make_inserts(self, dialect: sa.Dialect) -> None:
        self.keep_conversations = Insert(t.conversation, dialect, replace=True)
        self.keep_contacts = Insert(t.contact, dialect, replace=True)
        self.keep_agents = Insert(t.agent, dialect, replace=True)
        self.keep_keys = Insert(t.thread_key, dialect, replace=True)
        self.keep_marks = Insert(t.mark, dialect, replace=True)
        self.keep_credentials = Insert(t.credential, dialect, replace=True)
        self.keep_jobs = Insert(t.job, dialect, replace=True)
        self.add_addresses = Insert(t.address, dialect)
        self.add_agents = Insert(t.agent, dialect)
        self.add_receipts = Insert(t.receipt, dialect)
        self.add_events = Insert(t.event, dialect)
        self.add_jobs = Insert(t.job, dialect)
        self.add_meta = Insert(t.meta, dialect)

    def _make_reads(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
        c, e = t.conversation.c, t.event.c
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

    def _make_leases(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
        j = t.job.c
        self.end_jobs = make(t.job.delete().where(_among(j.id)))
        self.ripe_jobs = make(_free_jobs())
        self.free_jobs = make(_free_jobs().with_for_update(skip_locked=True))
        self.drop_leases = make(t.job.update().where(j.lease_until.is_not(None)).values(lease_until=sa.null()))
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
