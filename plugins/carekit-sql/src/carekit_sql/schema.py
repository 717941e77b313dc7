"""Makes the tables at the first open, and refuses a database that is not ours or not of this version."""

from __future__ import annotations

from typing import Any

from carekit import StoreError
from carekit_sql import tables
from carekit_sql.dialects import Database

REVISIONS = ("0001", "0002", "0003")
"""The revisions of the schema in order, as in the folder ``migrations/versions``; the last one is what is needed."""
VERSIONS = "alembic_version"
"""The table in which Alembic keeps the revision of a database."""


def make_ready(database: Database) -> None:
    """Make the tables unless they exist; raises `StoreError` if those that exist are not what we know."""
    with database.writing() as work:
        database.hold_schema(work)
        existing = database.tables(work)
        if VERSIONS not in existing:
            _refuse_foreign(database, existing)
            _create(database, work)
            return
        found = revision(work)
    if found != REVISIONS[-1]:
        raise StoreError(_wrong(database, found))


def revision(work: Any) -> str:
    """The revision of a database that has one, empty if it does not say."""
    row = work.execute(f"SELECT version_num FROM {VERSIONS}").fetchone()  # noqa: S608 - a name of our own
    return str(row[0]) if row else ""


def _wrong(database: Database, found: str) -> str:
    if found in REVISIONS:
        return (
            f"the database at {database.where} is of an older version: its schema is at {found}, and {REVISIONS[-1]} is"
            " needed; make a backup, then run: carekit db upgrade"
        )
    if not found:
        return (
            f"the database at {database.where} does not say which version its schema is; restore it from a backup, or"
            " give the store a database of its own"
        )
    return (
        f"the database at {database.where} was written by a newer carekit-sql: its schema is at {found}, this one knows"
        f" {REVISIONS[-1]}; update carekit-sql"
    )


def _refuse_foreign(database: Database, existing: set[str]) -> None:
    taken = sorted(existing & {*tables.metadata.tables, tables.words.name})
    if taken:
        raise StoreError(
            f"the database at {database.where} has a table {taken[0]} that carekit did not make; give the store a"
            " database of its own"
        )


def _create(database: Database, work: Any) -> None:
    for definition in tables.definitions(database.dialect):
        work.execute(definition)
    # As Alembic itself would make it.
    key = f"CONSTRAINT {VERSIONS}_pkc PRIMARY KEY (version_num)"
    work.execute(f"CREATE TABLE {VERSIONS} (version_num VARCHAR(32) NOT NULL, {key})")
    work.execute(f"INSERT INTO {VERSIONS} (version_num) VALUES ('{REVISIONS[-1]}')")  # noqa: S608 - our own
