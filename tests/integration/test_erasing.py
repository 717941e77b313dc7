"""A contact who is erased from a database: nothing of them is left in any file, and no backup brings them back."""

from __future__ import annotations

import shutil
from pathlib import Path

from carekit import Contact, Scope
from carekit.testing import DeskKit
from tests.integration._desks import desk

CANARY = "my-canary-is-a-yellow-one"


def contacts(kit: DeskKit) -> list[Contact]:
    return kit.run(kit.desk.contacts(Scope.everything()))[0]


def test_a_restored_backup_brings_nobody_back(tmp_path: Path) -> None:
    """Erased after the backup, there again in the restored database, and erased at its first start."""
    with desk(tmp_path) as kit:
        kit.write(f"Hello, {CANARY}", sender="ana")
        kit.write("Hello", sender="ben")
        ana = next(one.id for one in contacts(kit) if "loopback:ana" in one.addresses)
    shutil.copy(tmp_path / "care.db", tmp_path / "backup.db")
    with desk(tmp_path) as kit:
        kit.run(kit.desk.erase(ana, "operator", scope=Scope.everything()))
        assert [one.id for one in contacts(kit)] != [ana]
    for path in tmp_path.glob("care.db*"):
        path.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "care.db")
    with desk(tmp_path) as kit:
        assert len(contacts(kit)) == 2
        kit.run(kit.desk.erase_again())
        assert [one.addresses for one in contacts(kit)] == [("loopback:ben",)]
        assert kit.run(kit.desk.search("canary", Scope.everything())) == []


def test_no_page_of_the_database_holds_what_was_erased(tmp_path: Path) -> None:
    """Neither the file nor its log, free pages included, once the desk has been stopped."""
    with desk(tmp_path) as kit:
        kit.write(f"Hello, {CANARY}", sender="ana")
        kit.run(kit.desk.search("hello", Scope.everything()))  # so that the index of the search has it, too
        [ana] = contacts(kit)
        kit.run(kit.desk.erase(ana.id, "operator", scope=Scope.everything()))
    found = [path.name for path in tmp_path.glob("care.db*") if CANARY.encode() in path.read_bytes()]
    assert found == []
