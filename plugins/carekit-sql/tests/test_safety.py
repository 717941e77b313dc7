"""What must not be lost: unsafe settings are refused, and a killed writer loses nothing that it had confirmed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from carekit import Batch, InDoubt, Scope, StoreError, Unavailable, Wanted
from carekit_sql.on_sqlite import Sqlite, refuse_unsafe
from carekit_sql.store import SqlStore

if TYPE_CHECKING:
    from conftest import Server

Opener = Callable[[str], SqlStore]

WRITER = """
import sys
from datetime import UTC, datetime
from carekit import Batch, Contact, Conversation, Event, MessageReceived, Secret
from carekit_sql.store import SqlSettings, SqlStore

now = datetime(2026, 3, 2, tzinfo=UTC)
store = SqlStore("test", SqlSettings(url=Secret(sys.argv[1])))
store.open()
number = 0
while True:
    number += 1
    stream = f"c_{number}"
    batch = Batch(
        contacts=[Contact(f"p_{number}", now)],
        conversations=[Conversation(stream, "chat", "chat", f"p_{number}", now, now, seq=3)],
        events=[Event(stream, seq, now, "contact", MessageReceived("hello", "x")) for seq in (1, 2, 3)],
        receipts={f"r_{number}": stream},
    )
    with store.transaction() as transaction:
        transaction.write(batch)
    print(number, flush=True)
"""


def killed_after(url: str, count: int) -> int:
    """Let another process write, kill it without warning after *count* batches, and tell how many it had confirmed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = 0
        for line in writer.stdout:
            confirmed = int(line)
            if confirmed == count:
                break
        writer.send_signal(signal.SIGKILL)
        rest = [int(line) for line in writer.stdout if line.endswith("\n")]
    return rest[-1] if rest else confirmed


@pytest.mark.parametrize("count", [1, 57])
def test_kill_in_the_middle_of_writing_loses_nothing_confirmed(url: str, open_store: Opener, count: int) -> None:
    """After kill -9 every confirmed batch is there, at most one more, and each of them whole."""
    confirmed = killed_after(url, count)
    assert confirmed >= count
    store = open_store(url)
    events = store.feed(0, 100_000, Scope.everything())
    kept = len(events) // 3
    assert confirmed <= kept <= confirmed + 1
    assert [(e.stream, e.seq) for e in events] == [(f"c_{n}", seq) for n in range(1, kept + 1) for seq in (1, 2, 3)]
    assert all(store.conversation(f"c_{n}", Scope.everything()) for n in range(1, kept + 1))


# --- SQLite


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("journal_mode = DELETE", "journal_mode is delete"),
        ("journal_mode = MEMORY", "journal_mode is memory"),
        ("synchronous = OFF", "synchronous is 0"),
        ("synchronous = NORMAL", "synchronous is 1"),
    ],
)
def test_unsafe_setting_of_sqlite_is_refused(tmp_path: Path, setting: str, name: str) -> None:
    """Each setting with which a commit could be lost is named, with the remedy."""
    connection = sqlite3.connect(tmp_path / "care.db", isolation_level=None)
    for safe in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {safe}")
    refuse_unsafe(connection, "care.db")
    connection.execute(f"PRAGMA {setting}")
    with pytest.raises(StoreError, match=f"care.db would not be safe: {name}.*; (use|keep)"):
        refuse_unsafe(connection, "care.db")
    connection.close()


