"""What can be wrong with a database: looked for all at once, each finding with its remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from carekit import StoreError
from carekit_sql import backup, copying, migrating, on_sqlite
from carekit_sql.dialects import Database
from carekit_sql.progress import Progress, silent

LEAST_ROOM = 0.1
"""The part of a disk that should be free."""

Check = Callable[[Database, Any, Path], str]
"""Looks at one thing, with a connection and the folder of files; what it found. Raises `StoreError` for a fault."""


@attrs.frozen
class Finding:
    """What one check found."""

    name: str
    ok: bool
    said: str


def examine(database: Database, data: Path, progress: Progress = silent, *, remote: bool = False) -> list[Finding]:
    """Every check in order, but not of attachments that are *remote*.

    Those that need what an earlier one missed are left out.
    """
    try:
        backup.refuse_missing(database)
        connection = database.connect()
    except StoreError as error:
        return [Finding("reachable", False, str(error))]
    except database.errors as error:
        return [Finding("reachable", False, str(database.explain(error)))]
    found = [Finding("reachable", True, database.where)]
    checks = [(name, check) for name, check in _checks(database) if not (remote and check is _attachments)]
    with closing(connection), progress("looking", len(checks)) as step:
        for name, check in checks:
            try:
                found.append(Finding(name, True, check(database, connection, data)))
            except StoreError as error:
                found.append(Finding(name, False, str(error)))
            except database.errors as error:
                found.append(Finding(name, False, str(database.explain(error))))
            step(1)
    return found


def _checks(database: Database) -> Iterator[tuple[str, Check]]:
    yield "settings", _safe
    yield "schema", _schema
    if database.dialect.name == "sqlite":
        yield "file", _whole_file
        yield "room", _room
    else:
        yield "vacuum", _vacuum
        yield "pg_dump", _programs
    yield "log", _whole_log
    yield "conversations", _heads
    yield "attachments", _attachments


def _safe(database: Database, connection: Any, data: Path) -> str:
    if database.dialect.name == "sqlite":
        on_sqlite.refuse_unsafe(connection, database.where)
        return "what is accepted is on the disk (journal_mode wal, synchronous full)"
    from carekit_sql import on_postgresql  # psycopg is an extra

    on_postgresql.refuse_unsafe(connection, database.where)
    return "what is accepted is on the disk (fsync, synchronous_commit and full_page_writes are on)"


def _schema(database: Database, connection: Any, data: Path) -> str:
    found = migrating.current(connection, database)
    if needed := migrating.pending(found):
        raise StoreError(f"the schema is at {found}; make a backup, then run: carekit db upgrade (to {needed[-1]})")
    return f"at {found}, as needed"


def _whole_file(database: Database, connection: Any, data: Path) -> str:
    copying.of(database).check(Path(database.where), f"the file {database.where}")
    return "every page and every index is whole"


def _room(database: Database, connection: Any, data: Path) -> str:
    usage = shutil.disk_usage(Path(database.where).absolute().parent)
    said = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f}"
    if usage.free < LEAST_ROOM * usage.total:
        raise StoreError(f"{said}; make room on the disk of {database.where} before it is full")
    return said


def _vacuum(database: Database, connection: Any, data: Path) -> str:
    if connection.execute("SELECT current_setting('autovacuum')").fetchone()[0] == "off":
        raise StoreError("autovacuum is off, so the tables only ever grow; set autovacuum = on in postgresql.conf")
    return "autovacuum is on"


def _programs(database: Database, connection: Any, data: Path) -> str:
    copying.program("pg_restore")
    return f"backups will be made by {copying.program('pg_dump')}"


def _whole_log(database: Database, connection: Any, data: Path) -> str:
    gap = connection.execute(
        "SELECT stream FROM event GROUP BY stream HAVING count(*) <> max(seq) OR min(seq) <> 1 LIMIT 1"
    ).fetchone()
    if gap:
        raise StoreError(f"steps of {gap[0]} are missing in the log; restore a backup from before they were lost")
    (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
    return f"{count:,} events, no step missing"


def _heads(database: Database, connection: Any, data: Path) -> str:
    behind = connection.execute(
        "SELECT id FROM conversation WHERE seq <> coalesce((SELECT max(event.seq) FROM event WHERE stream = id), 0)"
        " LIMIT 1"
    ).fetchone()
    if behind:
        raise StoreError(
            f"{behind[0]} is not what its events add up to; restore a backup, and report how it came about"
        )
    (count,) = connection.execute("SELECT count(*) FROM conversation").fetchone()
    return f"{count:,}, each at its last event"


def _attachments(database: Database, connection: Any, data: Path) -> str:
    digests = sorted(digest for (digest,) in connection.execute("SELECT DISTINCT digest FROM blob").fetchall())
    missing = [digest for digest in digests if not (data / "blobs" / digest[:2] / digest).is_file()]
    if missing:
        raise StoreError(
            f"{len(missing)} of {len(digests)} are not in {data / 'blobs'}, {missing[0]} for one; copy them there from"
            " a backup"
        )
    return f"{len(digests):,}, all there"
