"""What a database must be able to do, and what SQLite and PostgreSQL have in common: a pool of reading connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from carekit import StoreError
from carekit_sql import locations

if TYPE_CHECKING:
    from carekit_sql.rows import AgentCache
    from carekit_sql.statements import Statements
    from carekit_sql.transaction import SqlTransaction

READERS = 8
"""Connections kept for reads."""


def pool(connect: Callable[[], Any], size: int) -> sa.Pool:
    """A pool that keeps *size* connections, and opens as many again while these are busy."""
    return sa.QueuePool(connect, pool_size=size, max_overflow=size, timeout=10, reset_on_return=None)


class Database:
    """One database and its connections, which are all in the driver's autocommit mode: transactions begin by word."""

    paramstyle: str
    errors: tuple[type[Exception], ...]
    """Every error that its driver or its pool raises."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.where = locations.show(url)
        """Its place, to be shown in messages."""
        self.dialect: sa.Dialect = url.get_dialect()(paramstyle=self.paramstyle)  # type: ignore[call-arg]
        self._pool = pool(self._connect_reader, READERS)

    # --- what each does in its own way

    def open(self) -> None:
        """Connect; raises `StoreError` if what it accepts could be lost."""
        raise NotImplementedError

    def writing(self) -> AbstractContextManager[Any]:
        """A connection within a transaction: committed at the end, rolled back by an exception.

        Its ``execute`` gives a cursor for each statement. Several may be asked before the first is read; what goes
        wrong with one is told when a later one is read, or at the end at the latest.
        """
        raise NotImplementedError

    def ask(self, work: Any, text: str, parameters: Sequence[Any] = ()) -> Any:
        """A cursor over the rows of one statement on *work*."""
        return work.execute(text, parameters)

    def unit(self, statements: Statements, work: Any, agents: AgentCache) -> SqlTransaction:
        """What loads and writes on *work*, a connection that `writing` gave."""
        raise NotImplementedError

    def tables(self, work: Any) -> set[str]:
        """The names of the tables that exist."""
        raise NotImplementedError

    def explain(self, error: Exception) -> StoreError:
        """What an error of the driver means, in the store's own terms."""
        raise NotImplementedError

    def check_place(self) -> None:
        """Raise `StoreError` if the database cannot be where the url says, as far as can be told without connecting."""

    def connect(self) -> Any:
        """A connection of the driver, in autocommit."""
        raise NotImplementedError

    def connect_for_migration(self) -> Any:
        """A connection on which SQLAlchemy can begin transactions that hold changes of the schema, too."""
        return self.connect()

    def _connect_reader(self) -> Any:
        raise NotImplementedError

    # --- what only a database with several writers has to do

    def hold(self, work: Any, names: Collection[str]) -> None:
        """Keep other writers from whatever goes by *names*, stored or not, until the transaction ends."""

    def hold_schema(self, work: Any) -> None:
        """Keep others from making the tables at the same time."""

    def lost(self, error: Exception) -> bool:
        """Whether *error* says that the connection is gone, so that another one may do."""
        return False

    def join(self) -> bool:
        """Whether this process has just become the only one that works on it; raises `StoreError` if only one may, and
        another one does."""
        return False

    # --- what both share

    def close(self) -> None:
        """Let go of every connection; may be called twice."""
        self._pool.dispose()

    def rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of one statement, as of what is committed now."""
        try:
            return self._rows(text, parameters)
        except self.errors as error:
            if not self.lost(error):
                raise
        # The server was restarted: every connection of the pool is as dead as this one.
        self._pool.dispose()
        self._pool = self._pool.recreate()
        return self._rows(text, parameters)

    def _rows(self, text: str, parameters: Sequence[Any]) -> list[Any]:
        with self._borrowed(self._pool) as connection:
            return list(self.ask(connection, text, parameters).fetchall())

    @staticmethod
    @contextmanager
    def _borrowed(pool: sa.Pool) -> Iterator[Any]:
        """A connection of *pool*; one that saw an error is not used again."""
        connection = pool.connect()
        try:
            yield connection
        except BaseException:
            connection.invalidate()
            raise
        finally:
            connection.close()

    def says(self, error: Exception) -> str:
        """The driver's own words in one line, without secrets."""
        return locations.hide(str(error), self.url)
