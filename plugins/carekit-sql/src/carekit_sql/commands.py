"""``carekit db``: upgrade, look at, back up, restore and examine the database of a desk."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import click

from carekit import ConfigError, Files, Parts
from carekit_sql import backup as backups
from carekit_sql import doctor as checks
from carekit_sql import migrating
from carekit_sql.archive import Manifest
from carekit_sql.dialects import Database
from carekit_sql.progress import Step
from carekit_sql.schema import REVISIONS
from carekit_sql.store import SqlStore, connect

_FILE: Callable[[Any], Any] = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_FILE_ALONE: Callable[[Any], Any] = click.argument(
    "file", type=click.Path(path_type=Path, dir_okay=False), default=Path("carekit.toml")
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("db")
def db() -> None:
    """Look after the database of a desk: upgrade it, back it up, restore it, find what is wrong with it."""


@contextmanager
def _database(files: Files, file: Path) -> Iterator[tuple[Database, Parts]]:
    """The database of *file*, not opened, and what else it describes; the driver's errors become the store's."""
    parts = files.load(file)
    store = parts.store
    if not isinstance(store, SqlStore):
        raise ConfigError(f'{file}: [store] is not one of carekit-sql; these commands need use = "sql"')
    database = connect(store.settings.url, store.folder)
    try:
        yield database, parts
    except database.errors as error:
        raise database.explain(error) from error
    finally:
        database.close()


@contextmanager
def _bar(label: str, total: int) -> Iterator[Step]:
    """A bar on a terminal; elsewhere nothing, so that logs hold results alone."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=max(total, 1), label=f"{label:<12}", file=sys.stderr) as bar:
        yield bar.update


@db.command("upgrade")
@_FILE_ALONE
@click.pass_obj
def upgrade(files: Files, file: Path) -> None:
    """Bring the database of FILE to the schema that this version needs; make a backup before.

    Each step is a transaction of its own: one that is killed can be run again.
    """
    with _database(files, file) as (database, _):
        database.open()
        with database.writing() as work:
            found = migrating.current(work, database)
        needed = migrating.pending(found)
        if not needed:
            click.echo(f"{database.where}: at {found} already, nothing to do")
            return
        with _bar("upgrading", len(needed)) as step:
            migrating.upgrade(database, lambda revision: step(1))
        click.echo(f"{database.where}: upgraded from {found or 'nothing'} to {needed[-1]}")


@db.command("status")
@_FILE_ALONE
@_JSON
@click.pass_obj
def status(files: Files, file: Path, as_json: bool) -> None:
    """Show where the database of FILE is, its schema, and how much is in it."""
    with _database(files, file) as (database, _):
        backups.refuse_missing(database)
        with closing(database.connect()) as connection:
            found = _status(database, connection)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        shown = f"{value:,}" if isinstance(value, int) and name != "last_position" else value
        click.echo(f"{name.replace('_', ' '):<14} {shown}")
    if found["pending"]:
        click.echo("make a backup, then run: carekit db upgrade")


def _status(database: Database, connection: Any) -> dict[str, Any]:
    found = migrating.current(connection, database)

    def one(text: str) -> int:
        return int(connection.execute(text).fetchone()[0] or 0)

    size = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }
    tables = ("conversation", "contact", "event", "job", "letter")
    counts = {f"{name}s": one(f"SELECT count(*) FROM {name}") for name in tables}  # noqa: S608 - names of our own
    return {
        "database": database.where,
        "schema": found,
        "pending": " ".join(migrating.pending(found)),
        **counts,
        "last_position": one("SELECT max(position) FROM event"),
        "bytes": one(size[database.dialect.name]),
    }


@db.command("backup")
@_FILE
@click.argument("to", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Make none: read all of the backup TO, and try its database.")
@click.pass_obj
def backup(files: Files, file: Path, to: Path, verify: bool) -> None:
    """Keep the desk of FILE (database, attachments, secret) in the new file TO, while it runs.

    TO gets its name when it is whole and on the disk. It holds everything that people have written: keep it as safe as
    the database.
    """
    if verify:
        _say(f"{to} is whole", backups.verify(to, _bar), to)
        return
    with _database(files, file) as (database, parts):
        made = backups.make(database, parts.data, to, datetime.now(UTC), _bar, remote=bool(parts.remote))
        _say(f"{to} is made", made, to)
        if parts.remote:
            click.echo(f"attachments are not in it: they are at {parts.remote}, which has to be backed up, too")


def _say(begin: str, manifest: Manifest, path: Path) -> None:
    size = path.stat().st_size / 2**20
    click.echo(
        f"{begin}: {manifest.events:,} events, {manifest.blobs:,} attachments, schema {manifest.revision},"
        f" {manifest.kind}, of {manifest.made_at}, {size:.1f} MiB"
    )
    if manifest.missing:
        click.echo(
            f"warning: {len(manifest.missing)} attachments were missing or damaged already, {manifest.missing[0]} for"
            " one",
            err=True,
        )


@db.command("restore")
@_FILE
@click.argument("backup", type=click.Path(path_type=Path))
@click.pass_obj
def restore(files: Files, file: Path, backup: Path) -> None:
    """Make the database of FILE, where there is none yet, from BACKUP, and compare it with what was kept.

    The service must not run. Nothing is overwritten: move an old database away first.
    """
    with _database(files, file) as (database, parts):
        manifest = backups.restore(database, parts.data, backup, _bar)
        _say(f"{database.where} is restored", manifest, backup)
        if parts.remote and manifest.blobs:
            click.echo(f"the attachments are in {parts.data / 'blobs'}: copy them to {parts.remote}")
        if manifest.revision != REVISIONS[-1]:
            click.echo("it is of an older version; now run: carekit db upgrade")


@db.command("doctor")
@_FILE_ALONE
@_JSON
@click.pass_obj
def doctor(files: Files, file: Path, as_json: bool) -> None:
    """Look for everything that can be wrong with the database of FILE; changes nothing.

    Ends with 0 if nothing is, with 1 otherwise.
    """
    with _database(files, file) as (database, parts):
        found = checks.examine(database, parts.data, _bar, remote=bool(parts.remote))
    if as_json:
        click.echo(json.dumps({"ok": all(one.ok for one in found), "checks": [attrs.asdict(one) for one in found]}))
    else:
        for one in found:
            click.echo(f"{'ok    ' if one.ok else 'FAULT '} {one.name}: {one.said}")
    if not all(one.ok for one in found):
        sys.exit(1)
