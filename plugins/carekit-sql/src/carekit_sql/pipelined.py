"""A transaction on PostgreSQL: what is needed is asked at once, and nothing written is waited for before the commit.

A transaction of the service is two ways to the server and back: one for all that it loads, one for all that it writes
and the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from carekit import Event, Job, Wanted
from carekit_sql import rows
from carekit_sql import tables as t
from carekit_sql.arrays import Texts
from carekit_sql.bulk import arrays_of, kinds_of, listed, unnested
from carekit_sql.transaction import Asked, SqlTransaction

if TYPE_CHECKING:
    from carekit_sql.on_postgresql import Postgresql

# Each statement sees what was committed before it began, and begins only when the one before it has its locks.
# ruff: noqa: S608 - the names are those of our tables
_FOUND = "ARRAY(SELECT conversation FROM thread_key WHERE key = ANY(%b))"
_CONVERSATIONS = f"SELECT id, body, contact FROM conversation WHERE id = ANY(%b || {_FOUND}) ORDER BY id FOR UPDATE"
_CONTACTS = (
    "SELECT id, body FROM contact WHERE id = ANY(ARRAY(SELECT contact FROM address WHERE key = ANY(%b))"
    f" || ARRAY(SELECT contact FROM conversation WHERE id = ANY(%b || {_FOUND}))) ORDER BY id FOR UPDATE"
)

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


class PipelinedTransaction(SqlTransaction):
    """Leaves numbers to the database, and learns them at the end."""

    _database: Postgresql

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._numbered: list[tuple[Any, Sequence[Event | Job]]] = []

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
        self._database.hold_order(self._work)
        made = [row[1:] for row in rows.event_rows(events)]
        self._numbered.append((self._work.execute(_ADD_EVENTS, arrays_of(_EVENT_KINDS, made)), events))

    def settle(self) -> None:
        for cursor, things in self._numbered:
            for thing, numbers in zip(things, sorted(cursor.fetchall()), strict=True):
                thing.place(*numbers)  # one number for an event, two for a job
