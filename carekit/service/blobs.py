"""Bytes that come with messages (raw mail, attachments), kept under their SHA-256 digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from carekit.ground.errors import ConfigError, NotFound, Unavailable

TOGETHER = 64
"""Contents that are written at once."""
WAITING = 1000
"""Contents that may wait; beyond that the asker is told to come back."""


class Blobs(Protocol):
    """Keeps bytes by content. All methods are synchronous; the service calls them in a thread."""

    def put(self, contents: Sequence[bytes]) -> list[str]:
        """Keep *contents* durably; returns their digests. The same bytes are kept once."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes under *digest*; raises `NotFound`."""
        ...

    def head(self, digest: str, most: int) -> bytes:
        """The first *most* of them at the most, without reading the others; raises `NotFound`."""
        ...

    def note_erased(self, contact: str) -> None:
        """Note durably, beside the bytes, that the contact with this id was erased."""
        ...

    def erased(self) -> list[str]:
        """The ids of all contacts that were erased."""
        ...


def digest_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


_DIGEST = re.compile(r"[0-9a-f]{64}")
_DROPPED = ".dropped"
ERASED = "erased"
"""Where it is noted who was erased: an empty file, or object, for each."""


class MemoryBlobs:
    """Bytes in a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._erased: set[str] = set()

    def put(self, contents: Sequence[bytes]) -> list[str]:
        digests = [digest_of(data) for data in contents]
        self._kept.update(zip(digests, contents, strict=True))
        return digests

    def get(self, digest: str) -> bytes:
        try:
            return self._kept[digest]
        except KeyError:
            raise _unknown(digest) from None

    def head(self, digest: str, most: int) -> bytes:
        return self.get(digest)[:most]

    def note_erased(self, contact: str) -> None:
        self._erased.add(contact)

    def erased(self) -> list[str]:
        return sorted(self._erased)


class FolderBlobs:
    """One file a content, under a name of our own making; on disk, and known to be, before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lasting: set[Path] = set()
        """Folders whose own names are known to be on the disk."""

    def put(self, contents: Sequence[bytes]) -> list[str]:
        digests = [digest_of(data) for data in contents]
        try:
            self._write(dict(zip(digests, contents, strict=True)))
        except OSError as error:
            raise Unavailable(f"cannot keep an attachment in {self._folder}: {error.strerror}") from error
        return digests

    def get(self, digest: str) -> bytes:
        return self.head(digest, -1)

    def head(self, digest: str, most: int) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise _unknown(digest)
        try:
            with self._path(digest).open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            raise _unknown(digest) from None
        except OSError as error:
            raise Unavailable(f"cannot read an attachment in {self._folder}: {error.strerror}") from error

    def _write(self, contents: dict[str, bytes]) -> None:
        """All of them: first the bytes, then the names. The disk does most of the work of many with the first."""
        paths = {digest: self._path(digest) for digest in contents}
        folders = {path.parent for path in paths.values()}
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in folders - self._lasting:
            folder.mkdir(exist_ok=True)
        begun = {path: _partial(path) for path in paths.values() if not _touch(path)}
        try:
            for digest, data in contents.items():
                if partial := begun.get(paths[digest]):
                    partial.write_bytes(data)
            for partial in begun.values():
                _sync(partial)
            for path, partial in begun.items():
                partial.replace(path)
        except BaseException:
            for partial in begun.values():  # where the disk is full, nothing stays behind that takes up room
                partial.unlink(missing_ok=True)
            raise
        # A name is durable only when its folder is: also one that was there, whose writer may not have got this far.
        new = folders - self._lasting
        for folder in folders | ({self._folder, self._folder.parent} if new else set()):
            _sync(folder)
        self._lasting |= new

    def note_erased(self, contact: str) -> None:
        folder = self._folder / ERASED
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / contact).touch()
            for path in (folder / contact, folder, self._folder, self._folder.parent):
                _sync(path)
        except OSError as error:
            raise Unavailable(f"cannot note in {folder} who is to be erased: {error.strerror}") from error

    def erased(self) -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(path.name for path in (self._folder / ERASED).iterdir())
        return []

    # --- what nothing refers to any more

    def prefixes(self) -> list[str]:
        """The beginnings of the digests that are there, in order."""
        with suppress(FileNotFoundError):
            return sorted(path.name for path in self._folder.iterdir() if re.fullmatch("[0-9a-f]{2}", path.name))
        return []

    def old(self, prefix: str, before: float) -> Iterator[str]:
        """The digests under *prefix* whose bytes nobody kept since *before*, in seconds of the epoch.

        What a process left half-written that died meanwhile is removed on the way.
        """
        for path in sorted((self._folder / prefix).iterdir()):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime >= before:
                    continue
                if _DIGEST.fullmatch(path.name):
                    yield path.name
                elif path.name.endswith(_DROPPED):
                    path.replace(path.with_name(path.name[1:65]))  # a process died over it: it is looked at again
                elif path.name.startswith("."):
                    path.unlink()

    def drop(self, digest: str, before: float) -> int | None:
        """Remove what nothing refers to, unless somebody keeps the same just now; how many bytes that were,
        None if it stays.

        It is set aside first and looked at again: who touched it before is seen, who comes after writes it anew.
        """
        path = self._path(digest)
        aside = path.with_name(f".{digest}{_DROPPED}")
        path.replace(aside)
        found = aside.stat()
        if found.st_mtime >= before:
            aside.replace(path)
            return None
        aside.unlink()
        return found.st_size

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


