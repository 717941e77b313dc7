"""The store: what the service asks for, as transactions and reads of one database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import attrs

from carekit import (
    Agent,
    Contact,
    Conversation,
    Event,
    Health,
    Job,
    Page,
    Query,
    Scope,
    Secret,
    Store,
    StoreError,
    Unavailable,
    decode_contact,
    decode_conversation,
    replace,
    setting,
)
from carekit_sql import locations, reads, rows, schema
from carekit_sql.dialects import Database
from carekit_sql.on_sqlite import Sqlite
from carekit_sql.statements import Statement, Statements
from carekit_sql.transaction import SqlTransaction


@attrs.frozen
class SqlSettings:
    """The keys of ``[store]`` with ``use = "sql"``."""

    url: Secret = setting(
        "where the desk is kept: sqlite:///care.db on one machine (the default), or"
        ' postgresql://user:password@host/database for many; a text, or { env = "NAME" } if it holds a password',
        default=Secret("sqlite:///care.db"),
    )


@attrs.frozen
class _Open:
    """A database with the statements made for it."""

    database: Database
    statements: Statements
    reads: reads.Reads


class SqlStore(Store):
    """A desk in SQLite or PostgreSQL."""

    Settings: ClassVar[type] = SqlSettings
    starter = """\
# One file on this machine; postgresql://… when one machine is not enough.
[store]
use = "sql"
url = "sqlite:///care.db"
"""

    def __init__(self, name: str, settings: SqlSettings) -> None:
        super().__init__(name, settings)
        self._open: _Open | None = None
        self._agents = rows.AgentCache()
        self._trouble = ""

    def check(self) -> Iterable[str]:
        try:
            locations.read(self.settings.url)
        except StoreError as error:
            yield f"url: {error}"

    async def health(self) -> Health:
        return Health(self.name, "failed", self._trouble) if self._trouble else Health(self.name)

    def open(self) -> None:
        if self._open is not None:
            return
        database = connect(self.settings.url, self.folder)
        try:
            database.open()
            statements = Statements(database.dialect)
            schema.make_ready(database, statements)
        except database.errors as error:
            database.close()
            raise database.explain(error) from None
        except BaseException:
            database.close()
            raise
        self._open = _Open(database, statements, reads.Reads(database.dialect))

    def close(self) -> None:
        ours, self._open = self._open, None
        if ours is not None:
            ours.database.close()

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        ours = self._opened()
        with self._telling(ours.database), ours.database.writing() as cursor:
            unit = SqlTransaction(ours.database, ours.statements, cursor, self._agents)
            yield unit
            if unit.failure is not None:
                raise unit.failure

    # --- reads

    def conversation(self, id: str, scope: Scope) -> Conversation | None:
        statement = self._opened().reads.conversation(reads.Reach.of(scope))
        found = self._rows(statement, {"id": id, **reads.limits(scope)})
        return decode_conversation(found[0][0]) if found else None

    def conversations(self, query: Query, scope: Scope) -> Page:
        statement = self._opened().reads.listing(reads.Listing.of(query, scope))
        values = reads.query_values(query, scope)
        if values.get("status") == [] or query.limit < 1:
            return Page(())
        values["most"] = rows.small(query.limit) + 1
        items = [decode_conversation(body) for (body,) in self._rows(statement, values)]
        page = items[: query.limit]
        return Page(page, reads.cursor_after(query, page[-1]) if len(items) > len(page) else "")

    def count(self, query: Query, scope: Scope) -> int:
        statement = self._opened().reads.listing(reads.Listing.of(query, scope, counting=True))
        values = reads.query_values(replace(query, cursor=""), scope)
        return 0 if values.get("status") == [] else int(self._rows(statement, values)[0][0])

    def events(self, stream: str, after: int = 0, limit: int | None = None, *, last: bool = False) -> list[Event]:
        newest = last and limit is not None
        statement = self._opened().reads.events(limit is not None, newest)
        values = {"stream": stream, "after": rows.small(after), "most": rows.small(limit or 0)}
        found = [rows.event_from(row) for row in self._rows(statement, values)]
        return found[::-1] if newest else found

    def feed(self, after: int, limit: int, scope: Scope) -> list[Event]:
        statement = self._opened().reads.feed(reads.Reach.of(scope))
        values = {"after": rows.small(after, 2**63 - 1), "most": rows.small(limit), **reads.limits(scope)}
        return [rows.event_from(row) for row in self._rows(statement, values)]

    def last_position(self) -> int:
        return self._rows(self._opened().statements.last_position, {})[0][0] or 0

    def contact(self, id: str, scope: Scope) -> Contact | None:
        statement = self._opened().reads.contact(reads.Reach.of(scope))
        found = self._rows(statement, {"id": id, **reads.limits(scope)})
        return decode_contact(found[0][0]) if found else None

    def contacts(self, cursor: str, limit: int, scope: Scope) -> tuple[list[Contact], str]:
        statement = self._opened().reads.contacts(reads.Reach.of(scope))
        if limit < 1:
            return [], ""
        values = {"cursor": cursor, "most": rows.small(limit) + 1, **reads.limits(scope)}
        people = [decode_contact(body) for (body,) in self._rows(statement, values)]
        page = people[:limit]
        return page, page[-1].id if len(people) > len(page) else ""

    def agents(self) -> list[Agent]:
        return list(self._agents.decode(self._rows(self._opened().statements.agents, {})).values())

    def credential(self, agent: str) -> str | None:
        found = self._rows(self._opened().statements.credential, {"agent": agent})
        return str(found[0][0]) if found else None

    def marks(self, names: Collection[str]) -> dict[str, str]:
        return dict(self._rows(self._opened().statements.marks, {"keys": names})) if names else {}

    def find_key(self, key: str) -> str | None:
        found = self._rows(self._opened().statements.keys, {"keys": (rows.fold(key),)})
        return str(found[0][1]) if found else None

    def due(self, now: datetime, limit: int) -> list[str]:
        found = self._rows(self._opened().statements.due, {"now": rows.micros(now), "most": rows.small(limit)})
        return [id for (id,) in found]

    def next_due(self) -> datetime | None:
        found = self._rows(self._opened().statements.next_due, {})[0][0]
        return None if found is None else rows.instant(found)

    def lease(self, now: datetime, until: datetime, limit: int) -> list[Job]:
        ours = self._opened()
        values = {"now": rows.micros(now), "most": rows.small(limit)}
        if not self._rows(ours.statements.ripe_jobs, values):
            return []  # the usual case, and no reason to make writers wait
        with self._telling(ours.database), ours.database.writing() as cursor:
            cursor.execute(*ours.statements.free_jobs.bind(values))
            jobs = [rows.job_from(row) for row in cursor.fetchall()]
            if jobs:
                leased = {"keys": [job.id for job in jobs], "until": rows.micros(until)}
                cursor.execute(*ours.statements.lease_job.bind(leased))
        return [replace(job, token=job.token + 1) for job in jobs]

    def reclaim(self) -> int:
        ours = self._opened()
        if not ours.database.exclusive:
            return 0
        with self._telling(ours.database), ours.database.writing() as cursor:
            cursor.execute(*ours.statements.drop_leases.bind({}))
            return int(cursor.rowcount)

    def pending_jobs(self) -> int:
        return int(self._rows(self._opened().statements.pending_jobs, {})[0][0])

    # --- how they run

    def _opened(self) -> _Open:
        if self._open is None:
            raise StoreError(f"the store {self.name!r} is not open; call open() first")
        return self._open

    def _rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        database = self._opened().database
        with self._telling(database):
            return database.rows(*statement.bind(values))

    @contextmanager
    def _telling(self, database: Database) -> Iterator[None]:
        """Turn the driver's errors into the store's, and remember for `health` whether it can be reached."""
        try:
            yield
        except database.errors as error:
            told = database.explain(error)
            if isinstance(told, Unavailable):
                self._trouble = str(told)
            raise told from error
        self._trouble = ""


def connect(url: str | Secret, folder: Path = Path()) -> Database:
    """The database at *url*, not opened yet; a relative path begins in *folder*.

    Raises `StoreError` if there is no way to reach it.
    """
    place = locations.read(url)
    if place.get_backend_name() == "sqlite":
        return Sqlite(place.set(database=str(folder / str(place.database))))
    try:
        from carekit_sql.on_postgresql import Postgresql  # psycopg is an extra
    except ImportError as error:
        raise StoreError(
            f"the store at {locations.show(place)} needs psycopg ({error}); install carekit-sql[postgresql]"
        ) from None
    return Postgresql(place)
