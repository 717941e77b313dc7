"""The store in memory keeps the contract of every store."""

from __future__ import annotations

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.seams.store import Store
from carekit.testing.contracts.store import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
