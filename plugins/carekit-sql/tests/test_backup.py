"""Backups: whole or not there at all, and what is restored is what was kept."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from carekit import Attachment, Batch, Event, MessageReceived, Scope, StoreError
from carekit_sql import archive, backup, copying, doctor
from carekit_sql.store import SqlStore, connect

Opener = Callable[[str], SqlStore]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "s3cret" * 8


def keep(data: Path, content: bytes) -> str:
    """An attachment as the service keeps it; its digest."""
    digest = sha256(content).hexdigest()
    path = data / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The service's folder of files, with its secret."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    return folder


@pytest.fixture
def desk(url: str, data: Path, open_store: Opener, make: ModuleType) -> SqlStore:
    """A store with some conversations, one of which has an attachment."""
    store = open_store(url)
    make.add_conversations(store, *(make.conversation(f"c_{n}", contact=f"p_{n}", seq=1) for n in range(20)))
    attach(store, "c_1", 2, keep(data, b"a drawing" * 1000))
    return store


def attach(store: SqlStore, stream: str, seq: int, digest: str) -> None:
    """A message with an attachment."""
    fact = MessageReceived("look", "x", attachments=(Attachment("drawing.png", "image/png", 9000, digest),))
    with store.transaction() as transaction:
        transaction.write(Batch(events=[Event(stream, seq, NOW, "contact", fact)]))


@contextmanager
def database(url: str) -> Iterator[Any]:
    found = connect(url)
    try:
        yield found
    finally:
        found.close()


def back_up(url: str, data: Path, target: Path) -> archive.Manifest:
    with database(url) as found:
        return backup.make(found, data, target, NOW)


def restore(url: str, data: Path, path: Path) -> archive.Manifest:
    with database(url) as found:
        return backup.restore(found, data, path)


def test_attachments_elsewhere_are_left_out(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """What is kept at a URL is neither in the backup nor missing from it, and no fault to the doctor."""
    with database(url) as found:
        made = backup.make(found, tmp_path / "none", tmp_path / "care.backup", NOW, remote=True)
        checks = doctor.examine(found, tmp_path / "none", remote=True)
    assert (made.events, made.blobs, made.missing) == (21, 0, [])
    assert backup.verify(tmp_path / "care.backup") == made
    assert "attachments" not in [check.name for check in checks]


def test_what_is_restored_is_what_was_kept(
    desk: SqlStore, url: str, elsewhere: str, data: Path, tmp_path: Path, open_store: Opener
) -> None:
    """Log, conversations, attachments and secret come back in another place, and the store works on there."""
    made = back_up(url, data, tmp_path / "care.backup")
    assert (made.events, made.blobs, made.missing) == (21, 1, [])
    assert backup.verify(tmp_path / "care.backup") == made
    there = tmp_path / "there"
    assert restore(elsewhere, there, tmp_path / "care.backup") == made
    again = open_store(elsewhere)
    everything = Scope.everything()
    assert again.feed(0, 100, everything) == desk.feed(0, 100, everything)
    assert again.conversation("c_7", everything) == desk.conversation("c_7", everything)
    assert (there / "secret").read_text() == SECRET
    (digest,) = again.digests("", 10)
    assert sha256((there / "blobs" / digest[:2] / digest).read_bytes()).hexdigest() == digest
    attach(again, "c_1", 3, digest)
    assert again.last_position() == desk.last_position() + 1


def test_a_backup_is_one_instant_of_a_desk_at_work(
    desk: SqlStore, url: str, elsewhere: str, data: Path, tmp_path: Path, open_store: Opener, make: ModuleType
) -> None:
    """Written to all the while, a backup holds whole transactions, none missing before the last."""
    stop = threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            make.append(desk, "c_5", "and another thing")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        made = back_up(url, data, tmp_path / "care.backup")
    finally:
        stop.set()
        writer.join()
    restore(elsewhere, tmp_path / "there", tmp_path / "care.backup")
    again = open_store(elsewhere)
    found = again.conversation("c_5", Scope.everything())
    steps = [event.seq for event in again.events("c_5")]
    assert found is not None
    assert steps == list(range(1, found.seq + 1))
    assert made.last_position == again.last_position()


def test_a_backup_is_for_its_owner_alone(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """It holds what people wrote, so nobody else may read it."""
    back_up(url, data, tmp_path / "care.backup")
    assert (tmp_path / "care.backup").stat().st_mode & 0o777 == 0o600


def test_a_missing_attachment_is_told_and_the_rest_kept(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """What is lost or damaged already does not prevent a backup of everything else, which says what it lacks."""
    attach(desk, "c_2", 2, "f" * 64)
    damaged = keep(data, b"whole")
    (data / "blobs" / damaged[:2] / damaged).write_bytes(b"hole!")
    made = back_up(url, data, tmp_path / "care.backup")
    assert made.missing == sorted(["f" * 64, damaged])
    assert backup.verify(tmp_path / "care.backup") == made


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from carekit_sql import backup
from carekit_sql.store import connect

what, url, data, path, deadly = sys.argv[1:]

@contextmanager
def progress(label, total):
    def step(done):
        global deadly
        deadly = int(deadly) - 1
        if deadly < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    step(0)
    yield step
    step(0)

database = connect(url)
if what == "make":
    backup.make(database, Path(data), Path(path), datetime(2026, 3, 2, tzinfo=UTC), progress)
else:
    backup.restore(database, Path(data), Path(path), progress)
"""


