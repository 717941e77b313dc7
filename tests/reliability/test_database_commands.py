"""Killed while a database is upgraded or backed up: it is as before or complete, and the command can be run again."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carekit_sql import migrating
from carekit_sql.schema import REVISIONS
from carekit_sql.store import connect
from tests.acceptance._shop import until
from tests.reliability._clients import Chat, Load, Mail, Webhook, keys, series
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import points
from tests.reliability._site import Site
from tests.reliability._strace import fault, require_strace

CALLS = ("pwrite64", "write", "fsync", "fdatasync", "rename", "unlink")


@pytest.fixture
def site(tmp_path: Path, nursery: Nursery) -> Iterator[Site]:
    """A desk that runs; without the commands the test is skipped."""
    require_strace()
    with Site(tmp_path, nursery) as site:
        if site.run("db", "--help").wait(60) != 0:
            pytest.skip("this carekit-sql has no command carekit db")
        yield site


def _sweep(start: Callable[[], Site], *command: str, check: Callable[[bool], None]) -> int:
    """Kill the command at one call after another; *check* looks at each outcome. How many kills there were."""
    kills = 0
    for call in CALLS:
        for number in points(call, apart=40):
            site = start()
            process = site.run(*command, stopped=True)
            with fault(process, call, "signal=KILL", when=str(number)):
                process.signal(signal.SIGCONT)
                code = process.wait(60)
            assert code in (0, -signal.SIGKILL), site.output[-2000:]
            check(code == 0)
            if code == 0:
                break
            kills += 1
    return kills


def test_upgrade(tmp_path: Path, nursery: Nursery, site: Site) -> None:
    """An upgrade that was killed is completed by the next, and every row is as after one that was not."""
    ledger = Ledger("killed at each call, upgrade")
    for kind, prefix in ((Webhook, "webhook"), (Chat, "visitors"), (Mail, "mail")):
        kind(site).deliver(keys(prefix, 3), ledger)
    site.stop()
    old, folder = _as_of_old(tmp_path), tmp_path / "upgraded"
    folder.mkdir()
    upgraded = Site(folder, nursery)
    command = ("db", "upgrade", str(upgraded.file))

    def start() -> Site:
        for path in folder.glob("care.db*"):
            path.unlink()
        shutil.copy(old, folder / "care.db")
        return upgraded

    start()
    assert upgraded.run(*command).wait(60) == 0, upgraded.output
    complete = _rows(folder / "care.db")

    def check(whole: bool) -> None:
        if not whole:
            assert upgraded.run(*command).wait(60) == 0, upgraded.output[-2000:]
        assert _rows(folder / "care.db") == complete

    kills = _sweep(start, *command, check=check)
    with upgraded:
        ledger.settle(upgraded.texts(), kills=kills)


def test_backup(tmp_path: Path, nursery: Nursery, site: Site) -> None:
    """A backup that was killed is none, the next is whole, and restores all that was acknowledged before it."""
    ledger, later = Ledger("killed at each call, backup"), Ledger("")
    for kind, prefix in ((Webhook, "webhook"), (Chat, "visitors"), (Mail, "mail")):
        kind(site).deliver(keys(prefix, 3), ledger)
    backup = tmp_path / "desk.backup"
    load = Load()
    load.add(Webhook(site), series("later"), later)

    def check(whole: bool) -> None:
        if backup.exists():
            assert site.run("db", "backup", "--verify", str(site.file), str(backup)).wait(60) == 0, site.output[-2000:]
            backup.unlink()
        else:
            assert not whole

    kills = _sweep(lambda: site, "db", "backup", str(site.file), str(backup), check=check)
    for key in set(later.acked):
        ledger.offer(key)
        ledger.ack(key)
    assert site.run("db", "backup", str(site.file), str(backup)).wait(60) == 0, site.output[-2000:]
    load.finish(stop=True)
    folder = tmp_path / "restored"
    folder.mkdir()
    restored = Site(folder, nursery)
    assert restored.run("db", "restore", str(restored.file), str(backup)).wait(60) == 0, restored.output
    with restored:
        found = restored.texts()
        assert {text for text in found if text.startswith("later")} <= later.offered
        ledger.settle([text for text in found if text in ledger.offered], kills=kills)
        raw = [event["fact"]["raw"] for event in restored.events("message_received") if event["fact"].get("raw")]
        assert len(raw) == 3
        until(lambda: all((folder / "data" / "blobs" / each[:2] / each).exists() for each in raw), "the mails' bytes")


def _as_of_old(folder: Path) -> Path:
    """The desk of *folder* as the first version would have kept it."""
    place = folder / "old.db"
    database = connect(f"sqlite:///{place}")
    database.open()
    migrating.upgrade(database, to=REVISIONS[0])
    database.close()
    with closing(sqlite3.connect(place, isolation_level=None)) as old:
        old.execute("ATTACH ? AS now", (str(folder / "care.db"),))
        for (table,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            known = {row[1] for row in old.execute(f"PRAGMA now.table_info('{table}')")}
            common = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info('{table}')") if row[1] in known)
            if common and table not in ("alembic_version", "sqlite_sequence"):
                old.execute(f"INSERT INTO main.{table} ({common}) SELECT {common} FROM now.{table}")
        old.execute("PRAGMA journal_mode = DELETE")
    return place


def _rows(place: Path) -> list[str]:
    """Everything in a database."""
    with closing(sqlite3.connect(place)) as database:
        return list(database.iterdump())
