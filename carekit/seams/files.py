"""What a command of a plugin gets as click's object (``@click.pass_obj``): the way from a file to what it describes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from carekit.seams.channel import Channel
from carekit.seams.desk import Desk
from carekit.seams.store import Store


class Parts(Protocol):
    """What a file describes."""

    @property
    def data(self) -> Path:
        """The folder in which the service keeps files of its own."""
        ...

    @property
    def remote(self) -> str:
        """The URL at which attachments and raw mail are kept; empty where that is the folder ``blobs`` of `data`."""
        ...

    @property
    def desk(self) -> Desk:
        """The desk."""
        ...

    @property
    def store(self) -> Store:
        """The store; closed, unless the file was opened."""
        ...

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by name."""
        ...


class Files(Protocol):
    """Reads and opens files."""

    def load(self, file: Path) -> Parts:
        """What *file* describes, with nothing opened; raises `ConfigError` that tells every fault."""
        ...

    def open(self, file: Path) -> AbstractAsyncContextManager[Parts]:
        """The same with the store open, and nothing running in the background.

        It may be used beside the running service, which takes up whatever must follow. Raises `StoreError`, too.
        """
        ...
