"""From an older schema to the one of this version, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from carekit import StoreError
from carekit_sql.dialects import Database
from carekit_sql.schema import REVISIONS, VERSIONS, revision

FOLDER = Path(__file__).parent / "migrations"

Step = Callable[[str], None]
"""Is told the revision that a database has just got to."""


def current(work: Any, database: Database) -> str:
    """The revision of a *database*, asked on a connection *work* to it; empty if it has no tables of ours."""
    return revision(work) if VERSIONS in database.tables(work) else ""


def pending(found: str) -> tuple[str, ...]:
    """The revisions that a database at *found* still needs; raises `StoreError` for one unknown to this version."""
    if not found:
        return REVISIONS
    if found not in REVISIONS:
        raise StoreError(f"the schema is at {found}, which this version does not know; update carekit-sql")
    return REVISIONS[REVISIONS.index(found) + 1 :]


def upgrade(database: Database, applied: Step = lambda revision: None, *, to: str = REVISIONS[-1]) -> None:
    """Bring an opened *database* to the revision *to*, each step in a transaction of its own.

    One that is killed half-way is taken up again where it was. Raises `StoreError` if a step fails.
    """
    from alembic import command  # half a second that only those who upgrade should pay
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    settings.set_main_option("path_separator", "os")

    def told(step: Any, **_: Any) -> None:
        applied(step.up_revision_id)

    with _connection(database) as connection:
        settings.attributes |= {"connection": connection, "applied": told}
        try:
            command.upgrade(settings, to)
        except database.errors as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) and isinstance(error.orig, Exception) else error
            raise database.explain(cause) from error


@contextmanager
def _connection(database: Database) -> Iterator[sa.Connection]:
    """A connection as SQLAlchemy wants it, whose transactions begin when it says so."""
    engine = sa.create_engine(database.url, creator=database.connect_for_migration, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        # The driver is in autocommit, so that it does not end our transactions when tables are made.
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
