"""From one schema to the next: what the steps lead to, and that one that is killed can be run again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from carekit import Query, Scope, StoreError
from carekit_sql import migrating
from carekit_sql.dialects import Database
from carekit_sql.schema import REVISIONS
from carekit_sql.store import SqlStore, connect

Opener = Callable[[str], SqlStore]


@pytest.fixture
def empty(url: str) -> Iterator[Database]:
    """An empty database, opened without its tables."""
    database = connect(url)
    database.open()
    yield database
    database.close()


def _revision(database: Database) -> str:
    with database.writing() as work:
        return migrating.current(work, database)


def _schema(database: Database) -> set[Any]:
    """Every table, column and index with its definition, however it was made."""
    if database.dialect.name == "sqlite":
        found = database.rows(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'", ()
        )
        return {(kind, name, "".join((sql or "").split())) for kind, name, sql in found}
    columns = database.rows(
        "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public'",
        (),
    )
    indexes = database.rows("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'", ())
    return {tuple(row) for row in (*columns, *indexes)}


def test_the_revisions_are_those_of_the_folder() -> None:
    """What the code says is needed is what the folder of revisions leads to, in that order."""
    settings = Config()
    settings.set_main_option("script_location", str(migrating.FOLDER))
    settings.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(settings).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == REVISIONS


def test_the_steps_lead_to_the_same_tables(url: str, empty: Database, open_store: Opener, make: Any) -> None:
    """A database that went through every step is like one made today, and the store works on it."""
    told: list[str] = []
    migrating.upgrade(empty, told.append)
    assert tuple(told) == REVISIONS
    stepped = _schema(empty)
    make.add_conversations(open_store(url), make.conversation())
    for statement in _drops(empty):
        with empty.writing() as cursor:
            cursor.execute(statement)
    open_store(url)
    assert _schema(empty) == stepped


def _drops(database: Database) -> list[str]:
    with database.writing() as cursor:
        names = database.tables(cursor)
    return [f"DROP TABLE {name}" for name in sorted(names) if not name.startswith("words_")]


def test_an_older_schema_is_refused_until_it_is_upgraded(url: str, empty: Database, open_store: Opener) -> None:
    """The service does not touch an older database: it says what to run; after that it opens."""
    migrating.upgrade(empty, to=REVISIONS[0])
    assert (_revision(empty), migrating.pending(REVISIONS[0])) == (REVISIONS[0], REVISIONS[1:])
    with pytest.raises(
        StoreError, match=f"its schema is at {REVISIONS[0]}.*make a backup, then run: carekit db upgrade"
    ):
        open_store(url)
    migrating.upgrade(empty)
    assert migrating.pending(_revision(empty)) == ()
    open_store(url)


def test_what_bots_handle_is_known_after_the_step(url: str, empty: Database, open_store: Opener, make: Any) -> None:
    """Conversations of an older schema are listed by their bot, and stay what they were."""
    store = open_store(url)
    with_bot, without = (
        make.conversation("c_1", bot="guide", preview='the \\ and the "é" \x00'),
        make.conversation("c_2"),
    )
    make.add_conversations(store, with_bot, without)
    store.close()
    for statement in ("ALTER TABLE conversation DROP COLUMN bot", "UPDATE alembic_version SET version_num = '0002'"):
        with empty.writing() as work:
            work.execute(statement)
    migrating.upgrade(empty)
    store = open_store(url)
    assert list(store.conversations(Query(bot=True), Scope.everything()).items) == [with_bot]
    assert list(store.conversations(Query(bot=False), Scope.everything()).items) == [without]


def test_an_empty_database_needs_every_step(empty: Database) -> None:
    """Without tables there is no revision, and an unknown one is said to be newer."""
    assert (_revision(empty), migrating.pending("")) == ("", REVISIONS)
    with pytest.raises(StoreError, match="9999, which this version does not know; update carekit-sql"):
        migrating.pending("9999")


KILLED = """
import os, signal, sys
import alembic.command, alembic.config  # once for all of the children
import sqlalchemy as sa
from carekit_sql import migrating
from carekit_sql.store import connect

def upgrade(deadly):
    count = 0

    def count_up(*_):
        nonlocal count
        count += 1
        if count == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "after_cursor_execute", count_up)
    database = connect(sys.argv[1])
    database.open()
    migrating.upgrade(database)

def revision():
    database = connect(sys.argv[1])
    database.open()
    try:
        with database.writing() as work:
            return migrating.current(work, database)
    finally:
        database.close()

stride = 2 if sys.argv[1].startswith("sqlite") else 5
found, deadly = "", 1
while True:
    child = os.fork()
    if not child:
        upgrade(deadly)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    print(deadly, revision(), flush=True)
    deadly, found = (deadly + stride, found) if revision() == found else (1, revision())
"""


def test_a_migration_killed_at_any_statement_can_be_run_again(url: str, empty: Database, open_store: Opener) -> None:
    """R-15: killed after one statement or another, the database is at the revision before; the last run completes."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url], check=True, timeout=120, stdout=subprocess.PIPE, text=True
    )
    found = [line.partition(" ")[2] for line in done.stdout.splitlines()]
    assert len(found) > 4
    assert found == sorted(found)
    assert set(found) == {"", *REVISIONS[:-1]}
    assert _revision(empty) == REVISIONS[-1]
    open_store(url)


def test_a_step_that_fails_is_explained(file: str) -> None:
    """What the database says of a failed step is told as the store's own error."""
    database = connect(file)
    database.open()
    other = sqlite3.connect(file.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("CREATE TABLE contact (x)")
    other.close()
    with pytest.raises(StoreError, match="table contact already exists"):
        migrating.upgrade(database)
    database.close()
