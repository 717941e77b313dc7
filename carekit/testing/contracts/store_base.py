"""What every part of the store's suite builds on: the store, opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carekit.seams.store import Store


class StoreBase:
    """Override the fixture ``store``; the tests use ``opened``."""

    @pytest.fixture
    def store(self) -> Store:
        """The store under test, made as the file would make it, empty, not yet opened."""
        raise NotImplementedError("override the fixture 'store' with the store to test")

    @pytest.fixture
    def opened(self, store: Store) -> Iterator[Store]:
        """The store under test, open."""
        store.open()
        yield store
        store.close()
