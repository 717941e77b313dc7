"""The contract that every store keeps, asked of both databases."""

from __future__ import annotations

import pytest

from carekit import Secret, Store
from carekit.testing.contracts.store import StoreContract
from carekit_sql.store import SqlSettings, SqlStore


class TestSqlite(StoreContract):
    """A file on this machine."""

    @pytest.fixture
    def store(self, file: str) -> Store:
        return SqlStore("sql", SqlSettings(url=Secret(file)))


class TestPostgresql(StoreContract):
    """A database on a server."""

    @pytest.fixture
    def store(self, ready: str) -> Store:
        return SqlStore("sql", SqlSettings(url=Secret(ready)))
