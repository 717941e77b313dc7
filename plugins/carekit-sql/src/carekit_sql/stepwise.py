"""A transaction on SQLite: statements are calls within this process, so one may wait for what another has found."""

from __future__ import annotations

from collections.abc import Sequence

from carekit import Event, Job, Wanted
from carekit_sql import rows
from carekit_sql.transaction import Asked, SqlTransaction


class StepwiseTransaction(SqlTransaction):
    """Asks, reads, asks on. It alone writes, so that it can number rows itself."""

    def _people(self, wanted: Wanted, keys: Asked, addresses: Asked) -> tuple[Asked, Asked]:
        s = self._statements
        conversations = self._ask(s.conversations, {*wanted.conversations, *(id for _, id in keys.rows)})
        people = {contact for *_, contact in conversations.rows}
        people.update(contact for _, contact in addresses.rows)
        return conversations, self._ask(s.contacts, people)

    def _add_jobs(self, jobs: Sequence[Job], node: int) -> None:
        foreign: set[str] = set()
        if node:
            values = {"keys": sorted({job.lane for job in jobs}), "node": node}
            foreign = {lane for (lane,) in self._work.execute(*self._statements.foreign_lanes.bind(values))}
        new = []
        for id, job in enumerate(jobs, self._next("job")):
            ours = node if job.lane not in foreign else 0
            job.place(id, 1 if ours else 0)
            new.append(rows.job_row(job, ours))
        self._statements.add_jobs.run(self._work, new)

    def _add_events(self, events: Sequence[Event]) -> None:
        for position, event in enumerate(events, self._next("event")):
            event.place(position)
        self._statements.add_events.run(self._work, rows.event_rows(events))

    def _next(self, table: str) -> int:
        """The number of the next row of *table*; one that was given is never given again."""
        row = self._work.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return row[0] + 1 if row else 1
