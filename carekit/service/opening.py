"""From a file to what it describes, for commands that tell or ask something and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from carekit.service import config, plugins
from carekit.service.service import Role, Service


class ServiceFiles:
    """Reads and opens files; see `carekit.Files`."""

    def load(self, file: Path) -> Service:
        """The service of *file*, built but not open; raises `ConfigError`."""
        installed = plugins.load()
        # As one that only answers: what must follow is left to those who work.
        return Service(config.load(file, installed), installed, role=Role.WEB)

    @asynccontextmanager
    async def open(self, file: Path) -> AsyncIterator[Service]:
        """The same with its store open and nothing running in the background; raises `StoreError`."""
        service = self.load(file)
        service.open()
        try:
            yield service
        finally:
            await service.stop()
