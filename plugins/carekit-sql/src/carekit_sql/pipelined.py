"""A transaction on PostgreSQL: what is needed is asked at once, and nothing written is waited for before the commit.

A transaction of the service is two ways to the server and back: one for all that it loads, one for all that it writes
and the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from carekit import Event, Job, Wanted
from carekit_sql import rows
from carekit_sql import tables as t
from carekit_sql.arrays import Bytes, Texts
from carekit_sql.bulk import arrays_of, kinds_of, listed, unnested
from carekit_sql.transaction import Asked, SqlTransaction

if TYPE_CHECKING:
    from carekit_sql.on_postgresql import Postgresql

# Each statement sees what was committed before it began, and begins only when the one before it has its locks. Contacts
# are read by every message and hardly ever changed: who changes one looks whether it is still as it was.
# ruff: noqa: S608 - the names are those of our tables
_FOUND = "ARRAY(SELECT conversation FROM thread_key WHERE key = ANY(%b))"
_CONVERSATIONS = f"SELECT id, body, NULL FROM conversation WHERE id = ANY(%b || {_FOUND}) ORDER BY id FOR UPDATE"
_CONTACTS = (
    "SELECT id, body FROM contact WHERE id = ANY(ARRAY(SELECT contact FROM address WHERE key = ANY(%b))"
    f" || ARRAY(SELECT contact FROM conversation WHERE id = ANY(%b || {_FOUND})))"
)

# What is only read comes by one statement, a number of the kind before each row: every statement costs the server and
# us as much as some rows.
_LOOK_UP = """\
SELECT 0, key, conversation, NULL::bytea, 0 FROM thread_key WHERE key = ANY(%b)
UNION ALL SELECT 1, NULL, value, key, 0 FROM receipt WHERE key = ANY(%b)
UNION ALL SELECT 2, key, contact, NULL, 0 FROM address WHERE key = ANY(%b)
UNION ALL SELECT 3, id, NULL, body, 0 FROM agent
UNION ALL SELECT 4, inbox, NULL, NULL, count(*)::integer FROM conversation
    WHERE queued_at IS NOT NULL AND status = 'open' GROUP BY inbox"""

_EVENT = [column for column in t.event.columns if column.name != "position"]
_EVENT_NAMES, _EVENT_KINDS = listed(_EVENT), kinds_of(_EVENT)
_ADD_EVENTS = (
    f"INSERT INTO event ({_EVENT_NAMES}) SELECT {_EVENT_NAMES} FROM {unnested(_EVENT)} WITH ORDINALITY"
    f" AS new({_EVENT_NAMES}, place) ORDER BY place RETURNING position"
)

_JOB = [column for column in t.job.columns if column.name != "id"]
_JOB_NAMES, _JOB_KINDS = listed(_JOB), kinds_of(_JOB)
# A lane in which a job is somebody else's would be overtaken by whoever took a new one.
_ADD_JOBS = (
    f"INSERT INTO job ({_JOB_NAMES}) SELECT"
    f" {', '.join(f'{c.name} * ours' if c.name in ('token', 'node') else c.name for c in _JOB)}"
    " FROM (SELECT new.*, (NOT EXISTS (SELECT FROM job WHERE job.lane = new.lane AND job.node <> new.node))::integer"
    f" AS ours FROM {unnested(_JOB)} WITH ORDINALITY AS new({_JOB_NAMES}, place)) AS jobs ORDER BY place"
    " RETURNING id, token"
)


class OfKind(Asked):
    """The rows of one kind among those of `_LOOK_UP`, each with what is meant of it."""

    __slots__ = ("_all", "_kind", "_meant")

    def __init__(self, found: Asked, kind: int, meant: Callable[[Any], Any]) -> None:
        super().__init__()
        self._all = found
        self._kind = kind
        self._meant = meant

    @property
    def rows(self) -> list[Any]:
        """The rows found."""
        return [self._meant(row) for row in self._all.rows if row[0] == self._kind]


class PipelinedTransaction(SqlTransaction):
    """Leaves numbers to the database, and learns them at the end."""

    _database: Postgresql

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._numbered: list[tuple[Any, Sequence[Event | Job]]] = []

    def _look_up(
        self, keys: Collection[str], receipts: Collection[bytes], addresses: Collection[str]
    ) -> tuple[Asked, Asked, Asked, Asked, Asked]:
        asked = (Texts(sorted(keys)), Bytes(sorted(receipts)), Texts(sorted(addresses)))
        found = Asked(self._database.ask(self._work, _LOOK_UP, asked))
        return (
            OfKind(found, 0, lambda row: row[1:3]),
            OfKind(found, 1, lambda row: (row[3], row[2])),
            OfKind(found, 2, lambda row: row[1:3]),
            OfKind(found, 3, lambda row: (row[1], row[3])),
            OfKind(found, 4, lambda row: (row[1], row[4])),
        )

    def _people(self, wanted: Wanted, keys: Asked, addresses: Asked) -> tuple[Asked, Asked]:
        if not (wanted.conversations or wanted.keys or wanted.addresses):
            return Asked(), Asked()
        ids, names = Texts(sorted(wanted.conversations)), Texts(sorted(map(rows.fold, wanted.keys)))
        addressed = Texts(sorted(map(rows.fold, wanted.addresses)))
        ask = self._database.ask
        conversations = ask(self._work, _CONVERSATIONS, (ids, names))
        return Asked(conversations), Asked(ask(self._work, _CONTACTS, (addressed, ids, names)))

    def _add_jobs(self, jobs: Sequence[Job], node: int) -> None:
        made = [rows.job_row(job, node, token=1 if node else 0)[1:] for job in jobs]
        self._numbered.append((self._work.execute(_ADD_JOBS, arrays_of(_JOB_KINDS, made)), jobs))

    def _add_events(self, events: Sequence[Event]) -> None:
        made = arrays_of(_EVENT_KINDS, [row[1:] for row in rows.event_rows(events)])
        self._database.hold_order(self._work)
        self._numbered.append((self._work.execute(_ADD_EVENTS, made), events))

    def settle(self) -> None:
        for cursor, things in self._numbered:
            for thing, numbers in zip(things, sorted(cursor.fetchall()), strict=True):
                thing.place(*numbers)  # one number for an event, two for a job
