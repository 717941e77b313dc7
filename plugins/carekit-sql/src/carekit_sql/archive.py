"""A backup as one file: a tar of the database, the attachments and the secret, with a manifest at its end.

::

    database              a file of SQLite, or what pg_dump made of a database of PostgreSQL (its custom format)
    secret                the key that signs links and the addresses of replies, if the service made it itself
    blobs/<SHA-256>       each attachment and each raw mail, by the digest of its bytes
    manifest.json         what there is, and the database's digest

The manifest comes last: what has none was not finished. Names are only compared with these, never used as paths.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import attrs

from carekit import StoreError
from carekit_sql.progress import Step

FORMAT = 1
DATABASE, SECRET, MANIFEST = "database", "secret", "manifest.json"
_BLOB = re.compile(r"blobs/([0-9a-f]{64})")
_CHUNK = 1 << 20
_LARGEST_MANIFEST = 64 << 20


@attrs.frozen
class Manifest:
    """What a backup holds."""

    kind: str
    """``sqlite`` or ``postgresql``."""
    revision: str
    """The schema's."""
    made_at: str
    """ISO 8601, UTC."""
    events: int
    last_position: int
    sha256: str
    """Of the database, in hexadecimal."""
    blobs: int
    missing: list[str] = attrs.field(factory=list)
    """Digests that the database refers to, and that were not there any more, or damaged."""
    format: int = FORMAT


class Hashing:
    """Passes on what is read, and knows its SHA-256."""

    def __init__(self, source: IO[bytes], step: Step) -> None:
        self._source = source
        self._step = step
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next *size* bytes, fewer at the end."""
        data = self._source.read(size)
        self._hash.update(data)
        self._step(len(data))
        return data

    def copy(self, target: IO[bytes] | None) -> str:
        """Read all there is into *target*, or only read it; its digest."""
        while data := self.read(_CHUNK):
            if target is not None:
                target.write(data)
        return self.digest

    @property
    def digest(self) -> str:
        """Of what has been read so far, in hexadecimal."""
        return self._hash.hexdigest()


class Writer:
    """Adds parts to a backup."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, path: Path, step: Step) -> str:
        """Add the file at *path*; the digest of what was written. Raises OSError."""
        with path.open("rb") as file:
            source = Hashing(file, step)
            self._tar.addfile(_entry(name, os.fstat(file.fileno()).st_size), source)
            return source.digest

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, after everything else."""
        data = json.dumps(attrs.asdict(manifest), indent=1).encode()
        self._tar.addfile(_entry(MANIFEST, len(data)), io.BytesIO(data))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new archive at *path*, readable by its owner alone, and on the disk at the end."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            yield Writer(tar)
        file.flush()
        os.fsync(file.fileno())


class Reader:
    """Gives the parts of a backup."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path = path
        self._tar = tar
        self.manifest = self._manifest()

    def parts(self) -> Iterator[tuple[str, str, IO[bytes]]]:
        """The name of each part, the digest it must have (empty if any), and its bytes; without the manifest."""
        for entry in self._tar:
            blob = _BLOB.fullmatch(entry.name)
            if not entry.isfile() or not (blob or entry.name in (DATABASE, SECRET, MANIFEST)):
                raise StoreError(f"the backup {self._path} has a part {entry.name[:80]!r} that no backup of ours has")
            file = self._tar.extractfile(entry)
            if entry.name != MANIFEST and file is not None:
                digest = blob[1] if blob else self.manifest.sha256 if entry.name == DATABASE else ""
                yield entry.name, digest, file

    def copy(self, name: str, digest: str, file: IO[bytes], target: IO[bytes] | None, step: Step) -> None:
        """Read a part into *target*, or only read it; raises `StoreError` unless it is what was written."""
        found = Hashing(file, step).copy(target)
        if digest and found != digest and digest not in self.manifest.missing:
            raise StoreError(
                f"the backup {self._path} is damaged: {name} is not what was written; take another backup, or a copy"
                " of this one from another disk"
            )

    def _manifest(self) -> Manifest:
        try:
            entry = self._tar.getmember(MANIFEST)
        except KeyError:
            raise self._unfinished() from None
        file = self._tar.extractfile(entry) if entry.size <= _LARGEST_MANIFEST else None
        try:
            found: dict[str, Any] = json.loads(file.read() if file else b"")
            if found["format"] != FORMAT:
                raise StoreError(
                    f"the backup {self._path} was made by a newer carekit-sql (format {found['format']!r}, this one"
                    f" knows {FORMAT}); update carekit-sql"
                )
            return _checked(Manifest(**found))
        except (ValueError, TypeError, KeyError):
            raise self._unfinished() from None

    def _unfinished(self) -> StoreError:
        return StoreError(
            f"{self._path} is not a whole backup: its manifest is missing or cannot be read; copy it again from where"
            " it was made, or use another one"
        )


def _checked(manifest: Manifest) -> Manifest:
    """*manifest* if every value is of its type; raises TypeError."""
    for field in attrs.fields(Manifest):
        kind = {"int": int, "str": str}.get(str(field.type), list)
        if not isinstance(getattr(manifest, field.name), kind):
            raise TypeError(field.name)
    return manifest


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """The backup at *path*; raises `StoreError` if it is none, or cut off."""
    try:
        with tarfile.open(path, mode="r:") as tar:
            yield Reader(path, tar)
    except FileNotFoundError:
        raise StoreError(
            f"there is no backup at {path}; give the path of a file that `carekit db backup` made"
        ) from None
    except IsADirectoryError:
        raise StoreError(f"{path} is a folder; give the path of a file that `carekit db backup` made") from None
    except tarfile.TarError as error:
        raise StoreError(
            f"{path} is not a whole backup: {error}; copy it again from where it was made, or use another one"
        ) from None
