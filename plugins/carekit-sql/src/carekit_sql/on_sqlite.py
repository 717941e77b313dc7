"""SQLite: one writer at a time in this process and among all, readers beside it, every commit on the disk."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from carekit import Conflict, StoreError, Unavailable
from carekit_sql.dialects import Database
from carekit_sql.rows import AgentCache
from carekit_sql.statements import Statements
from carekit_sql.stepwise import StepwiseTransaction
from carekit_sql.transaction import SqlTransaction

try:
    import fcntl
except ImportError:  # Windows has none; there nobody watches over two processes on one file
    fcntl = None  # type: ignore[assignment]

_OLDEST = (3, 35, 0)  # the first with RETURNING and with 32,766 parameters
_LOG = 16_384
"""Pages (64 MiB) that the write-ahead log may hold before they move to their places.

A message touches a page of every index. Of those that many messages share, the log holds many states and only the last
is moved: with SQLite's own 1,000 pages every third commit of a busy desk would wait for that.
"""
_LOOK_AGAIN = 0.01
"""Seconds until a busy file is asked again."""


class Sqlite(Database):
    """A file on this machine."""

    paramstyle = "qmark"
    errors = (sqlite3.Error, sa.exc.SQLAlchemyError)
    patience = 10.0
    """Seconds to wait for another process that writes."""

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._held: int | None = None

    def open(self) -> None:
        self.check_place()
        folder = Path(self.where).absolute().parent
        if not folder.is_dir():
            raise StoreError(f"the store at {self.where} cannot be made: there is no folder {folder}; create it")
        with suppress(OSError):  # SQLite itself says better what is wrong
            Path(self.where).touch(mode=0o600)  # what people have written is for the service's account alone
        writer = self.connect()
        try:
            self._keep_a_log(writer)
            refuse_unsafe(writer, self.where)
        except BaseException:
            writer.close()
            raise
        self._writer = writer

    def close(self) -> None:
        super().close()
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        if self._held is not None:
            os.close(self._held)
            self._held = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            writer = self._writer
            if writer is None:
                raise StoreError(f"the store at {self.where} is not open")
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:  # SQLite ends it by itself when the disk is full
                    writer.execute("ROLLBACK")
                raise

    def unit(self, statements: Statements, work: Any, agents: AgentCache) -> SqlTransaction:
        return StepwiseTransaction(self, statements, work, agents)

    def join(self) -> bool:
        """Hold the file's lock."""
        # The system lets go of it when this process ends, however it ends.
        if self._held is not None or fcntl is None:
            return False
        handle = os.open(f"{self.where}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise StoreError(
                f"the store at {self.where} is being worked on by another process; stop that one, or use postgresql://"
                " if several shall share one desk"
            ) from None
        self._held = handle
        return True

    def tables(self, work: Any) -> set[str]:
        rows = work.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return {name for (name,) in rows}

    def explain(self, error: Exception) -> StoreError:
        said = self.says(error)
        code = getattr(error, "sqlite_errorcode", 0) or 0
        match code & 0xFF:
            case sqlite3.SQLITE_CONSTRAINT if code in {
                sqlite3.SQLITE_CONSTRAINT_UNIQUE,
                sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
            }:
                return Conflict(f"somebody else wrote the same thing first: {said}")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Unavailable(
                    f"the store at {self.where} is locked: another process has been writing to it for"
                    f" {self.patience:g} seconds; stop it, or use postgresql:// if several shall share one desk"
                )
            case sqlite3.SQLITE_FULL:
                return Unavailable(f"the store at {self.where} has no room left: {said}; make room on its disk")
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return StoreError(
                    f"the store at {self.where} cannot be read: {said}; give the path of a carekit database, or restore"
                    " it from a backup"
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return StoreError(
                    f"the store at {self.where} cannot be written: {said}; give the service's account the right to"
                    " write to the file and to its folder"
                )
            case sqlite3.SQLITE_IOERR:
                return Unavailable(f"the store at {self.where} cannot reach its disk: {said}; look at the disk")
        return StoreError(f"the store at {self.where} failed: {said}")

    def check_place(self) -> None:
        try:
            self._check_place()
        except OSError as error:
            raise StoreError(
                f"the store at {self.where} cannot be reached: {error.strerror}; let the service's account enter the"
                " folders above it, or name another place"
            ) from None

    def _check_place(self) -> None:
        path = Path(self.where)
        folder = path.absolute().parent
        if sqlite3.sqlite_version_info < _OLDEST:
            raise StoreError(f"this Python brings SQLite {sqlite3.sqlite_version}; 3.35 is the oldest that will do")
        if path.is_dir():
            raise StoreError(f"the store at {self.where} is a folder; give the path of a file")
        if not folder.exists():
            return  # it may be one that the service makes when it starts
        if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.R_OK | os.W_OK)):
            raise StoreError(
                f"the store at {self.where} cannot be written; give the service's account the right to write to the"
                f" file and to the folder {folder}"
            )

    def _keep_a_log(self, connection: sqlite3.Connection) -> None:
        """Switch the file to its write-ahead log, which the file then remembers.

        Only somebody alone with the file may do that, and SQLite does not wait for the others to leave: it says "busy"
        at once, whatever the timeout. So it is us who wait.
        """
        latest = time.monotonic() + self.patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").close()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= latest:
                    raise
            time.sleep(_LOOK_AGAIN)

    def connect(self) -> sqlite3.Connection:
        # Connections pass from thread to thread, but only one thread has each at a time.
        connection = sqlite3.connect(
            self.where,
            timeout=self.patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for setting in (
                "synchronous = FULL",
                "fullfsync = ON",  # macOS: fsync alone does not reach the disk there
                "checkpoint_fullfsync = ON",
                "cache_size = -65536",
                "temp_store = MEMORY",
                f"wal_autocheckpoint = {_LOG}",
            ):
                connection.execute(f"PRAGMA {setting}").close()
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self.connect()
        connection.execute("PRAGMA query_only = ON").close()
        return connection


def refuse_unsafe(connection: sqlite3.Connection, where: str) -> None:
    """Raise `StoreError` if a commit on *connection* could be lost when the power fails."""
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if journal != "wal":
        raise StoreError(
            f"the store at {where} would not be safe: journal_mode is {journal} and cannot be changed to wal; keep the"
            " file on a disk of this machine (network folders will not do), with no other program using it"
        )
    if synchronous < 2:
        raise StoreError(
            f"the store at {where} would not be safe: synchronous is {synchronous} where 2 (FULL) is needed; use a"
            " SQLite library that was not built to ignore it"
        )
