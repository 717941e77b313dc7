"""What is said when the store cannot be opened, and what is never said."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import traceback
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carekit import Secret, StoreError, Unavailable
from carekit_sql import plugin
from carekit_sql.on_sqlite import Sqlite
from carekit_sql.schema import REVISIONS
from carekit_sql.store import SqlSettings, SqlStore

if TYPE_CHECKING:
    from conftest import Server

Opener = Callable[[str], SqlStore]


def test_carekit_stores_offers_the_store_by_name() -> None:
    """The hook gives the store that the file calls sql, and the entry point leads to the hook."""
    assert plugin.carekit_stores() == {"sql": SqlStore}
    (found,) = entry_points(group="carekit", name="sql")
    assert found.value == "carekit_sql.plugin"


def test_making_the_store_touches_nothing(tmp_path: Path) -> None:
    """The constructor and the self-check leave the disk as it was."""
    store = SqlStore("sql", SqlSettings(url=Secret(f"sqlite:///{tmp_path}/care.db")))
    assert list(store.check()) == []
    assert list(tmp_path.iterdir()) == []


def test_text_will_do_as_url(tmp_path: Path) -> None:
    """Settings made by hand may give the url as a plain text."""
    store = SqlStore("sql", SqlSettings(url=f"sqlite:///{tmp_path}/care.db"))  # type: ignore[arg-type]
    store.open()
    store.close()
    assert (tmp_path / "care.db").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("care.db", "must begin with sqlite:///"),
        ("mysql://root:hunter2@host/db", "must begin with sqlite:///"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", 'use = "memory"'),
        ("sqlite:///file:care.db", "names no file"),
        ("sqlite:///care.db?synchronous=off", "more than a path"),
        ("sqlite://care.db", "three slashes"),
        ("postgresql://care:hunter2@host:port/db", "cannot be read"),
    ],
)
def test_url_that_cannot_be_used_is_a_fault_of_the_settings(url: str, said: str) -> None:
    """Each is found by the self-check, in one text with the remedy and without the password, and refused by open."""
    store = SqlStore("sql", SqlSettings(url=Secret(url)))
    (fault,) = store.check()
    assert fault.startswith("url: ")
    assert said in fault
    assert "hunter2" not in fault
    with pytest.raises(StoreError, match="the url of the store"):
        store.open()


# --- SQLite


def test_place_that_cannot_be_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    """The self-check finds it before the store is opened."""
    (tmp_path / "file").touch()
    for path, said in (("", "is a folder; give the path of a file"), ("/file/care.db", "cannot be written")):
        (fault,) = SqlStore("sql", SqlSettings(url=Secret(f"sqlite:///{tmp_path}{path}"))).check()
        assert fault.startswith(f"url: the store at {tmp_path}{path} ")
        assert said in fault


def test_folder_that_the_service_may_make_is_no_fault_yet(tmp_path: Path) -> None:
    """The folder of its data is there only once it has started."""
    assert list(SqlStore("sql", SqlSettings(url=Secret(f"sqlite:///{tmp_path}/data/care.db"))).check()) == []


def test_missing_folder_is_named(tmp_path: Path, open_store: Opener) -> None:
    """The folder is not made by guessing; the message says which one to make."""
    with pytest.raises(StoreError, match=f"there is no folder {tmp_path}/none; create it"):
        open_store(f"sqlite:///{tmp_path}/none/care.db")


def test_folder_in_place_of_the_file_is_named(tmp_path: Path, open_store: Opener) -> None:
    """A path that is a folder is told apart from one that cannot be written."""
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:///{tmp_path}")


def test_unwritable_folder_is_named(open_store: Opener) -> None:
    """Where even root cannot write, the message says what right is missing."""
    with pytest.raises(StoreError, match=r"/proc/care\.db cannot be written.*; give the service's account the right"):
        open_store("sqlite:////proc/care.db")


def test_other_file_is_left_alone(tmp_path: Path, open_store: Opener) -> None:
    """A file that is no database is refused and not changed."""
    path = tmp_path / "care.db"
    path.write_bytes(b"this is my diary\n" * 100)
    with pytest.raises(StoreError, match=r"cannot be read.*give the path of a carekit database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"this is my diary\n" * 100


def test_locked_file_is_explained(file: str, open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that holds on to the file is named as the cause, at open and later."""
    monkeypatch.setattr(Sqlite, "patience", 0.05)
    store = open_store(file)
    other = sqlite3.connect(file.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked: another process"), store.transaction():
        pass
    assert asyncio.run(store.health()).state == "failed"
    with pytest.raises(Unavailable, match="locked: another process"):
        open_store(file)
    other.close()
    with store.transaction():
        pass
    assert asyncio.run(store.health()).state == "ok"


# --- the schema, in both


def tamper(url: str, statement: str) -> None:
    """Run *statement* behind the store's back."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute(statement)
        connection.close()
    else:
        import psycopg

        with psycopg.connect(url, autocommit=True) as session:
            session.execute(statement)


def test_newer_schema_is_refused(url: str, open_store: Opener) -> None:
    """What a newer version has written is not touched by an older one."""
    open_store(url).close()
    tamper(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"its schema is at 9999, this one knows {REVISIONS[-1]}; update carekit-sql"):
        open_store(url)


@pytest.mark.parametrize("table", ["event", "words"])
def test_database_of_somebody_else_is_refused(url: str, open_store: Opener, table: str) -> None:
    """Tables that only share our names are left alone."""
    tamper(url, f"CREATE TABLE {table} (key text, value text)")
    with pytest.raises(StoreError, match=f"table {table}.*; give the store a database of its own"):
        open_store(url)


# --- PostgreSQL


def test_server_that_is_down_is_named(open_store: Opener) -> None:
    """Host, port and database are named, the password is not."""
    pytest.importorskip("psycopg", reason="install carekit-sql[postgresql]")
    with pytest.raises(Unavailable, match=r"care@127\.0\.0\.1:9/desk cannot be reached.*see that the server runs"):
        open_store("postgresql://care:hunter2@127.0.0.1:9/desk")


def test_missing_database_is_named(server: Server, open_store: Opener) -> None:
    """A database that the server does not have is told apart from a server that cannot be reached."""
    with pytest.raises(StoreError, match=r"no_such_desk.*createdb"):
        open_store(server.url_of("no_such_desk"))


def test_secret_never_shows(server: Server, open_store: Opener, caplog: pytest.LogCaptureFixture) -> None:
    """Neither messages nor tracebacks nor logs repeat the password, whatever goes wrong."""
    server.execute("drop role if exists carekit_test_locked", "create role carekit_test_locked")
    shown = []
    with caplog.at_level(logging.DEBUG):
        for url in (
            server.url_of("postgres").replace("postgres@", "carekit_test_locked:hunter2@"),
            "postgresql://care:hunter2@127.0.0.1:9/desk",
            "postgresql://care@127.0.0.1:9/desk?password=hunter2",
            "postgresql://care@127.0.0.1:9/desk?nonsense=hunter2",
        ):
            with pytest.raises(StoreError) as caught:
                open_store(url)
            shown.append("".join(traceback.format_exception(caught.value)))
    server.execute("drop role carekit_test_locked")
    assert "hunter2" not in "".join(shown) + caplog.text
    assert len(shown) == 4


def test_nobody_else_may_read_the_file(file: str, open_store: Opener) -> None:
    """What people have written is for the account of the service alone, in the log of the file as well."""
    store = open_store(file)
    path = Path(file.removeprefix("sqlite:///"))
    assert [one.stat().st_mode & 0o077 for one in path.parent.glob(f"{path.name}*")] == [0, 0, 0]
    store.close()