def killed(what: str, url: str, data: Path, path: Path, deadly: int) -> bool:
    """Whether a backup or a restore in another process was killed at the step *deadly*."""
    words = [sys.executable, "-c", KILLED, what, url, str(data), str(path), str(deadly)]
    code = subprocess.run(words, check=False, timeout=60).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def test_a_killed_backup_leaves_nothing_under_its_name(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """Whenever it is killed there is no such file; the next try is whole, and clears away what was left."""
    path = tmp_path / "kept" / "care.backup"
    path.parent.mkdir()
    for deadly in (0, 4):
        assert killed("make", url, data, path, deadly)
        assert not path.exists()
    back_up(url, data, path)
    assert list(path.parent.iterdir()) == [path]
    backup.verify(path)


def test_a_killed_restore_can_be_run_again(
    desk: SqlStore, url: str, elsewhere: str, data: Path, tmp_path: Path, open_store: Opener
) -> None:
    """Until the end there is no database in the new place."""
    back_up(url, data, tmp_path / "care.backup")
    for deadly in (0, 2):
        assert killed("restore", elsewhere, tmp_path / "there", tmp_path / "care.backup", deadly)
    restore(elsewhere, tmp_path / "there", tmp_path / "care.backup")
    assert open_store(elsewhere).last_position() == desk.last_position()


# --- what is not a whole backup


@pytest.fixture
def whole(file: str, data: Path, tmp_path: Path, open_store: Opener, make: ModuleType) -> Path:
    """A backup of a small desk in SQLite."""
    store = open_store(file)
    make.add_conversations(store, make.conversation())
    attach(store, "c_1", 2, keep(data, b"a drawing" * 1000))
    back_up(file, data, tmp_path / "care.backup")
    return tmp_path / "care.backup"


@pytest.mark.parametrize("part", ["database", "blobs"])
def test_one_wrong_byte_is_found(whole: Path, tmp_path: Path, part: str) -> None:
    """Neither verify nor restore takes a backup in which one bit has turned."""
    with tarfile.open(whole) as tar:
        entry = next(entry for entry in tar if entry.name.startswith(part))
    content = bytearray(whole.read_bytes())
    content[entry.offset_data + 5000] ^= 1
    whole.write_bytes(content)
    with pytest.raises(StoreError, match=rf"care.backup is damaged: {part}"):
        backup.verify(whole)
    with pytest.raises(StoreError, match=rf"care.backup is damaged: {part}"):
        restore(f"sqlite:///{tmp_path}/new.db", tmp_path / "there", whole)
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.9])
def test_a_backup_cut_off_is_refused(whole: Path, tmp_path: Path, part: float) -> None:
    """Half a file is told to be one, wherever it ends."""
    os.truncate(whole, int(whole.stat().st_size * part))
    with pytest.raises(StoreError, match=r"care.backup is not a whole backup"):
        backup.verify(whole)
    with pytest.raises(StoreError, match=r"care.backup is not a whole backup"):
        restore(f"sqlite:///{tmp_path}/new.db", tmp_path / "there", whole)
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil", tarfile.REGTYPE),
        ("/evil", tarfile.REGTYPE),
        ("blobs/../../evil", tarfile.REGTYPE),
        ("database", tarfile.SYMTYPE),
        ("secret", tarfile.LNKTYPE),
    ],
)
def test_a_part_that_leads_elsewhere_is_refused(whole: Path, tmp_path: Path, name: str, kind: bytes) -> None:
    """No name in a backup is used as a path, and no link is followed."""
    with tarfile.open(whole, "a") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry, io.BytesIO())
    before = sorted(tmp_path.rglob("*evil*"))
    with pytest.raises(StoreError, match=r"that no backup of ours has"):
        restore(f"sqlite:///{tmp_path}/new.db", tmp_path / "there", whole)
    assert sorted(tmp_path.rglob("*evil*")) == before
    assert not (tmp_path / "new.db").exists()


