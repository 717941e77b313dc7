"""Backups: made beside the running service, checked, and restored into an empty place."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from carekit import StoreError
from carekit_sql import archive, copying
from carekit_sql.archive import DATABASE, SECRET, Manifest, Reader, Writer
from carekit_sql.copying import sync_folder
from carekit_sql.dialects import Database
from carekit_sql.progress import Progress, silent
from carekit_sql.schema import REVISIONS

_DIGEST = re.compile(r"[0-9a-f]{64}")


# --- make


def make(
    database: Database, data: Path, target: Path, now: datetime, progress: Progress = silent, *, remote: bool = False
) -> Manifest:
    """Keep *database* and what the service keeps in the folder *data* in the new file *target*.

    Without attachments, where these are *remote*. It gets that name when it is whole and on the disk, not before.
    Raises `StoreError`.
    """
    refuse_missing(database)
    copies = copying.of(database)
    with _partial(target) as folder:
        content = copies.copy(folder / DATABASE, progress)
        with archive.writing(folder / "backup") as writer:
            with progress("copy", (folder / DATABASE).stat().st_size) as step:
                digest = writer.add(DATABASE, folder / DATABASE, step)
            if (data / SECRET).is_file():
                writer.add(SECRET, data / SECRET, lambda done: None)
            # After the database: what it refers to was on the disk before it did.
            kept = {} if remote else _add_blobs(writer, data / "blobs", progress)
            referred = set() if remote else content.digests
            manifest = Manifest(
                kind=database.dialect.name,
                revision=content.revision,
                made_at=now.isoformat(timespec="seconds"),
                events=content.events,
                last_position=content.last_position,
                sha256=digest,
                blobs=len(kept),
                missing=sorted((referred - {name for name, whole in kept.items() if whole}) | _damaged(kept)),
            )
            writer.finish(manifest)
        (folder / "backup").replace(target)
        sync_folder(target.absolute().parent)
    return manifest


def refuse_missing(database: Database) -> None:
    """Raise `StoreError` if there is nothing to work on; asking SQLite would make it."""
    if database.dialect.name == "sqlite" and not Path(database.where).is_file():
        raise StoreError(
            f"there is no database at {database.where}; it is made when the service starts for the first time"
        )
    with closing(database.connect()) as connection:
        if "alembic_version" not in database.tables(connection):
            raise StoreError(
                f"the database at {database.where} has no tables of carekit; start the service once, or run: carekit db"
                " upgrade"
            )


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A folder beside *target*, on the same disk; what an earlier try left there is removed."""
    if target.exists():
        raise StoreError(f"{target} is there already; give another name, or remove it")
    folder = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        raise StoreError(
            f"the backup {target} cannot be written: {error.strerror or error}; give a name in a folder that exists,"
            " with room, and that this account may write to"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _add_blobs(writer: Writer, folder: Path, progress: Progress) -> dict[str, bool]:
    """Add every attachment; for each digest whether its bytes are those it was named for."""
    paths = sorted(path for path in folder.glob("??/*") if _DIGEST.fullmatch(path.name))
    kept = {}
    with progress("attachments", len(paths)) as step:
        for path in paths:
            try:
                kept[path.name] = writer.add(f"blobs/{path.name}", path, lambda done: None) == path.name
            except FileNotFoundError:
                continue  # erased in this moment
            step(1)
    return kept


def _damaged(kept: dict[str, bool]) -> set[str]:
    return {name for name, whole in kept.items() if not whole}


# --- check


def verify(path: Path, progress: Progress = silent) -> Manifest:
    """Read all of the backup at *path*, and try its database; raises `StoreError` unless it is whole."""
    with archive.reading(path) as reader, tempfile.TemporaryDirectory(prefix="carekit-verify-") as name:
        folder = Path(name)
        seen = set()
        with progress("reading", path.stat().st_size) as step:
            for part, digest, file in reader.parts():
                seen.add(part)
                if part == DATABASE:
                    with (folder / DATABASE).open("wb") as target:
                        reader.copy(part, digest, file, target, step)
                else:
                    reader.copy(part, digest, file, None, step)
        _refuse_incomplete(path, reader, seen)
        _try(reader.manifest, folder / DATABASE)
        return reader.manifest


def _refuse_incomplete(path: Path, reader: Reader, seen: set[str]) -> None:
    blobs = len(seen - {DATABASE, SECRET})
    if DATABASE not in seen or blobs != reader.manifest.blobs:
        raise StoreError(
            f"the backup {path} is damaged: {blobs} of {reader.manifest.blobs} attachments are in it"
            f"{'' if DATABASE in seen else ', and no database'}; take another backup"
        )


def _try(manifest: Manifest, copy: Path) -> None:
    """Raise `StoreError` if the database of a backup cannot be used."""
    from carekit_sql.store import connect

    url = f"sqlite:///{copy}" if manifest.kind == "sqlite" else "postgresql://"
    database = connect(url)
    copying.of(database).check(copy, "the database of the backup")
    if manifest.kind == "sqlite":
        _compare(database, manifest)


def _compare(database: Database, manifest: Manifest) -> None:
    """Raise `StoreError` unless *database* holds what the backup says."""
    with closing(database.connect()) as connection:
        found = copying.content(connection.execute)
    if (found.revision, found.events, found.last_position) != (
        manifest.revision,
        manifest.events,
        manifest.last_position,
    ):
        raise StoreError(
            f"the database at {database.where} is not what the backup says: {found.events} events up to"
            f" {found.last_position} instead of {manifest.events} up to {manifest.last_position}; take another backup"
        )


# --- restore


def restore(database: Database, data: Path, path: Path, progress: Progress = silent) -> Manifest:
    """Make *database* and the files in *data* from the backup at *path*, and compare; raises `StoreError`.

    The database comes last, all of it or nothing: a restore that was killed can be run again.
    """
    copies = copying.of(database)
    with archive.reading(path) as reader:
        _refuse_unfit(reader.manifest, database)
        copies.refuse_used()
        with tempfile.TemporaryDirectory(prefix=".carekit-restore-", dir=copies.beside()) as name:
            copy = Path(name) / DATABASE
            try:
                _unpack(reader, copy, data, path, progress)
            except OSError as error:
                raise StoreError(f"{error.filename or data} cannot be written: {error.strerror}; make room") from None
            copies.place(copy, progress)
    _compare(database, reader.manifest)
    return reader.manifest


def _refuse_unfit(manifest: Manifest, database: Database) -> None:
    if manifest.kind != database.dialect.name:
        raise StoreError(
            f"the backup is of a database of {manifest.kind}, and the store is one of {database.dialect.name}; give"
            f" [store] a url of {manifest.kind}"
        )
    if manifest.revision not in REVISIONS:
        raise StoreError(
            f"the backup was made by a newer carekit-sql: its schema is at {manifest.revision}, this one knows"
            f" {REVISIONS[-1]}; update carekit-sql"
        )


def _unpack(reader: Reader, copy: Path, data: Path, path: Path, progress: Progress) -> None:
    seen = set()
    data.mkdir(parents=True, exist_ok=True)
    with progress("unpacking", path.stat().st_size) as step:
        for part, digest, file in reader.parts():
            seen.add(part)
            target = copy if part == DATABASE else data / SECRET if part == SECRET else _blob(data, digest)
            if part not in (DATABASE, SECRET) and target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.restoring")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                reader.copy(part, digest, file, out, step)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(target)
    _refuse_incomplete(path, reader, seen)
    for folder in {data, *(data / "blobs").glob("??")}:
        sync_folder(folder)


def _blob(data: Path, digest: str) -> Path:
    return data / "blobs" / digest[:2] / digest
