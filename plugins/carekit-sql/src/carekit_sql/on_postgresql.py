"""PostgreSQL: many writers on many machines, each holding only the conversations it works on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.engine import URL

from carekit import Conflict, InDoubt, StoreError, Unavailable
from carekit_sql import arrays, locations
from carekit_sql.dialects import Database, pool
from carekit_sql.pipelined import PipelinedTransaction
from carekit_sql.rows import AgentCache
from carekit_sql.statements import Statements
from carekit_sql.transaction import SqlTransaction
from carekit_sql.wire import Answer, Wire

WRITERS = 4
_SETTINGS = {
    # So that a machine that died or hangs holds up the others for seconds, not for ever.
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    # The plan of a statement is kept, and may have been made while its table was empty. All of ours find their rows by
    # an index; none may go on reading whole tables for the minutes until the server has counted them again.
    "enable_seqscan": "off",
    "jit": "off",
}
_PATIENCE = {
    # A server whose machine is gone says nothing, and the system would wait for it for a quarter of an hour or longer.
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Of the connection itself, in seconds but for the last; the url may say otherwise."""
_WRITING = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Likewise: a writer looks up each of a few keys."""
_READING = {"default_transaction_read_only": "on"}
_SPACE = 0x6361_7265  # "care": keeps our advisory locks apart from those of others in the same database
_ORDER = 1 << 20
_SCHEMA = _ORDER + 1
_SLOTS = 1024
"""Names that are held are folded into so many locks: a server has room for some thousands at a time."""
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS new(name, value)"
_LOCK = "SELECT pg_advisory_xact_lock(%s, %s)"
_HOLD = "SELECT count(pg_advisory_xact_lock(%s, slot)) FROM unnest(%b::integer[]) AS slot"


class Postgresql(Database):
    """A database on a server."""

    paramstyle = "format"
    errors = (psycopg.Error, sa.exc.SQLAlchemyError)

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._writers = pool(lambda: Wire(self._connect(_SETTINGS | _WRITING)), WRITERS)

    def open(self) -> None:
        connection = self.connect()
        try:
            refuse_unsafe(connection, self.where)
        finally:
            connection.close()

    def close(self) -> None:
        super().close()
        self._writers.dispose()

    @contextmanager
    def writing(self) -> Iterator[Wire]:
        with self._borrowed(self._writers) as wire:  # an error throws the connection away, and with it the transaction
            wire.execute(_BEGIN)
            yield wire
            ended = self._commit(wire)
            if ended.statusmessage != "COMMIT":
                raise StoreError(f"the store at {self.where} undid the transaction instead of committing it")

    def _commit(self, wire: Wire) -> Answer:
        """End the transaction on *wire*; raises `InDoubt` if the server does not say whether it did."""
        try:
            ended = wire.execute("COMMIT")
            wire.catch_up()
        except psycopg.OperationalError as error:
            if not self.lost(error):
                raise
            raise InDoubt(
                f"the store at {self.where} broke off while it was committing: {self.says(error)}; what was sent may be"
                " kept, so send it again under the same key only"
            ) from error
        return ended

    def ask(self, work: Any, text: str, parameters: Sequence[Any] = ()) -> Any:
        return work.execute(text, parameters, binary=True)  # bytes come as they are, not as twice as many digits

    def unit(self, statements: Statements, work: Any, agents: AgentCache) -> SqlTransaction:
        return PipelinedTransaction(self, statements, work, agents)

    def hold(self, work: Any, names: Collection[str]) -> None:
        if names:
            slots = arrays.SmallNumbers(sorted({_slot(name) for name in names}))
            work.execute(_HOLD, (_SPACE, slots))

    def hold_order(self, work: Any) -> None:
        """Keep other writers from adding events until the transaction ends.

        A reader that has seen position 7 asks for what follows 7. If 6 could still be committed after 7, it would never
        be seen; so from the first position taken to the commit there is one writer at a time.
        """
        work.execute(_LOCK, (_SPACE, _ORDER))

    def hold_schema(self, work: Any) -> None:
        work.execute(_LOCK, (_SPACE, _SCHEMA))

    def tables(self, work: Any) -> set[str]:
        rows = work.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {name for (name,) in rows.fetchall()}

    def lost(self, error: Exception) -> bool:
        return isinstance(error, psycopg.OperationalError) and (
            error.sqlstate is None or isinstance(error, (pg.AdminShutdown, pg.CrashShutdown, pg.IdleSessionTimeout))
        )

    def explain(self, error: Exception) -> StoreError:
        said = self.says(error)
        match error:
            case pg.UniqueViolation():
                return Conflict(f"somebody else wrote the same thing first: {said}")
            case pg.SerializationFailure() | pg.DeadlockDetected():
                return Conflict(f"somebody else was at the same conversations: {said}")
            case pg.InvalidPassword() | pg.InvalidAuthorizationSpecification():
                return self._refused(said)
            case pg.InvalidCatalogName():
                return StoreError(f"the server at {self.where} has no such database: {said}; create it with createdb")
            case pg.InsufficientPrivilege():
                return StoreError(
                    f"the store at {self.where} cannot be written: {said}; make the account the owner of the database"
                )
            case pg.LockNotAvailable():
                return Unavailable(f"the store at {self.where} is busy: {said}; try again in a moment")
            case pg.IdleInTransactionSessionTimeout():
                return Unavailable(f"the store at {self.where} waited too long for us: {said}; try again")
            case pg.DiskFull():
                return Unavailable(
                    f"the store at {self.where} has no room left: {said}; make room on the server's disk"
                )
            case psycopg.OperationalError() if "authentication failed" in said or "no password supplied" in said:
                return self._refused(said)
            case psycopg.OperationalError() if "does not exist" in said:
                return StoreError(
                    f"the server at {self.where} does not know the database or the account: {said}; create them with"
                    " createdb and createuser, or mend the url"
                )
            case psycopg.OperationalError() | psycopg.InterfaceError() | sa.exc.TimeoutError():
                return Unavailable(
                    f"the store at {self.where} cannot be reached: {said}; see that the server runs and that the url"
                    " names its host and port"
                )
        return StoreError(f"the store at {self.where} failed: {said}")

    def says(self, error: Exception) -> str:
        # The detail that follows the message quotes rows, and these are nobody's business.
        first = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        return locations.hide(first or str(error), self.url)

    def _refused(self, said: str) -> StoreError:
        return StoreError(
            f"the store at {self.where} does not let us in: {said}; mend the account and password of the url, or the"
            " server's pg_hba.conf"
        )

    def connect(self) -> psycopg.Connection[Any]:
        return self._connect(_SETTINGS)

    def _connect_reader(self) -> psycopg.Connection[Any]:
        return self._connect(_SETTINGS | _READING)

    def connect_for_migration(self) -> psycopg.Connection[Any]:
        connection = self._connect({})
        connection.set_autocommit(False)
        return connection

    def _connect(self, settings: Mapping[str, str]) -> psycopg.Connection[Any]:
        arguments, options = self.dialect.create_connect_args(self.url)
        options = {**_PATIENCE, "application_name": "carekit", **options, "autocommit": True}
        connection = psycopg.connect(*arguments, **options)
        arrays.adapt(connection)
        try:
            connection.execute(_SET, (list(settings), list(settings.values())))
        except BaseException:
            connection.close()
            raise
        return connection


def _slot(name: str) -> int:
    return crc32(name.encode("utf-8", "surrogatepass")) % _SLOTS


def refuse_unsafe(connection: psycopg.Connection[Any], where: str) -> None:
    """Raise `StoreError` if a commit on *connection* could be lost when the power fails."""
    for name, why in {
        "fsync": "a crash of the server's machine could destroy the database",
        "full_page_writes": "a crash of the server's machine could tear pages of the database",
        "synchronous_commit": "a crash of the server could lose what was accepted",
    }.items():
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row is None or row[0] == "off":
            raise StoreError(
                f"the store at {where} would not be safe: {name} is off, so {why}; set {name} = on in postgresql.conf"
                f" (and for the account: alter role … reset {name}), then reload the server"
            )