def test_an_attachment_that_was_left_out_is_noticed(whole: Path, tmp_path: Path) -> None:
    """A backup must have as many attachments as its manifest says."""
    less = tmp_path / "less.backup"
    with tarfile.open(whole) as tar, tarfile.open(less, "w") as other:
        for entry in tar:
            if not entry.name.startswith("blobs/"):
                other.addfile(entry, tar.extractfile(entry))
    with pytest.raises(StoreError, match=r"0 of 1 attachments"):
        backup.verify(less)


def test_what_is_no_backup_is_told(tmp_path: Path) -> None:
    """A missing file, a folder and somebody's diary are each told apart."""
    with pytest.raises(StoreError, match=r"there is no backup at"):
        backup.verify(tmp_path / "none")
    with pytest.raises(StoreError, match=r"is a folder"):
        backup.verify(tmp_path)
    (tmp_path / "diary").write_bytes(b"dear diary " * 1000)
    with pytest.raises(StoreError, match=r"is not a whole backup"):
        backup.verify(tmp_path / "diary")


def _with(whole: Path, **changes: Any) -> Path:
    """A copy of a backup with another manifest."""
    with archive.reading(whole) as reader, archive.writing(whole.with_name("changed.backup")) as writer:
        writer.finish(attrs.evolve(reader.manifest, **changes))
    return whole.with_name("changed.backup")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "made by a newer carekit-sql .format 2"),
        ({"revision": "9999"}, "its schema is at 9999"),
        ({"kind": "postgresql"}, "is of a database of postgresql"),
        ({"events": "many"}, "not a whole backup"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(whole: Path, tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """Of a newer version, or of the other kind of database: nothing is touched."""
    with pytest.raises(StoreError, match=said):
        restore(f"sqlite:///{tmp_path}/new.db", tmp_path / "there", _with(whole, **changes))
    assert not (tmp_path / "new.db").exists()


# --- where it may go


def test_nothing_is_overwritten(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """Neither a backup by a backup nor a database by a restore."""
    back_up(url, data, tmp_path / "care.backup")
    with pytest.raises(StoreError, match=r"care.backup is there already"):
        back_up(url, data, tmp_path / "care.backup")
    with pytest.raises(StoreError, match=r"already;.* restore again"):
        restore(url, data, tmp_path / "care.backup")


def test_a_place_that_cannot_be_written_is_named(desk: SqlStore, url: str, data: Path, tmp_path: Path) -> None:
    """A folder that does not exist is not made by guessing."""
    with pytest.raises(StoreError, match=r"none/care.backup cannot be written: No such file"):
        back_up(url, data, tmp_path / "none" / "care.backup")


def test_there_must_be_a_database(url: str, data: Path, tmp_path: Path) -> None:
    """An empty place is told, and asking does not make a file."""
    with pytest.raises(StoreError, match=r"there is no database at|has no tables of carekit"):
        back_up(url, data, tmp_path / "care.backup")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_damaged_database_is_not_taken_for_a_backup(
    file: str, data: Path, tmp_path: Path, open_store: Opener, make: ModuleType
) -> None:
    """A file of SQLite that is not whole is told, before anybody relies on a copy of it."""
    store = open_store(file)
    make.add_conversations(store, *(make.conversation(f"c_{number}") for number in range(200)))
    store.close()
    path = Path(file.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'conversation_contact'"
        ).fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 + 8 : page * 4096] = bytes(4088)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|failed|cannot be read"):
        back_up(file, data, tmp_path / "care.backup")
    assert not (tmp_path / "care.backup").exists()


def test_without_the_programs_of_postgresql_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only they can copy a server's database."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(StoreError, match=r"pg_dump is not installed.*apt install postgresql-client"):
        copying.program("pg_dump")


def test_a_refusing_server_is_told_without_its_password(server: Any, data: Path, tmp_path: Path) -> None:
    """What pg_dump complains of is passed on in one line."""
    found = connect(server.url_of("no_such_desk").replace("postgres@", "postgres:hunter2@"))
    with pytest.raises(StoreError, match=r"pg_dump failed for .*no_such_desk.* does not exist") as caught:
        copying.PostgresqlCopying(found)._run("pg_dump", ["--file=/dev/null"], "", lambda done: None)
    assert "hunter2" not in str(caught.value)