def test_opening_refuses_a_file_that_cannot_be_made_safe(
    file: str, open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system on which SQLite cannot keep its journal is refused when the store opens."""

    def without_shared_memory(self: Sqlite) -> sqlite3.Connection:
        # The locking of files without shared memory, as on network folders: WAL cannot be had.
        return sqlite3.connect(f"file:{self.where}?vfs=unix-none", uri=True, isolation_level=None)

    monkeypatch.setattr(Sqlite, "connect", without_shared_memory)
    with pytest.raises(StoreError, match="journal_mode is delete"):
        open_store(file)


# --- PostgreSQL


@pytest.fixture
def careless(server: Server) -> Iterator[Callable[[str], None]]:
    """Turns a setting of the whole server off until the end of the test."""
    if not server.private:
        pytest.skip("changes the whole server: unset CAREKIT_TEST_PG to let the tests start one of their own")

    def setting(name: str) -> str:
        import psycopg

        with psycopg.connect(server.url, autocommit=True) as connection:
            row = connection.execute("select current_setting(%s)", (name,)).fetchone()
        assert row is not None
        return str(row[0])

    changed = []

    def become(name: str, value: str) -> None:
        deadline = time.monotonic() + 30
        while setting(name) != value:  # the server reads its file again in its own time
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def turn_off(name: str) -> None:
        changed.append(name)
        server.execute(f"alter system set {name} = off", "select pg_reload_conf()")
        become(name, "off")

    yield turn_off
    for name in changed:
        server.execute(f"alter system reset {name}", "select pg_reload_conf()")
        become(name, "on")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_unsafe_setting_of_postgresql_is_refused(
    database: str, open_store: Opener, careless: Callable[[str], None], name: str
) -> None:
    """Each setting with which a commit could be lost is named, with the remedy."""
    careless(name)
    with pytest.raises(StoreError, match=f"would not be safe: {name} is off.*set {name} = on"):
        open_store(database)


def test_unsafe_setting_of_the_account_is_refused(server: Server, database: str, open_store: Opener) -> None:
    """What counts is how our own sessions run, not what the server's file says."""
    name = database.rpartition("/")[2]
    server.execute(f"alter database {name} set synchronous_commit = off")
    with pytest.raises(StoreError, match="synchronous_commit is off"):
        open_store(database)


def test_store_survives_the_loss_of_its_connections(server: Server, database: str, open_store: Opener) -> None:
    """After the server has thrown us out, reads go on at once, and writes after one that is refused."""
    store = open_store(database)
    assert store.last_position() == 0
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'carekit'")
    assert store.last_position() == 0
    with pytest.raises(StoreError, match="cannot be reached"), store.transaction() as unit:
        unit.load(Wanted(streams=["c_1"]))
    with store.transaction():
        pass


@pytest.mark.parametrize(("asked", "idle"), [("", "30"), ("?keepalives_idle=7", "7")])
def test_server_whose_machine_is_gone_is_noticed(database: str, asked: str, idle: str) -> None:
    """The connection asks after it, and waits a minute at most for what it was sent; the url may say otherwise."""
    from carekit_sql.store import connect

    connection = connect(database + asked).connect()
    kept = connection.info.get_parameters()
    connection.close()
    assert (kept["keepalives_idle"], kept["keepalives_count"], kept["tcp_user_timeout"]) == (idle, "3", "60000")


@pytest.mark.parametrize(("when", "error"), [("deferred", InDoubt), ("immediate", Unavailable)])
def test_connection_that_breaks_at_the_commit_leaves_doubt(
    database: str, open_store: Opener, when: str, error: type[Unavailable]
) -> None:
    """Only there: what breaks off earlier is surely not kept. The next transaction goes through."""
    import psycopg

    store = open_store(database)
    with psycopg.connect(database) as connection:
        connection.execute(
            "create function die() returns trigger language plpgsql as"
            " 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'"
        )
        connection.execute(
            "create constraint trigger die after insert on mark deferrable"
            f" initially {when} for each row when (new.name = 'x') execute function die()"
        )

    def write(name: str) -> None:
        with store.transaction() as transaction:
            transaction.write(Batch(marks={name: "1"}))
            transaction.load(Wanted(streams=["c_1"]))

    with pytest.raises(Unavailable) as raised:
        write("x")
    assert raised.type is error
    write("y")
    assert store.marks(["x", "y"]) == {"y": "1"}
