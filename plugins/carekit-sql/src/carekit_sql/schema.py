"""Makes the tables at the first open, and refuses a database that is not ours or is newer than this version."""

from __future__ import annotations

from typing import Any

from carekit import StoreError
from carekit_sql import tables
from carekit_sql.dialects import Database
from carekit_sql.statements import Statements


def make_ready(database: Database, statements: Statements) -> None:
    """Make the tables unless they exist; raises `StoreError` if those that exist are not what we know."""
    with database.writing() as cursor:
        database.hold_schema(cursor)
        existing = database.tables(cursor)
        if "meta" in existing:
            cursor.execute(*statements.version.bind({}))
            _check_version(database, cursor.fetchone())
        else:
            taken = sorted(existing & set(tables.metadata.tables))
            if taken:
                raise StoreError(
                    f"the database at {database.where} has a table {taken[0]} that carekit did not make; give the store"
                    " a database of its own"
                )
            _create(database, statements, cursor)


def _create(database: Database, statements: Statements, cursor: Any) -> None:
    for definition in tables.definitions(database.dialect):
        cursor.execute(definition)
    statements.add_meta.run(cursor, [("schema", str(tables.VERSION))])


def _check_version(database: Database, row: tuple[str] | None) -> None:
    found = row[0] if row else "none"
    if not found.isdecimal():
        raise StoreError(
            f"the database at {database.where} has a table meta without carekit's schema version; give the store a"
            " database of its own"
        )
    if int(found) > tables.VERSION:
        raise StoreError(
            f"the database at {database.where} was written by a newer carekit-sql: its schema is version {found}, this"
            f" one knows {tables.VERSION}; update carekit-sql"
        )
