"""Bytes that come with messages (raw mail, attachments), kept under their SHA-256 digest."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Protocol

from carekit.ground.errors import NotFound, Unavailable


class Blobs(Protocol):
    """Keeps bytes by content. Both methods are synchronous; the service calls them in a thread."""

    def put(self, data: bytes) -> str:
        """Keep *data* durably; returns its digest. The same bytes are kept once."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes under *digest*; raises `NotFound`."""
        ...


def digest_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


_DIGEST = re.compile(r"[0-9a-f]{64}")


class MemoryBlobs:
    """Bytes in a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        self._kept[digest] = data
        return digest

    def get(self, digest: str) -> bytes:
        try:
            return self._kept[digest]
        except KeyError:
            raise NotFound(f"no bytes are kept under {digest[:80]!r}") from None


class FolderBlobs:
    """One file a content, under a name of our own making; on disk, and known to be, before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        path = self._path(digest)
        if path.exists():
            return digest
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{os.getpid()}.{id(data)}")
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise Unavailable(f"cannot keep an attachment in {self._folder}: {error.strerror}") from error
        return digest

    def get(self, digest: str) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"no bytes are kept under {digest[:80]!r}")
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no bytes are kept under {digest!r}") from None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _sync_folder(folder: Path) -> None:
    """A new name is durable only when its folder has been written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