_USER = re.compile(r"//[^/\s]*@")
"""The name and password in a URL, which are nobody's business."""


class FarBlobs:
    """One object a content, at a URL that fsspec knows: as durable as what stands there says when it has taken it."""

    def __init__(self, url: str) -> None:
        shown = self._url = _USER.sub("//…@", url)
        if "://" not in url:
            raise ConfigError(f"{shown!r} is not a URL such as s3://bucket/care; folders go into `data`")
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(url)
            if hasattr(self._files, "auto_mkdir"):
                self._files.auto_mkdir = True
        except ImportError as error:
            raise ConfigError(f'{shown}: {error}; begin with pip install "carekit[remote]"') from None
        except Exception as error:  # noqa: BLE001 - each protocol has its own
            said = _USER.sub("//…@", f"{type(error).__name__}: {error}")
            raise ConfigError(f"{shown} cannot be used: {said}") from None

    def put(self, contents: Sequence[bytes]) -> list[str]:
        digests = [digest_of(data) for data in contents]
        for digest, data in dict(zip(digests, contents, strict=True)).items():
            self._try(self._files.pipe_file, self._path(digest), data)
        return digests

    def get(self, digest: str) -> bytes:
        return self._get(digest, None)

    def head(self, digest: str, most: int) -> bytes:
        return self._get(digest, most)

    def _get(self, digest: str, end: int | None) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise _unknown(digest)
        try:
            found: bytes = self._try(self._files.cat_file, self._path(digest), None, end)
        except Unavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise _unknown(digest) from None
            raise
        return found

    def note_erased(self, contact: str) -> None:
        self._try(self._files.pipe_file, f"{self._root.rstrip('/')}/{ERASED}/{contact}", b"erased\n")

    def erased(self) -> list[str]:
        try:
            found = self._try(self._files.ls, f"{self._root.rstrip('/')}/{ERASED}", detail=False)
        except Unavailable as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            raise
        return sorted(str(name).rpartition("/")[2] for name in found)

    def _try(self, do: Callable[..., Any], *arguments: object, **options: object) -> Any:
        try:
            return do(*arguments, **options)
        except Exception as error:  # each protocol has its own
            raise Unavailable(
                f"cannot reach the attachments at {self._url}: {type(error).__name__}: {error}"
            ) from error

    def _path(self, digest: str) -> str:
        return f"{self._root.rstrip('/')}/{digest[:2]}/{digest}"


class Keeper:
    """Keeps bytes for many at once: whoever comes while some are being written shares the next time."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._waiting: list[tuple[bytes, asyncio.Future[str]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, data: bytes) -> str:
        """The digest of *data*, when it is durable; raises `Unavailable`."""
        if len(self._waiting) >= WAITING:
            raise Unavailable("too many attachments are waiting to be written; try again in a moment")
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((data, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def get(self, digest: str) -> bytes:
        """The bytes under *digest*; raises `NotFound`."""
        return await asyncio.to_thread(self._blobs.get, digest)

    def head(self, digest: str, most: int) -> bytes:
        """The first *most* of them; may block. Raises `NotFound` or `Unavailable`."""
        return self._blobs.head(digest, most)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._tell(batch)
        finally:
            self._writing = None

    async def _tell(self, batch: Sequence[tuple[bytes, asyncio.Future[str]]]) -> None:
        waiting = [future for _, future in batch]
        try:
            digests = await asyncio.to_thread(self._blobs.put, [data for data, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for future, digest in zip(waiting, digests, strict=True):
            if not future.done():
                future.set_result(digest)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}")


def _touch(path: Path) -> bool:
    """Whether the content is there already; then as young as a new one, so that `FolderBlobs.drop` leaves it."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unknown(digest: str) -> NotFound:
    return NotFound(f"no bytes are kept under {digest[:80]!r}")
