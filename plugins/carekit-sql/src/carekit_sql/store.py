"""The store: what the service asks for, as transactions and reads of one database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import attrs

from carekit import (
    Agent,
    Contact,
    Conversation,
    DeliveryStatus,
    Event,
    Health,
    Hit,
    Job,
    Letter,
    Page,
    Query,
    Scope,
    Secret,
    Store,
    StoreError,
    Unavailable,
    decode_contact,
    decode_conversation,
    decode_letter,
    pieces,
    replace,
    said,
    setting,
    words_of,
)
from carekit_sql import locations, reads, rows, schema
from carekit_sql.dialects import Database
from carekit_sql.on_sqlite import Sqlite
from carekit_sql.statements import MOST, Statement, Statements
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
        self._joining = Lock()
        self.shared = _is_shared(settings.url)

    def check(self) -> Iterable[str]:
        try:
            connect(self.settings.url, self.folder).check_place()
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
            statements = Statements.of(database.dialect)
            schema.make_ready(database)
        except database.errors as error:
            database.close()
            raise database.explain(error) from None
        except BaseException:
            database.close()
            raise
        self._open = _Open(database, statements, reads.Reads.of(database.dialect))

    def close(self) -> None:
        ours, self._open = self._open, None
        if ours is not None:
            ours.database.close()

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        ours = self._opened()
        with self._telling(ours.database), ours.database.writing() as work:
            unit = ours.database.unit(ours.statements, work, self._agents)
            yield unit
            if unit.failure is not None:
                raise unit.failure
        unit.settle()

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

    def deliveries(self, conversation: str) -> dict[int, DeliveryStatus]:
        values = {"first": f"{conversation}:", "last": f"{conversation};"}
        found = self._rows(self._opened().statements.stream_deliveries, values)
        return {int(key.rpartition(":")[2]): DeliveryStatus(status) for key, status in found}

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

    def search(self, words: str, limit: int, scope: Scope) -> list[Hit]:
        ours, wanted = self._opened(), words_of(words)
        if not wanted:
            return []
        values = {"query": reads.match(wanted, ours.database.dialect), "most": rows.small(limit), **reads.limits(scope)}
        events = map(rows.event_from, self._rows(ours.reads.search(reads.Reach.of(scope)), values))
        hits = ((event, pieces(said(event.fact), wanted)) for event in events if scope.shows(event))
        return [Hit(event.stream, event.seq, event.at, cut) for event, cut in hits if cut]

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

    def letter(self, id: str) -> Letter | None:
        found = self._rows(self._opened().statements.letters, {"keys": (id,)})
        return decode_letter(found[0][1]) if found else None

    def letters(self, after: str, limit: int) -> list[Letter]:
        values = {"first": after, "most": rows.small(limit)}
        return [decode_letter(body) for (body,) in self._rows(self._opened().statements.some_letters, values)]

    def count_letters(self) -> dict[str, int]:
        return dict(self._rows(self._opened().statements.count_letters, {}))

    def rows(self, name: str, keys: Collection[str]) -> dict[str, str]:
        if not keys:
            return {}
        found: list[Any] = []
        wanted = sorted(rows.view_key(name, key) for key in keys)
        for start in range(0, len(wanted), MOST):
            found += self._rows(self._opened().statements.views, {"keys": wanted[start : start + MOST]})
        return {key.partition("|")[2]: text for key, text in found}

    def view(self, name: str, first: str, last: str) -> list[tuple[str, str]]:
        values = {"first": rows.view_key(name, first), "last": rows.view_key(name, last)}
        found = self._rows(self._opened().statements.view_rows, values)
        return [(key.partition("|")[2], text) for key, text in found]

    def digests(self, after: str, limit: int) -> list[str]:
        values = {"first": after, "most": rows.small(limit)}
        return [digest for (digest,) in self._rows(self._opened().statements.digests, values)]

    def due(self, now: datetime, limit: int) -> list[str]:
        found = self._rows(self._opened().statements.due, {"now": rows.micros(now), "most": rows.small(limit)})
        return [id for (id,) in found]

    def next_due(self, now: datetime) -> datetime | None:
        s = self._opened().statements
        found = [self._rows(s.next_due, {})[0][0], self._rows(s.next_job, {"now": rows.micros(now)})[0][0]]
        return min((rows.instant(value) for value in found if value is not None), default=None)

    def join(self, now: datetime, until: datetime) -> int:
        ours = self._opened()
        with self._joining, self._telling(ours.database), ours.database.writing() as work:
            # Who has just become the only one to work on it knows that all before are dead.
            alone = ours.database.join()
            silent = ours.statements.drop_nodes if alone else ours.statements.drop_silent
            work.execute(*silent.bind({"now": rows.micros(now)}))
            added = work.execute(*ours.statements.add_node.bind({"until": rows.micros(until)}))
            return int(added.fetchone()[0])

    def beat(self, node: int, now: datetime, until: datetime) -> bool:
        values = {"node": node, "now": rows.micros(now), "until": rows.micros(until)}
        return self._change(self._opened().statements.beat, values) == 1

    def leave(self, node: int) -> None:
        self._change(self._opened().statements.drop_node, {"node": node})

    def lease(self, node: int, now: datetime, limit: int, skip: Collection[str] = ()) -> list[Job]:
        ours = self._opened()
        values = {"now": rows.micros(now), "most": rows.small(limit), "skip": [*skip] or ["-"]}
        if not self._rows(ours.statements.ripe_jobs, values):
            return []  # the usual case, and no reason to make writers wait
        with self._telling(ours.database), ours.database.writing() as work:
            jobs = [rows.job_from(row) for row in work.execute(*ours.statements.free_jobs.bind(values))]
            if jobs:
                leased = {"keys": [job.id for job in jobs], "node": node}
                work.execute(*ours.statements.lease_jobs.bind(leased))
        return [replace(job, token=job.token + 1) for job in jobs]

    def claim(self, name: str, node: int, now: datetime) -> bool:
        ours = self._opened()
        with self._telling(ours.database), ours.database.writing() as work:
            ours.database.hold(work, [f"claim {name}"])
            claimed = work.execute(*ours.statements.claimed.bind({"name": name, "now": rows.micros(now)}))
            holder = claimed.fetchone()
            if holder is not None:
                return bool(holder[0] == node)
            ours.statements.keep_claims.run(work, [(name, node)])
            return True

    def pending_jobs(self) -> int:
        return int(self._rows(self._opened().statements.pending_jobs, {})[0][0])

    # --- how they run

    def _change(self, statement: Statement, values: Mapping[str, Any]) -> int:
        """Run one statement in a transaction of its own; how many rows it changed."""
        database = self._opened().database
        with self._telling(database), database.writing() as work:
            changed = work.execute(*statement.bind(values))
        return int(changed.rowcount)

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


def _is_shared(url: Secret) -> bool:
    try:
        return locations.read(url).get_backend_name() != "sqlite"
    except StoreError:
        return False  # `check` says what is wrong with it


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
