"""``carekit db``: what an operator sees, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from carekit import ConfigError, Secret, StoreError
from carekit_sql import migrating, plugin
from carekit_sql.commands import db
from carekit_sql.schema import REVISIONS
from carekit_sql.store import SqlSettings, SqlStore, connect

Opener = Callable[[str], SqlStore]
Carekit = Callable[..., Result]


@pytest.fixture
def carekit(url: str, tmp_path: Path) -> Carekit:
    """Runs a command on the database at ``url``, or another."""

    def run(*words: str, at: str = url) -> Result:
        store = SqlStore("sql", SqlSettings(url=Secret(at)))
        parts = SimpleNamespace(store=store, data=tmp_path / "data", remote="")
        files = SimpleNamespace(load=lambda file: parts)
        return CliRunner().invoke(db, list(words), obj=files)

    return run


def told(result: Result) -> str:
    """The error that the command line would show."""
    assert isinstance(result.exception, StoreError | ConfigError), result.output
    return str(result.exception)


def test_carekit_commands_offers_db() -> None:
    """The hook gives one group with everything in it."""
    assert [command.name for command in plugin.carekit_commands()] == ["db"]
    assert sorted(db.commands) == ["backup", "doctor", "restore", "status", "upgrade"]


def test_upgrade_makes_every_step_once(carekit: Carekit, url: str) -> None:
    """From nothing, then nothing to do; in between the status says what to run."""
    database = connect(url)
    database.open()
    migrating.upgrade(database, to=REVISIONS[0])
    database.close()
    status = carekit("status", "carekit.toml")
    assert f"pending        {' '.join(REVISIONS[1:])}" in status.output
    assert "then run: carekit db upgrade" in status.output
    assert f"upgraded from {REVISIONS[0]} to {REVISIONS[-1]}" in carekit("upgrade", "carekit.toml").output
    assert f"at {REVISIONS[-1]} already, nothing to do" in carekit("upgrade", "carekit.toml").output


def test_status_counts_what_is_there(carekit: Carekit, url: str, open_store: Opener, make: ModuleType) -> None:
    """As lines for people, and as one object for programs."""
    make.add_conversations(open_store(url), make.conversation("c_1"), make.conversation("c_2", contact="p_2"))
    found = json.loads(carekit("status", "carekit.toml", "--json").output)
    assert (found["conversations"], found["contacts"], found["events"], found["last_position"]) == (2, 2, 2, 2)
    assert (found["schema"], found["pending"]) == (REVISIONS[-1], "")
    assert found["bytes"] > 8192
    assert "conversations  2\n" in carekit("status", "carekit.toml").output


def test_status_makes_no_database(carekit: Carekit, tmp_path: Path) -> None:
    """Asking about an empty place says so and leaves it empty."""
    assert "there is no database" in (said := told(carekit("status", "carekit.toml"))) or "no tables" in said
    assert list(tmp_path.iterdir()) == []


def test_backup_verify_and_restore_say_what_they_did(
    carekit: Carekit, url: str, elsewhere: str, open_store: Opener, make: ModuleType, tmp_path: Path
) -> None:
    """One line each, with what is in it; the restored desk passes the examination."""
    make.add_conversations(open_store(url), make.conversation(seq=1))
    path = str(tmp_path / "care.backup")
    assert f"{path} is made: 1 events, 0 attachments, schema {REVISIONS[-1]}" in carekit("backup", "f", path).output
    assert f"{path} is whole: 1 events" in carekit("backup", "f", path, "--verify").output
    assert "is restored: 1 events" in carekit("restore", "f", path, at=elsewhere).output
    assert carekit("doctor", "f", at=elsewhere).exit_code == 0
    assert "already" in told(carekit("restore", "f", path))


def test_a_store_of_somebody_else_is_refused() -> None:
    """The commands are for the stores of this distribution."""
    files = SimpleNamespace(load=lambda file: SimpleNamespace(store=object(), data=Path()))
    result = CliRunner().invoke(db, ["status", "carekit.toml"], obj=files)
    assert 'these commands need use = "sql"' in told(result)


def test_a_server_that_is_down_is_told(carekit: Carekit) -> None:
    """Every command names the place and the remedy instead of showing a traceback."""
    pytest.importorskip("psycopg", reason="install carekit-sql[postgresql]")
    down = "postgresql://care:hunter2@127.0.0.1:9/desk"
    for words in (["status", "f"], ["upgrade", "f"], ["backup", "f", "to"]):
        assert "care@127.0.0.1:9/desk cannot be reached" in (said := told(carekit(*words, at=down)))
        assert "hunter2" not in said
    found = carekit("doctor", "f", at=down)
    assert found.exit_code == 1
    assert "FAULT  reachable: the store at postgresql://care@127.0.0.1:9/desk cannot be reached" in found.output


def test_the_command_line_runs_them(tmp_path: Path) -> None:
    """In processes of their own, on a real file: status before the first start, upgrade, backup, doctor."""
    file = tmp_path / "carekit.toml"
    file.write_text('[service]\nname = "Try"\n[store]\nuse = "sql"\n[channels.website]\nuse = "loopback"\n', "utf-8")

    def carekit(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "carekit.cli", "db", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        return done.returncode, done.stdout + done.stderr

    code, said = carekit("status", str(file))
    assert code == 1
    assert said.startswith(f"carekit: there is no database at {tmp_path}/care.db")
    assert carekit("upgrade", str(file))[0] == 0
    assert carekit("backup", str(file), str(tmp_path / "b"))[0] == 0
    code, said = carekit("doctor", str(file), "--json")
    assert (code, json.loads(said)["ok"]) == (0, True)


def result_of(found: Result) -> dict[str, Any]:
    """The findings of the doctor by name."""
    return {one["name"]: one for one in json.loads(found.output)["checks"]}


@pytest.mark.parametrize(
    ("wound", "check", "said"),
    [
        ("DELETE FROM event WHERE stream = 'c_1' AND seq = 2", "log", "steps of c_1 are missing"),
        ("UPDATE conversation SET seq = 9 WHERE id = 'c_1'", "conversations", "c_1 is not what its events add up to"),
        ("INSERT INTO blob (digest, stream) VALUES ('beef', 'c_1')", "attachments", "1 of 1 are not in"),
        (f"UPDATE alembic_version SET version_num = '{REVISIONS[0]}'", "schema", "carekit db upgrade"),
        ("UPDATE alembic_version SET version_num = '9999'", "schema", "9999, which this version does not know"),
    ],
)
def test_the_doctor_finds_what_is_wrong(
    carekit: Carekit, url: str, open_store: Opener, make: ModuleType, wound: str, check: str, said: str
) -> None:
    """Each wound is found by its check, with the remedy, and by no other."""
    store = open_store(url)
    make.add_conversations(store, make.conversation(seq=1))
    make.append(store, "c_1", "hello")
    make.append(store, "c_1", "again")
    with store._opened().database.writing() as work:
        work.execute(wound)
    found = carekit("doctor", "carekit.toml", "--json")
    assert found.exit_code == 1
    faults = {name: one["said"] for name, one in result_of(found).items() if not one["ok"]}
    assert list(faults) == [check]
    assert said in faults[check]


def test_the_doctor_names_unsafe_settings(server: Any, carekit: Carekit, open_store: Opener, database: str) -> None:
    """A database that would lose what was accepted is examined all the same, and told so."""
    open_store(database).close()
    name = database.rpartition("/")[2]
    server.execute(f"alter database {name} set synchronous_commit = off")
    found = result_of(carekit("doctor", "f", "--json", at=database))
    assert not found["settings"]["ok"]
    assert "set synchronous_commit = on" in found["settings"]["said"]
    assert found["log"]["ok"]
