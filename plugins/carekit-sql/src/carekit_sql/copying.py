"""A whole database into one file and back, as each kind does it: by the server's own programs, or SQLite's backup."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import attrs

from carekit import StoreError
from carekit_sql.dialects import Database
from carekit_sql.progress import Progress, Step
from carekit_sql.schema import VERSIONS

_PAGES = 2048
"""Pages of SQLite copied at a time."""


@attrs.frozen
class Content:
    """What a copy holds, as of the instant it was taken."""

    revision: str
    events: int
    last_position: int
    digests: frozenset[str]
    """Of the attachments it refers to."""


class Copying(Protocol):
    """Takes copies of one database, and makes it from one."""

    def copy(self, target: Path, progress: Progress) -> Content:
        """Write all of the database as of one instant to *target*; others may go on writing."""
        ...

    def refuse_used(self) -> None:
        """Raise `StoreError` unless there is nothing yet where the database shall be."""
        ...

    def beside(self) -> Path | None:
        """The folder in which a copy should be unpacked, if it matters."""
        ...

    def check(self, copy: Path, name: str) -> None:
        """Raise `StoreError`, with *name* for it, if the copy at *copy* cannot be read."""
        ...

    def place(self, copy: Path, progress: Progress) -> None:
        """Make the database from *copy*, all of it or nothing."""
        ...


def content(execute: Callable[[str], Any]) -> Content:
    """What a database holds, asked with *execute* in one transaction; raises `StoreError` if it is none of ours."""
    (events, last) = execute("SELECT count(*), max(position) FROM event").fetchone()
    found = execute("SELECT DISTINCT digest FROM blob").fetchall()
    (version,) = execute(f"SELECT version_num FROM {VERSIONS}").fetchone()  # noqa: S608 - a name of our own
    return Content(version, events, last or 0, frozenset(digest for (digest,) in found))


def of(database: Database) -> Copying:
    """The way of *database*."""
    return SqliteCopying(database) if database.dialect.name == "sqlite" else PostgresqlCopying(database)


# --- SQLite


class SqliteCopying:
    """By the online backup of SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._path = Path(database.where)

    def copy(self, target: Path, progress: Progress) -> Content:
        with closing(self._database.connect()) as source, closing(sqlite3.connect(target)) as copied:
            # A copy whose source has changed begins again. Within a reader's transaction it sees no changes.
            source.execute("BEGIN")
            (pages,) = source.execute("PRAGMA page_count").fetchone()
            with progress("database", pages) as step:
                source.backup(copied, pages=_PAGES, progress=_growing(step))
            # One file, whole by itself.
            copied.execute("PRAGMA journal_mode = DELETE").close()
            found = content(copied.execute)
        self.check(target, f"the database at {self._path}")
        return found

    def refuse_used(self) -> None:
        for path in (self._path, Path(f"{self._path}-wal")):
            if path.exists():
                raise StoreError(
                    f"there is a database at {path} already; stop the service, move the file away (with those that end"
                    " in -wal and -shm), and restore again"
                )
        if not self._path.absolute().parent.is_dir():
            raise StoreError(f"there is no folder {self._path.absolute().parent}; create it, and restore again")

    def beside(self) -> Path | None:
        return self._path.absolute().parent

    def check(self, copy: Path, name: str) -> None:
        try:
            with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                found = [line for (line,) in connection.execute("PRAGMA integrity_check(5)")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
        if found != ["ok"]:
            raise StoreError(f"{name} is damaged: {'; '.join(found)}; restore an earlier backup")

    def place(self, copy: Path, progress: Progress) -> None:
        self.check(copy, "the database of the backup")
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").close()
        self.refuse_used()
        copy.replace(self._path)
        sync_folder(self._path.absolute().parent)


def _growing(step: Step) -> Callable[[int, int, int], None]:
    """What SQLite calls, from which *step* learns what is new."""
    done = 0

    def told(_status: int, remaining: int, total: int) -> None:
        nonlocal done
        step(total - remaining - done)
        done = total - remaining

    return told


def sync_folder(folder: Path) -> None:
    """Write the names in *folder* to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- PostgreSQL


class PostgresqlCopying:
    """By pg_dump and pg_restore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def copy(self, target: Path, progress: Progress) -> Content:
        with closing(self._database.connect()) as connection:
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = content(connection.execute)
            # pg_dump sees what we have just counted, and nothing later.
            (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone()
            tables = self._database.tables(connection)
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
            with progress("database", len(tables)) as step:
                self._run("pg_dump", [*options, "--verbose"], "dumping contents of table", step)
        return found

    def refuse_used(self) -> None:
        with closing(self._database.connect()) as connection:
            if self._database.tables(connection):
                raise StoreError(
                    f"the database at {self._database.where} has tables already; create an empty one with createdb,"
                    " name it in the url, and restore again"
                )

    def beside(self) -> Path | None:
        return None

    def check(self, copy: Path, name: str) -> None:
        self._listed(copy, name)

    def place(self, copy: Path, progress: Progress) -> None:
        tables = sum(" TABLE DATA " in line for line in self._listed(copy, "the database of the backup"))
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--verbose"]
        with progress("database", tables) as step:
            self._run("pg_restore", [*options, str(copy)], "processing data for table", step)

    def _listed(self, copy: Path, name: str) -> list[str]:
        command = [program("pg_restore"), "--list", str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a program we chose
        if done.returncode:
            raise StoreError(f"{name} cannot be read: {_last(done.stderr.splitlines())}")
        return done.stdout.splitlines()

    def _run(self, name: str, options: Sequence[str], counted: str, step: Step) -> None:
        """Run a program of PostgreSQL on the database; each line of it with *counted* is one step."""
        arguments, environment = self._connection()
        command = [program(name), "--no-password", f"--dbname={arguments}", *options]
        said: list[str] = []
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as running:  # noqa: S603
            assert running.stderr is not None
            for line in running.stderr:
                said = [*said[-20:], line]
                if counted in line:
                    step(1)
        if running.returncode:
            raise StoreError(f"{name} failed for {self._database.where}: {self._database.says(Exception(_last(said)))}")

    def _connection(self) -> tuple[str, dict[str, str]]:
        """How libpq's programs connect: what anybody may see in the list of processes, and the rest."""
        from psycopg.conninfo import make_conninfo  # psycopg is an extra

        words, options = self._database.dialect.create_connect_args(self._database.url)
        password = options.pop("password", None)
        environment = {**os.environ, "LC_MESSAGES": "C"}
        if password:
            environment["PGPASSWORD"] = str(password)
        return make_conninfo(*words, **options), environment


def _last(lines: Sequence[str]) -> str:
    """What a program complained of, as well as it can be told from what it only reported."""
    errors = [line for line in lines if "error:" in line or "fatal:" in line.lower()]
    return " ".join((errors or list(lines) or ["it does not say why"])[-1].split())


def program(name: str) -> str:
    """The path of a program of PostgreSQL; raises `StoreError` with how to get it."""
    aside = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, aside), os.environ.get("PATH", os.defpath)]))
    if found is None:
        raise StoreError(
            f"{name} is not installed, and only it can copy a database of PostgreSQL; install the client programs of"
            " the server's version (Debian: apt install postgresql-client)"
        )
    return found


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0
